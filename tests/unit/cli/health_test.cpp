#include "cli/health.hpp"

#include <catch2/catch.hpp>

#include "cli/checks.hpp"
#include "cli/home_state.hpp"

using namespace guild;
using namespace guild::cli;

namespace {

messages::Health health_of(std::string state) {
  messages::Health health;
  health.daemon = "ledgerd";
  health.pid = 42;
  health.ready = state == "ready";
  health.state = std::move(state);
  health.uptime_s = 7;
  health.rss_bytes = 1'000;
  return health;
}

const Error nobody{ErrorKind::unavailable, "no_responder", "nobody serves ledgerd/health", ""};
const Error late{ErrorKind::timeout, "timeout", "no answer within 2s", ""};

}  // namespace

TEST_CASE("a daemon that answers is told in its own words") {
  const DaemonStatus ready = status_of("ledgerd", health_of("ready"), 42, {});
  CHECK(ready.ready);
  CHECK(ready.pid == 42);
  CHECK(ready.uptime_s == 7);
  CHECK_FALSE(ready.reason);
  const DaemonStatus draining = status_of("ledgerd", health_of("draining"), 42, {});
  CHECK_FALSE(draining.ready);
  CHECK(draining.reason == "it is draining");
}

TEST_CASE("a daemon that does not answer is down, silent or given up, by its lock") {
  const DaemonStatus down = status_of("ledgerd", std::unexpected(nobody), {}, {});
  CHECK(down.state == "down");
  CHECK(down.reason == "not running");
  CHECK_FALSE(down.pid);

  const DaemonStatus stopped = status_of("ledgerd", std::unexpected(late), 42, {});
  CHECK(stopped.state == "silent");
  CHECK(stopped.pid == 42);
  CHECK(stopped.reason->find("runs (pid 42) but does not answer") != std::string::npos);

  const DaemonStatus lost = status_of("ledgerd", std::unexpected(nobody), {}, "killed by SIGSEGV");
  CHECK(lost.reason == "the supervisor gave it up: killed by SIGSEGV");
}

TEST_CASE("the holder of a lock is found by inode, and who only waits for it is not") {
  const std::string locks =
      "1: POSIX  ADVISORY  WRITE 11 08:01:500 0 EOF\n"
      "2: FLOCK  ADVISORY  WRITE 22 08:01:501 0 EOF\n"
      "2: -> FLOCK  ADVISORY  WRITE 33 08:01:500 0 EOF\n"
      "3: FLOCK  ADVISORY  READ  44 fd:00:500 0 EOF\n";
  CHECK(find_lock_holder(locks, 500) == 44);
  CHECK(find_lock_holder(locks, 501) == 22);
  CHECK_FALSE(find_lock_holder(locks, 50));
  CHECK_FALSE(find_lock_holder("garbage\n1: FLOCK\n", 500));
  CHECK_FALSE(find_lock_holder("", 500));
}

TEST_CASE("doctor warns when nothing runs, and fails when something runs badly") {
  std::vector<DaemonStatus> statuses = {status_of("broker", std::unexpected(nobody), {}, {}),
                                        status_of("ledgerd", std::unexpected(nobody), {}, {})};
  const Findings none = judge_daemons(statuses);
  REQUIRE(none.size() == 1);
  CHECK(none[0].verdict == Verdict::warn);

  statuses[0] = status_of("broker", health_of("ready"), 1, {});
  statuses.push_back(status_of("scheduler", std::unexpected(late), 9, {}));
  const Findings some = judge_daemons(statuses);
  REQUIRE(some.size() == 3);
  CHECK(some[0].verdict == Verdict::ok);
  CHECK(some[1].verdict == Verdict::warn);
  CHECK(some[2].verdict == Verdict::fail);
  CHECK(some[2].next_step);
}

TEST_CASE("free space is enough, scarce, or too little to start with") {
  CHECK(judge_free_space("data", 1ULL << 40U).verdict == Verdict::ok);
  CHECK(judge_free_space("data", 1ULL << 30U).verdict == Verdict::ok);
  CHECK(judge_free_space("data", (1ULL << 30U) - 1).verdict == Verdict::warn);
  CHECK(judge_free_space("data", (64ULL << 20U) - 1).verdict == Verdict::fail);
}

TEST_CASE("doctor warns when the market maker has fewer questions left than it should ask") {
  ledgerd::economy::MakerPlan plan{.asks = {{.question = 0, .times = 0}}, .lack = {}, .left = 4};
  CHECK(judge_questions("q.jsonl", plan).verdict == Verdict::ok);
  CHECK(judge_questions("q.jsonl", plan).detail == "5 questions can be asked");
  plan.lack = ledgerd::economy::MakerLack::questions;
  CHECK(judge_questions("q.jsonl", plan).verdict == Verdict::warn);
  CHECK(judge_questions("q.jsonl", plan).next_step == "add some to q.jsonl");
}
