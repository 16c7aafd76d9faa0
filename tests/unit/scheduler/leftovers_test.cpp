#include "scheduler/leftovers.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/unit/scheduler/attempt.hpp"

using namespace guild::scheduler;
using namespace guild::scheduler::testing;
using guild::Uuid;
using namespace std::chrono_literals;

namespace {

struct Running {
  explicit Running(Field& field)
      : attempt(begin(
            field,
            order_for(
                {"sh", "-c", "(setsid sh -c 'echo away; kill -STOP $$' &); echo up; kill -STOP $$"},
                {"GUILD_TASK_ID=" + id.text()}))) {
    // Neither is in the middle of an execve then, in which a process has no environment.
    field.run_until([this] { return attempt->has_printed("up") && attempt->has_printed("away"); });
  }
  Leftover leftover() const { return {id, *attempt->mark, *read_boot_id()}; }

  Uuid id = Uuid::make();
  std::shared_ptr<Attempt> attempt;
};

int killed(const Leftover& leftover) {
  const auto answer = kill_leftovers({&leftover, 1}, *read_boot_id(), 5s);
  REQUIRE(answer);
  return *answer;
}

}  // namespace

TEST_CASE("a leftover command and what left its session are killed") {
  Field field;
  const Running running(field);
  // Its init is still there, and may be quicker with the second.
  const int first = killed(running.leftover());
  CHECK((first == 1 || first == 2));
  CHECK(killed(running.leftover()) == 0);
  field.run_until([&] { return running.attempt->has_ended(); });
}

TEST_CASE("a process that only has the number of an earlier one is left alone") {
  Field field;
  const Running running(field);
  Leftover other = running.leftover();
  other.task = Uuid::make();
  other.command.start_ticks += 1'000'000;
  CHECK(killed(other) == 0);
  running.attempt->worker->kill();
  field.run_until([&] { return running.attempt->has_ended(); });
}

TEST_CASE("after another boot nothing can be left over") {
  Field field;
  const Running running(field);
  Leftover other = running.leftover();
  other.boot_id = "another boot";
  CHECK(killed(other) == 0);
  running.attempt->worker->kill();
  field.run_until([&] { return running.attempt->has_ended(); });
}

TEST_CASE("this process reads its own mark") {
  const auto stat = read_stat(getpid());
  REQUIRE(stat);
  CHECK(stat->parent == getppid());
  CHECK(stat->mark.start_ticks > 0);
  CHECK_FALSE(read_stat(0));
}
