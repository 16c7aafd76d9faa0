#include "scheduler/waiters.hpp"

#include <catch2/catch.hpp>
#include <vector>

using guild::Uuid;
using guild::scheduler::Waiters;
using namespace std::chrono_literals;

namespace {
struct Hall {
  void add(const Uuid& task, guild::Duration limit) {
    REQUIRE(waiters.add(task, limit, [this](Waiters::Why why) { woken.push_back(why); }));
  }
  boost::asio::io_context loop;
  Waiters waiters{loop, 3};
  std::vector<Waiters::Why> woken;
};
const Uuid one = Uuid::of_name("1"), two = Uuid::of_name("2");
}  // namespace

TEST_CASE("all who wait for a task are woken once, and nobody else") {
  Hall hall;
  hall.add(one, 1h);
  hall.add(one, 1h);
  hall.add(two, 1h);
  hall.waiters.notify(one);
  CHECK(hall.woken == std::vector(2, Waiters::Why::happened));
  hall.waiters.notify(one);
  CHECK(hall.woken.size() == 2);
  CHECK(hall.waiters.count() == 1);
}

TEST_CASE("whose time is up is woken without it, the others wait on") {
  Hall hall;
  hall.add(one, 1h);
  hall.add(one, 1ms);
  while (hall.woken.empty()) hall.loop.run_one();
  CHECK(hall.woken == std::vector(1, Waiters::Why::time_up));
  CHECK(hall.waiters.count() == 1);
}

TEST_CASE("a wait can be shortened, never lengthened") {
  Hall hall;
  hall.add(one, 1h);
  hall.add(two, 1ms);
  hall.waiters.shorten(one, 2ms);
  hall.waiters.shorten(two, 1h);
  while (hall.waiters.count() > 0) hall.loop.run_one();
  CHECK(hall.woken.size() == 2);
}

TEST_CASE("no more wait than may") {
  Hall hall;
  for (int i = 0; i < 3; ++i) hall.add(one, 1h);
  const auto refused = hall.waiters.add(two, 1h, [](Waiters::Why) {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "too_many_waiters");
}
