// Every log line arrives once and in order, whoever was late or killed.
#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/home.hpp"
#include "tests/support/json.hpp"
#include "tests/support/scale.hpp"

using namespace guild::test;

namespace {

struct Line {
  std::string boot, message;
  std::int64_t seq = 0, lost_before = 0;
};

// All lines of one producer, in the order of their commit.
std::vector<Line> lines_of(TestHome& home, const std::string& producer) {
  std::vector<Line> lines;
  std::int64_t after = 0;
  while (true) {
    const Outcome page =
        home.guild({"logs", "query", "--daemon", producer, "--level", "debug", "--after-id",
                    std::to_string(after), "--limit", "1000", "--json"});
    INFO(page.err);
    REQUIRE(page.exit_code == 0);
    const auto records = json_lines(page.out);
    for (const Json& stored : records) {
      const Json& record = stored.at("record");
      REQUIRE(stored.at("producer") == producer);
      lines.push_back(
          {record.at("boot"), record.at("message"), record.at("seq"), stored.at("lost_before")});
      after = stored.at("id");
    }
    // A page that is not full is the last: each question makes the broker log a line of its own.
    if (records.size() < 1000) return lines;
  }
}

// Within each boot: numbered from 1, without a gap or a repetition, in order.
void check_whole(const std::vector<Line>& lines) {
  std::map<std::string, std::int64_t> last;
  for (const Line& line : lines) {
    INFO("boot " << line.boot << ": " << line.message);
    CHECK(line.seq == last[line.boot] + 1);
    CHECK(line.lost_before == 0);
    last[line.boot] = line.seq;
  }
}

std::size_t emitted(const std::vector<Line>& lines) {
  std::set<std::pair<std::string, std::int64_t>> numbered;
  for (const Line& line : lines)
    if (line.message.find("line ") != std::string::npos) numbered.emplace(line.boot, line.seq);
  return numbered.size();
}

const std::vector<std::string> producers = {"alpha", "beta", "gamma", "delta"};

}  // namespace

TEST_CASE("a log consumer that starts late has every daemon's first line and every client's") {
  TestHome home;
  for (const auto& name : producers) home.add_key(name, "client");
  home.write_config("[gateway]\nport = 0\n");
  home.start("broker");
  for (const char* daemon : {"ledgerd", "scheduler", "gateway"}) home.start(daemon);
  std::vector<Process> emitters;
  for (const auto& name : producers)
    emitters.push_back(home.guild_in_background(
        {"--as", name, "logs", "emit", "--count", "500", "--timeout", "60s"}));
  // The lateness is what is tested: everybody has long logged before anybody could listen.
  std::this_thread::sleep_for(seconds(2));
  for (Process& emitter : emitters) REQUIRE(emitter.running());  // Waiting for the acknowledgement.
  home.start("logconsumer");
  for (Process& emitter : emitters) {
    const Outcome outcome = emitter.wait(seconds(60));
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
  }
  for (const auto& name : producers) {
    const auto lines = lines_of(home, name);
    check_whole(lines);
    CHECK(emitted(lines) == 500);
  }
  for (const std::string daemon : {"broker", "ledgerd", "scheduler", "gateway", "logconsumer"}) {
    INFO(daemon);
    const auto lines = lines_of(home, daemon);
    REQUIRE_FALSE(lines.empty());
    CHECK(lines.front().seq == 1);
    check_whole(lines);
  }
}

TEST_CASE("killing the log consumer ten times under load loses and doubles no line") {
  const int lines_each = scaled(20'000, 200'000);
  TestHome home;
  for (const auto& name : producers) home.add_key(name, "client");
  home.start("broker");
  home.start("logconsumer");
  std::vector<Process> emitters;
  for (const auto& name : producers) {
    emitters.push_back(home.guild_in_background({"--as", name, "logs", "emit", "--count",
                                                 std::to_string(lines_each), "--timeout", "300s"}));
  }
  for (int i = 0; i < 10; ++i) {
    home.daemon("logconsumer").kill();
    home.start("logconsumer");
  }
  for (Process& emitter : emitters) {
    const Outcome outcome = emitter.wait(seconds(300));
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
  }
  for (const auto& name : producers) {
    const auto lines = lines_of(home, name);
    check_whole(lines);
    CHECK(emitted(lines) == static_cast<std::size_t>(lines_each));
  }
}
