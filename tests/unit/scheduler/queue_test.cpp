#include "scheduler/queue.hpp"

#include <catch2/catch.hpp>

using guild::Duration;
using guild::Uuid;
using guild::scheduler::Lease;
using guild::scheduler::Queue;
using guild::scheduler::Stop;
using namespace std::chrono_literals;

namespace {

Uuid task(int number) { return Uuid::of_name("task " + std::to_string(number)); }

Queue queue_with(Queue::Limits limits, int tasks) {
  Queue queue(limits);
  for (int i = 1; i <= tasks; ++i) queue.restore({.id = task(i), .seq = i});
  return queue;
}

Lease run_next(Queue& queue, Duration deadline = 1h) {
  const auto lease = queue.take();
  REQUIRE(lease);
  queue.started(*lease, deadline);
  return *lease;
}

}  // namespace

TEST_CASE("tasks of one priority start in order of submission, P0 before P1 before P2") {
  Queue queue({.slots = 10});
  queue.restore({.id = task(1), .seq = 1, .priority = 2});
  queue.restore({.id = task(2), .seq = 2, .priority = 1});
  queue.restore({.id = task(3), .seq = 3, .priority = 0});
  queue.restore({.id = task(4), .seq = 4, .priority = 1});
  for (const int expected : {3, 2, 4, 1}) CHECK(queue.take()->task == task(expected));
  CHECK_FALSE(queue.take());
}

TEST_CASE("the queue refuses one more than its bound, and a withdrawn place is free again") {
  Queue queue({.queued_max = 2});
  REQUIRE(queue.admit());
  REQUIRE(queue.admit());
  const auto refused = queue.admit();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "queue_full");
  CHECK(refused.error().kind == guild::ErrorKind::exhausted);
  queue.withdraw();
  CHECK(queue.admit());
}

TEST_CASE("no more than `slots` attempts at once; a slot is held until the end is on disk") {
  Queue queue = queue_with({.slots = 2}, 3);
  const Lease first = run_next(queue);
  run_next(queue);
  CHECK_FALSE(queue.take());
  REQUIRE(queue.begin_end(first));
  CHECK_FALSE(queue.take());
  queue.ended(first);
  CHECK(queue.take());
}

TEST_CASE("a lease that could not be written gives its slot and its attempt number back") {
  Queue queue = queue_with({.slots = 1}, 1);
  const Lease lease = *queue.take();
  CHECK(lease.attempt == 1);
  queue.give_back(lease);
  CHECK(queue.take()->attempt == 1);
}

TEST_CASE("an earlier attempt can change nothing of a later one") {
  Queue queue = queue_with({.slots = 1}, 1);
  const Lease first = run_next(queue);
  REQUIRE(queue.begin_end(first));
  queue.requeued(first);
  const Lease second = run_next(queue);
  CHECK(second.attempt == 2);
  CHECK(queue.begin_end(first).error().code == "lease_stale");
  CHECK(queue.stop(first, Stop::cancelled, 0s).error().code == "lease_stale");
  CHECK(queue.place(task(1)) == Queue::Place::running);
}

TEST_CASE("an attempt ends once") {
  Queue queue = queue_with({.slots = 1}, 1);
  const Lease lease = run_next(queue);
  REQUIRE(queue.begin_end(lease));
  CHECK(queue.begin_end(lease).error().code == "lease_stale");
  queue.ended(lease);
  CHECK(queue.begin_end(lease).error().code == "lease_stale");
}

TEST_CASE("a task that is being cancelled is not started, and returns to its place on failure") {
  Queue queue = queue_with({.slots = 2}, 2);
  REQUIRE(queue.begin_leave(task(1)));
  CHECK(queue.begin_leave(task(1)).error().code == "task_not_queued");
  CHECK(queue.take()->task == task(2));
  CHECK_FALSE(queue.take());
  queue.leave_failed(task(1));
  CHECK(queue.take()->task == task(1));
}

TEST_CASE("a cancelled queued task is gone") {
  Queue queue = queue_with({}, 1);
  REQUIRE(queue.begin_leave(task(1)));
  queue.left(task(1));
  CHECK_FALSE(queue.place(task(1)));
  CHECK(queue.begin_leave(task(1)).error().code == "task_not_found");
}

TEST_CASE("a timeout is due at its deadline, not a nanosecond before, and once") {
  Queue queue = queue_with({.grace = 5s}, 1);
  const Lease lease = run_next(queue, 10s);
  CHECK(queue.next_due() == Duration(10s));
  CHECK(queue.due(10s - 1ns).empty());
  const auto due = queue.due(10s);
  REQUIRE(due.size() == 1);
  CHECK(due.front().lease == lease);
  CHECK(due.front().action == Queue::DueAction::time_out);
  CHECK(queue.due(1h).empty());
}

TEST_CASE("an attempt that was asked to stop is due to be killed after the grace") {
  Queue queue = queue_with({.grace = 5s}, 1);
  const Lease lease = run_next(queue, 10s);
  REQUIRE(queue.stop(lease, Stop::cancelled, 2s));
  CHECK(queue.next_due() == Duration(7s));
  CHECK(queue.due(7s - 1ns).empty());
  const auto due = queue.due(7s);
  REQUIRE(due.size() == 1);
  CHECK(due.front().action == Queue::DueAction::kill);
  CHECK_FALSE(queue.next_due());
}

TEST_CASE("the first reason to stop stays, and the grace does not begin anew") {
  Queue queue = queue_with({.grace = 5s}, 1);
  const Lease lease = run_next(queue, 1s);
  REQUIRE(queue.due(1s).size() == 1);
  REQUIRE(queue.stop(lease, Stop::timed_out, 1s));
  REQUIRE(queue.stop(lease, Stop::cancelled, 4s));
  CHECK(queue.next_due() == Duration(6s));
  CHECK(queue.begin_end(lease) == Stop::timed_out);
}

TEST_CASE("a closed queue admits and starts nothing") {
  Queue queue = queue_with({}, 1);
  queue.close(0s, 1s);
  CHECK_FALSE(queue.take());
  CHECK(queue.admit().error().code == "stopping");
}

TEST_CASE("closing shortens the grace, also one that has begun") {
  Queue queue = queue_with({.slots = 2, .grace = 60s}, 2);
  const Lease first = run_next(queue), second = run_next(queue);
  REQUIRE(queue.stop(first, Stop::cancelled, 10s));
  queue.close(20s, 1s);
  CHECK(queue.next_due() == Duration(21s));
  REQUIRE(queue.stop(second, Stop::shutdown, 20s));
  CHECK(queue.due(21s).size() == 2);
}
