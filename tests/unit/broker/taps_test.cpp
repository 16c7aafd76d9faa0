// Monitors: headers of what passes, joined, bounded, told ten times a second; never of themselves.
#include "broker/taps.hpp"

#include "tests/unit/broker/world.hpp"

namespace guild::broker {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a monitor sees the headers of what is published under its pattern") {
  World world;
  world.allow("ada");
  auto& ada = world.join("ada");
  world.publish(ada, "apps/a", "before");
  const auto monitor = world.core().start_monitor("apps/*");
  REQUIRE(monitor);
  world.publish_run(ada, "apps/a", {"one", "three"});
  world.publish(ada, "apps/a", "five");
  world.publish(ada, "other/a", "not ours");
  world.publish(ada, "apps/b", "");
  world.advance(99ms);
  CHECK(world.traffic_seen.empty());
  world.advance(1ms);
  REQUIRE(world.traffic_seen.size() == 1);
  const messages::BusTraffic& seen = world.traffic_seen[0];
  CHECK(seen.monitor == *monitor);
  REQUIRE(seen.headers.size() == 2);
  CHECK(seen.headers[0].operation == messages::BusOperation::publish);
  CHECK(seen.headers[0].topic == "apps/a");
  CHECK(seen.headers[0].sender == "ada");
  CHECK(seen.headers[0].sequence == 2);
  CHECK(seen.headers[0].count == 3);
  CHECK(seen.headers[0].bytes == 12);
  CHECK(seen.headers[1].topic == "apps/b");
  CHECK(seen.headers[1].sequence == 6);
  CHECK(seen.headers[1].bytes == 0);
  CHECK(seen.omitted_messages == 0);

  world.core().stop_monitor(*monitor);
  world.publish(ada, "apps/a", "after");
  world.advance(1s);
  CHECK(world.traffic_seen.size() == 1);
}

TEST_CASE("a monitor sees requests that are passed on, and none that fail") {
  World world;
  world.allow("ada");
  world.allow("bob");
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  REQUIRE(world.core().start_monitor("**"));
  world.request(ada, 4, "nobody/serves", "x");
  world.serve(bob, "apps/sum");
  world.request(ada, 5, "apps/sum", "12345");
  world.advance(100ms);
  REQUIRE(world.traffic_seen.size() == 1);
  REQUIRE(world.traffic_seen[0].headers.size() == 1);
  const messages::BusHeader& header = world.traffic_seen[0].headers[0];
  CHECK(header.operation == messages::BusOperation::request);
  CHECK(header.topic == "apps/sum");
  CHECK(header.sender == "ada");
  CHECK(header.sequence == 5);
  CHECK(header.bytes == 5);
}

TEST_CASE("what a monitor is told is bounded, and the rest counted") {
  World world;
  world.allow("ada");
  auto& ada = world.join("ada");
  REQUIRE(world.core().start_monitor("apps/**"));
  const std::size_t extra = 7;
  for (std::size_t i = 0; i < Taps::headers_max + extra; ++i)
    world.publish(ada, "apps/" + std::to_string(i), "four");
  world.advance(100ms);
  REQUIRE(world.traffic_seen.size() == 1);
  CHECK(world.traffic_seen[0].headers.size() == Taps::headers_max);
  CHECK(world.traffic_seen[0].omitted_messages == extra);
  CHECK(world.traffic_seen[0].omitted_bytes == 4 * extra);
}

TEST_CASE("monitors are numbered apart, and at most sixteen run") {
  World world;
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < Taps::taps_max; ++i) {
    const auto monitor = world.core().start_monitor("a/**");
    REQUIRE(monitor);
    numbers.push_back(*monitor);
  }
  CHECK_FALSE(world.core().start_monitor("a/**"));
  world.core().stop_monitor(numbers[3]);
  const auto next = world.core().start_monitor("a/**");
  REQUIRE(next);
  CHECK(*next > numbers.back());
}

TEST_CASE("what monitors are told is not looked at by monitors") {
  World world;
  world.allow("broker", {"bus/**"});
  auto& broker = world.join("broker");
  REQUIRE(world.core().start_monitor("**"));
  world.publish(broker, "bus/traffic/1", "headers");
  world.publish(broker, "bus/status", "figures");
  world.advance(100ms);
  REQUIRE(world.traffic_seen.size() == 1);
  REQUIRE(world.traffic_seen[0].headers.size() == 1);
  CHECK(world.traffic_seen[0].headers[0].topic == "bus/status");
}

}  // namespace
}  // namespace guild::broker
