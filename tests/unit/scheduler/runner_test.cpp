// Tasks from submission to their end, with a real file and real processes.
#include "scheduler/runner.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/file.hpp"
#include "tests/unit/scheduler/world.hpp"

using namespace guild::scheduler;
using namespace guild::scheduler::testing;
using guild::Uuid;
using guild::messages::OrphanPolicy;
using guild::messages::SubmitTask;
using guild::messages::TaskState;
using namespace std::chrono_literals;

namespace {

std::vector<TaskState> states_of(const World& world, const Uuid& id) {
  std::vector<TaskState> states;
  for (const StoredTask& change : world.changes)
    if (change.shown.id == id) states.push_back(change.shown.state);
  return states;
}

SubmitTask deaf_task(OrphanPolicy orphan = OrphanPolicy::fail) {
  SubmitTask task = some_task({"sh", "-c", "trap '' TERM; echo up; sleep 1000 & wait; wait; wait"});
  task.orphan = orphan;
  return task;
}

SubmitTask willing_task(OrphanPolicy orphan) {
  SubmitTask task = some_task({"sh", "-c", "echo up; sleep 1000"});
  task.orphan = orphan;
  return task;
}

}  // namespace

TEST_CASE("a task runs once from queued to its end, each state told after it is on disk") {
  World world;
  const Uuid id = world.submit_shell("echo $GUILD_TASK_ID/$GUILD_TASK_ATTEMPT; pwd; exit 3");
  const StoredTask task = world.run_to_end(id);
  CHECK(task.shown.state == TaskState::failed);
  CHECK(task.shown.exit_code == 3);
  CHECK(task.shown.reason == "exited with code 3");
  CHECK(task.shown.attempt == 1);
  CHECK(task.shown.started_at <= task.shown.ended_at);
  const std::string folder = (world.scratch / "work" / id.text()).string();
  CHECK(world.output(id) == id.text() + "/1\n" + folder + "\n");
  CHECK(states_of(world, id) ==
        std::vector{TaskState::queued, TaskState::running, TaskState::failed});
  CHECK(world.problems.empty());
}

TEST_CASE("a task's own folder is private, and gone afterwards when it left nothing there") {
  World world;
  const Uuid kept = world.submit_shell("stat -c %a . && touch kept");
  const Uuid empty = world.submit_shell("test \"$HOME\" = \"$PWD\"");
  CHECK(world.run_to_end(kept).shown.state == TaskState::succeeded);
  CHECK(world.run_to_end(empty).shown.state == TaskState::succeeded);
  CHECK(world.output(kept) == "700\n");
  CHECK(std::filesystem::exists(world.scratch / "work" / kept.text() / "kept"));
  CHECK_FALSE(std::filesystem::exists(world.scratch / "work" / empty.text()));
}

TEST_CASE("with one slot, tasks run one at a time, by priority and then in order") {
  World world({.slots = 1});
  const std::string log = (world.scratch / "log").string();
  const std::string script = "printf '%s ' $0 >> " + log + "; [ ! -e " + log + ".lock ] && touch " +
                             log + ".lock && rm " + log + ".lock";
  const auto submit = [&](const std::string& name, std::int64_t priority) {
    SubmitTask task = some_task({"sh", "-c", script, name});
    task.priority = priority;
    return world.submit(task);
  };
  const Uuid gate = world.submit_shell("while [ ! -e " + log + ".go ]; do :; done");
  std::vector<Uuid> ids{submit("c", 2), submit("b", 1), submit("d", 2), submit("a", 0)};
  std::ofstream(log + ".go") << "go";
  for (const Uuid& id : ids) CHECK(world.run_to_end(id).shown.state == TaskState::succeeded);
  CHECK(*guild::read_file(log, 100) == "a b c d ");
  CHECK(world.find(gate).shown.state == TaskState::succeeded);
}

TEST_CASE("a task that cannot start fails alone, with its reason") {
  World world({.slots = 1});
  SubmitTask homeless = some_task({"true"});
  homeless.directory = (world.scratch / "work/no/such").string();
  const Uuid nowhere = world.submit(homeless);
  const Uuid nothing = world.submit(some_task({"no-such-command"}));
  const Uuid fine = world.submit(some_task({"true"}));
  CHECK(world.run_to_end(nowhere).shown.reason.value.find("No such file or directory") !=
        std::string::npos);
  const StoredTask task = world.run_to_end(nothing);
  CHECK(task.shown.state == TaskState::failed);
  CHECK(task.shown.reason == "cannot run \"no-such-command\": no such command in PATH");
  CHECK_FALSE(task.shown.exit_code);
  CHECK(world.run_to_end(fine).shown.state == TaskState::succeeded);
}

