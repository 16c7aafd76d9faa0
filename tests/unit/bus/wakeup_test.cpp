#include "common/bus/wakeup.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

using namespace guild::bus;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

bool readable(const Wakeup& wakeup, int limit_ms = 0) {
  pollfd waiting{wakeup.fd(), POLLIN, 0};
  return poll(&waiting, 1, limit_ms) == 1;
}

}  // namespace

TEST_CASE("raised until lowered") {
  Wakeup wakeup = Wakeup::make().value();
  CHECK_FALSE(readable(wakeup));
  wakeup.raise();
  wakeup.raise();
  CHECK(readable(wakeup));
  CHECK(readable(wakeup));
  wakeup.lower();
  CHECK_FALSE(readable(wakeup));
  wakeup.lower();
}

TEST_CASE("it wakes at the time, and no more once the time is taken back") {
  Wakeup wakeup = Wakeup::make().value();
  const auto now = Clock::now();
  wakeup.wake_at(now + 20ms, now);
  CHECK_FALSE(readable(wakeup));
  CHECK(readable(wakeup, 2'000));
  CHECK(Clock::now() >= now + 20ms);
  SECTION("by none") { wakeup.wake_at(std::nullopt, Clock::now()); }
  SECTION("by a later one") { wakeup.wake_at(Clock::now() + 1h, Clock::now()); }
  CHECK_FALSE(readable(wakeup));
}

TEST_CASE("an earlier time replaces a later one; a past one wakes at once") {
  Wakeup wakeup = Wakeup::make().value();
  const auto now = Clock::now();
  wakeup.wake_at(now + 1h, now);
  wakeup.wake_at(now + 5ms, now);
  CHECK(readable(wakeup, 2'000));
  wakeup.wake_at(Clock::now() - 1s, Clock::now());
  CHECK(readable(wakeup, 2'000));
}

TEST_CASE("a watched descriptor wakes, and is told apart from the others") {
  Wakeup wakeup = Wakeup::make().value();
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  REQUIRE(wakeup.watch(ends[0]).has_value());
  wakeup.raise();
  CHECK_FALSE(wakeup.is_ready(ends[0]));
  wakeup.lower();
  CHECK(write(ends[1], "x", 1) == 1);
  CHECK(readable(wakeup));
  CHECK(wakeup.is_ready(ends[0]));
  wakeup.forget(ends[0]);
  CHECK_FALSE(readable(wakeup));
  CHECK(wakeup.watch(-1).error().message.find("watch a descriptor") == 0);
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("waiting keeps its limit to better than a millisecond") {
  Wakeup wakeup = Wakeup::make().value();
  const auto until = Clock::now() + 2'500us;
  wait_readable(wakeup.fd(), until);
  CHECK(Clock::now() >= until);
  wakeup.raise();
  const auto start = Clock::now();
  wait_readable(wakeup.fd(), start + 10s);
  wait_readable(wakeup.fd(), start - 10s);
  CHECK(Clock::now() - start < 5s);
}
