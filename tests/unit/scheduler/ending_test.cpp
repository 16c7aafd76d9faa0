#include "scheduler/ending.hpp"

#include <catch2/catch.hpp>
#include <csignal>

using guild::messages::OrphanPolicy;
using guild::messages::TaskState;
using namespace guild::scheduler;
using namespace std::chrono_literals;

namespace {
AttemptReport exited(int code) { return {.exit_code = code}; }
AttemptReport killed_by(int signal) { return {.signal = signal}; }
}  // namespace

TEST_CASE("exit code 0 is success, any other a failure that names it") {
  const End good = decide_end(exited(0), Stop::none, {});
  CHECK(good.state == TaskState::succeeded);
  CHECK(good.exit_code == 0);
  CHECK(good.reason.empty());
  CHECK(good.is_charged);
  const End bad = decide_end(exited(3), Stop::none, {});
  CHECK(bad.state == TaskState::failed);
  CHECK(bad.exit_code == 3);
  CHECK(bad.reason == "exited with code 3");
  CHECK(bad.is_charged);
}

TEST_CASE("a signal's death is a failure with the signal's name") {
  const End end = decide_end(killed_by(SIGSEGV), Stop::none, {});
  CHECK(end.state == TaskState::failed);
  CHECK(end.signal == "SIGSEGV");
  CHECK_FALSE(end.exit_code);
  CHECK(end.reason == "killed by SIGSEGV");
}

TEST_CASE("signals have names") {
  CHECK(signal_name(SIGKILL) == "SIGKILL");
  CHECK(signal_name(SIGRTMIN + 3) == "SIGRTMIN+3");
  CHECK(signal_name(99) == "signal 99");
}

TEST_CASE("a command that never ran fails with why, and costs nothing") {
  const End end = decide_end({.not_started = "sort: no such file"}, Stop::none, {});
  CHECK(end.state == TaskState::failed);
  CHECK(end.reason == "sort: no such file");
  CHECK_FALSE(end.exit_code);
  CHECK_FALSE(end.is_charged);
}

TEST_CASE("what we stopped is named by why, however the process took it") {
  const EndTerms terms{.timeout = 90s, .cancel_reason = "cancelled by alice"};
  for (const auto& report : {exited(0), exited(1), killed_by(SIGTERM), killed_by(SIGKILL)}) {
    const End cancelled = decide_end(report, Stop::cancelled, terms);
    CHECK(cancelled.state == TaskState::cancelled);
    CHECK(cancelled.reason == "cancelled by alice");
    const End timed_out = decide_end(report, Stop::timed_out, terms);
    CHECK(timed_out.state == TaskState::failed);
    CHECK(timed_out.reason == "ran longer than its timeout of 1m30s");
  }
}

TEST_CASE("a task that the stopping scheduler ended runs again or fails, by its policy") {
  const End failed = decide_end(killed_by(SIGTERM), Stop::shutdown, {.orphan = OrphanPolicy::fail});
  CHECK(failed.state == TaskState::failed);
  CHECK(failed.reason == "the scheduler stopped");
  CHECK(failed.is_charged);
  const End again =
      decide_end(killed_by(SIGTERM), Stop::shutdown, {.orphan = OrphanPolicy::requeue});
  CHECK(again.state == TaskState::queued);
  CHECK_FALSE(again.is_charged);
}

TEST_CASE(
    "a task that ran when the scheduler died ends by its policy, a cancelled one as cancelled") {
  CHECK(decide_orphan_end({.orphan = OrphanPolicy::fail}, false).reason ==
        "the scheduler died while it ran");
  CHECK(decide_orphan_end({.orphan = OrphanPolicy::requeue}, false).state == TaskState::queued);
  const End cancelled =
      decide_orphan_end({.orphan = OrphanPolicy::requeue, .cancel_reason = "by bob"}, true);
  CHECK(cancelled.state == TaskState::cancelled);
  CHECK(cancelled.reason == "by bob");
}

TEST_CASE("a task that takes the scheduler down again and again is not started for ever") {
  const EndTerms last{.orphan = OrphanPolicy::requeue, .attempt = requeued_attempts_max};
  const End end = decide_orphan_end(last, false);
  CHECK(end.state == TaskState::failed);
  CHECK(end.reason == "the scheduler died while it ran, in each of its 10 attempts");
}

TEST_CASE("a reason is bounded without splitting a character") {
  std::string text(255, 'a');
  text += "\xC3\xA9";  // é
  CHECK(bounded_reason(text) == std::string(255, 'a'));
}