TEST_CASE("a signal's death is a failure that names the signal") {
  World world;
  const StoredTask task = world.run_to_end(world.submit_shell("kill -SEGV $$"));
  CHECK(task.shown.state == TaskState::failed);
  CHECK(task.shown.signal == "SIGSEGV");
  CHECK(task.shown.reason == "killed by SIGSEGV");
}

TEST_CASE("large output is kept within its bound, and its end is not lost") {
  World world;
  SubmitTask task = some_task({"sh", "-c", "seq 1 200000"});
  task.output_bytes_max = 10'000;
  const StoredTask ended = world.run_to_end(world.submit(task));
  CHECK(ended.shown.output_bytes == 1'288'895);
  CHECK(ended.shown.output_dropped == 1'278'895);
  const std::string output = world.output(task.id);
  CHECK(output.starts_with("1\n2\n3\n"));
  CHECK(output.find("\n[... 1278895 bytes left out ...]\n") != std::string::npos);
  CHECK(output.ends_with("199999\n200000\n"));
}

TEST_CASE("past its timeout a task is ended, deaf or not, and has failed") {
  World world({.slots = 2, .grace = 100ms});
  SubmitTask deaf = deaf_task(), willing = willing_task(OrphanPolicy::requeue);
  deaf.timeout = 200ms;
  willing.timeout = 200ms;
  world.submit(deaf);
  world.submit(willing);
  for (const Uuid& id : {deaf.id, willing.id}) {
    const StoredTask task = world.run_to_end(id);
    CHECK(task.shown.state == TaskState::failed);
    CHECK(task.shown.reason == "ran longer than its timeout of 200ms");
  }
  CHECK(world.find(deaf.id).shown.signal == "SIGKILL");
  CHECK(world.find(willing.id).shown.signal == "SIGTERM");
}

TEST_CASE("a queued task is cancelled at once and never runs") {
  World world({.slots = 1});
  const Uuid first = world.submit(willing_task(OrphanPolicy::fail));
  const Uuid second = world.submit(some_task({"touch", (world.scratch / "ran").string()}));
  const auto cancelled = world.cancel(second);
  REQUIRE(cancelled);
  CHECK(cancelled->state == TaskState::cancelled);
  CHECK(cancelled->attempt == 0);
  REQUIRE(world.cancel(first));
  CHECK(world.run_to_end(first).shown.state == TaskState::cancelled);
  CHECK_FALSE(std::filesystem::exists(world.scratch / "ran"));
}

TEST_CASE("a running task is cancelled, its reason kept, deaf or not") {
  World world({.slots = 1, .grace = 50ms});
  const Uuid id = world.submit(deaf_task());
  world.run_until_output(id, "up");
  const auto answer = world.cancel(id, "cancelled by ann: too slow");
  REQUIRE(answer);
  CHECK(answer->reason == "cancelled by ann: too slow");
  const StoredTask task = world.run_to_end(id);
  CHECK(task.shown.state == TaskState::cancelled);
  CHECK(task.shown.signal == "SIGKILL");
  CHECK(task.shown.reason == "cancelled by ann: too slow");
}

TEST_CASE("cancelling twice is cancelling once; what has ended cannot be cancelled") {
  World world;
  const Uuid id = world.submit(willing_task(OrphanPolicy::fail));
  REQUIRE(world.cancel(id, "first"));
  world.run_to_end(id);
  const auto again = world.cancel(id, "second");
  REQUIRE(again);
  CHECK(again->reason == "first");
  const Uuid done = world.submit(some_task());
  world.run_to_end(done);
  CHECK(world.cancel(done).error().code == "task_cannot_cancel");
  CHECK(world.cancel(Uuid::make()).error().code == "task_not_found");
}

TEST_CASE("a cancel that comes while a task starts finds it") {
  World world;
  for (int i = 0; i < 20; ++i) {
    const SubmitTask task = willing_task(OrphanPolicy::fail);
    world.submit(task);  // It is being started now.
    REQUIRE(world.cancel(task.id));
    const StoredTask ended = world.run_to_end(task.id);
    CHECK(ended.shown.state == TaskState::cancelled);
    CHECK(ended.shown.signal == "SIGTERM");  // It was asked, and heard it.
  }
}

