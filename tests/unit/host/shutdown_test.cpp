#include "common/host/shutdown.hpp"

#include <catch2/catch.hpp>

#include "common/host/home.hpp"

using namespace guild;
using namespace guild::host;

namespace {

constexpr Instant before{1'000}, start{2'000}, after{3'000};

struct Row {
  const char* what;
  FoundAtStart found;
  bool remove_own, remove_system, refuse;
};

}  // namespace

TEST_CASE("what a daemon does about shutdown files when it starts") {
  const Row row = GENERATE(values<Row>({
      {"none", {{}, {}, start, false}, false, false, false},
      {"none, others run", {{}, {}, start, true}, false, false, false},
      {"own, stale", {before, {}, start, true}, true, false, false},
      {"own, fresh: it is obeyed, not removed", {after, {}, start, false}, false, false, false},
      {"system, stale, alone", {{}, before, start, false}, false, true, false},
      {"system, older, but others still stop", {{}, before, start, true}, false, false, true},
      {"system, fresh, alone", {{}, after, start, false}, false, false, true},
      {"system, the very instant", {{}, start, start, false}, false, false, true},
      {"both stale", {before, before, start, false}, true, true, false},
      {"a refused start changes nothing", {before, after, start, false}, false, false, true},
  }));
  INFO(row.what);
  const StartDecision decision = decide_start(row.found);
  CHECK(decision.remove_own == row.remove_own);
  CHECK(decision.remove_system == row.remove_system);
  CHECK(decision.refuse == row.refuse);
}

TEST_CASE("a daemon stops after those that were started later") {
  using Names = std::vector<std::string_view>;
  CHECK(started_after("broker") == Names{"logconsumer", "ledgerd", "scheduler", "gateway"});
  CHECK(started_after("scheduler") == Names{"gateway"});
  CHECK(started_after("gateway").empty());
  CHECK(started_after("somebody").empty());
}

TEST_CASE("waiting for those started later can never go round in a circle") {
  for (const std::string_view a : daemon_names)
    for (const std::string_view b : started_after(a)) {
      const auto back = started_after(b);
      CHECK(std::find(back.begin(), back.end(), a) == back.end());
    }
}

TEST_CASE("the others are all but oneself") {
  CHECK(others_than("ledgerd").size() == 4);
  CHECK(others_than("somebody").size() == 5);
}