TEST_CASE("the queue's bound refuses a new task, but not one that is there already") {
  World world({.slots = 1, .queued_max = 1});
  world.submit(willing_task(OrphanPolicy::fail));
  const SubmitTask waiting = some_task();
  world.submit(waiting);
  std::string code;
  world.runner->submit({.asked = some_task(), .submitted_by = {}, .submitted_at = {}},
                       [&](auto outcome) { code = outcome ? "" : outcome.error().code; });
  CHECK(code == "queue_full");
  CHECK(world.submit(waiting) == waiting.id);
}

TEST_CASE("draining ends what runs by its policy, and keeps what waits") {
  World world({.slots = 2});
  const Uuid deaf = world.submit(deaf_task(OrphanPolicy::requeue));
  const Uuid willing = world.submit(willing_task(OrphanPolicy::fail));
  const Uuid waiting = world.submit(some_task());
  world.run_until_output(deaf, "up");
  world.run_until_output(willing, "up");
  world.drain();
  CHECK(world.find(deaf).shown.state == TaskState::queued);
  CHECK(world.find(willing).shown.state == TaskState::failed);
  CHECK(world.find(willing).shown.reason == "the scheduler stopped");
  CHECK(world.find(waiting).shown.state == TaskState::queued);
  CHECK(world.find(waiting).shown.attempt == 0);
  CHECK(world.field->workers->count() == 0);
}

TEST_CASE("draining while tasks start leaves each queued, ended by policy, or done") {
  for (int round = 0; round < 10; ++round) {
    World world({.slots = 3});
    std::vector<Uuid> ids;
    for (int i = 0; i < 6; ++i) ids.push_back(world.submit(willing_task(OrphanPolicy::requeue)));
    for (int i = 0; i < round * 3; ++i) world.field->loop.poll_one();
    world.drain();
    for (const Uuid& id : ids) CHECK(world.find(id).shown.state == TaskState::queued);
  }
}

TEST_CASE("what ran when the scheduler died ends by its policy; what waited still waits") {
  World world({.slots = 3});
  const Uuid failing = world.submit(willing_task(OrphanPolicy::fail));
  const Uuid again = world.submit(willing_task(OrphanPolicy::requeue));
  const Uuid unwanted = world.submit(deaf_task(OrphanPolicy::requeue));
  const Uuid waiting = world.submit_shell("echo $GUILD_TASK_ATTEMPT");
  for (const Uuid& id : {failing, again, unwanted}) world.run_until_output(id, "up");
  REQUIRE(world.cancel(unwanted, "not wanted"));
  world.crash();

  // The cancelled one may have been killed and written down just before the crash.
  world.changes.clear();
  const Runner::Recovered recovered = world.start();
  const bool was_in_time = recovered.ended.size() == 2;
  CHECK((was_in_time || recovered.ended.size() == 3));
  for (const auto& ended : recovered.ended) CHECK((!was_in_time || ended.shown.id != unwanted));
  CHECK(recovered.queued == 2);
  CHECK(world.find(failing).shown.state == TaskState::failed);
  CHECK(world.find(failing).shown.reason == "the scheduler died while it ran");
  CHECK(world.find(unwanted).shown.state == TaskState::cancelled);
  CHECK(world.find(unwanted).shown.reason == "not wanted");
  world.run_to_end(waiting);
  CHECK(world.output(waiting) == "1\n");
  world.run_until_output(again, "up");
  CHECK(world.find(again).shown.attempt == 2);
}

TEST_CASE("a write that fails is made again, and the task waits for it") {
  World world;
  auto other = open_file(world.scratch / "scheduler.db", guild::storage::Mode::read_write);
  const Uuid id = world.submit_shell("echo one; sleep 1000");
  world.run_until_output(id, "one");
  REQUIRE(other->execute_script("BEGIN IMMEDIATE"));
  CHECK(world.cancel(id).error().code == "busy");  // Not on disk, so nobody is killed.
  CHECK(world.find(id).shown.state == TaskState::running);
  REQUIRE(other->execute_script("ROLLBACK"));
  REQUIRE(world.cancel(id));
  CHECK(world.run_to_end(id).shown.state == TaskState::cancelled);

  const SubmitTask next = some_task({"sh", "-c", "echo three"});
  world.submit(next);
  REQUIRE(other->execute_script("BEGIN IMMEDIATE"));
  world.field->run_until([&] { return !world.problems.empty(); });
  CHECK(world.problems.front().ends_with(" a task's output: busy") !=
        world.problems.front().ends_with("start a task: busy"));
  CHECK(world.output(next.id).empty());
  REQUIRE(other->execute_script("ROLLBACK"));
  CHECK(world.run_to_end(next.id).shown.state == TaskState::succeeded);
  CHECK(world.output(next.id) == "three\n");
}
