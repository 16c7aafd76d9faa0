// The scheduler is killed and stopped at bad moments: nothing runs on, nothing runs twice, nothing
// is forgotten.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/scheduler/tasks_home.hpp"

using namespace guild::test;
namespace fs = std::filesystem;

namespace {

/// Processes that were started with `variable` in their environment.
int carriers(const std::string& variable) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    const std::string environment = '\0' + std::string(std::istreambuf_iterator<char>(file), {});
    if (environment.find('\0' + variable + '\0') != std::string::npos) ++count;
  }
  return count;
}

std::string requeued(TasksHome& home, const Json& command) {
  static int number = 0;
  const std::string id = "01900000-0000-7000-8000-00000000010" + std::to_string(number++);
  const Outcome outcome =
      home.request("scheduler/submit", {{"id", id}, {"command", command}, {"orphan", "requeue"}});
  REQUIRE(outcome.exit_code == 0);
  return id;
}

/// Two children deaf to SIGTERM, one out of the session.
constexpr const char* family =
    "trap '' TERM; setsid sleep 1000 & sleep 1000 & echo attempt $GUILD_TASK_ATTEMPT; wait";

}  // namespace

TEST_CASE(
    "killed with SIGKILL, the scheduler leaves no process, and its next life ends each task") {
  TasksHome home;
  const std::string failing = home.submit({"sh", "-c", family});
  const std::string again = requeued(home, {"sh", "-c", family});
  home.wait_for_output(failing, "attempt 1");
  home.wait_for_output(again, "attempt 1");
  CHECK(carriers("GUILD_TASK_ID=" + failing) >= 4);
  home.daemon("scheduler").kill();
  home.start("scheduler");  // Ready only when all of it is gone.
  CHECK(carriers("GUILD_TASK_ID=" + failing) == 0);
  const Json failed = home.show(failing);
  CHECK(failed.at("state") == "failed");
  CHECK(failed.at("reason") == "the scheduler died while it ran");
  home.wait_for_output(again, "attempt 2");
  CHECK(home.show(again).at("attempt") == 2);
}

TEST_CASE("a command whose guild-worker died with the scheduler is found and killed before ready") {
  TasksHome home;
  // Both are killed at one stroke, so that neither can end what the other leaves.
  const std::string id = requeued(home, {"sh", "-c", family});
  home.wait_for_output(id, "attempt 1");
  const int scheduler = home.daemon("scheduler").pid();
  kill(scheduler, SIGSTOP);
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string line(std::istreambuf_iterator<char>(file), {});
    if (line == "guild-worker" + ('\0' + id + '\0'))
      kill(std::stoi(entry.path().filename().string()), SIGKILL);
  }
  home.daemon("scheduler").kill();
  CHECK(carriers("GUILD_TASK_ID=" + id) >= 2);  // PDEATHSIG took the command, not its children.
  home.start("scheduler");
  home.wait_for_output(id, "attempt 2");
  CHECK(carriers("GUILD_TASK_ATTEMPT=1") == 0);
}

TEST_CASE("a task that was cancelled stays cancelled though the scheduler dies over it") {
  TasksHome home("[scheduler]\ncancel_grace = \"60s\"\n");
  const std::string id = requeued(home, {"sh", "-c", family});
  home.wait_for_output(id, "attempt 1");
  const Json dying = home.json({"task", "cancel", id});
  CHECK(dying.at("state") == "running");
  CHECK(dying.at("reason") == "cancelled by operator");
  home.daemon("scheduler").kill();
  home.start("scheduler");
  CHECK(home.show(id).at("state") == "cancelled");
}

TEST_CASE("stopped, the scheduler ends whatever runs, and each task has its end") {
  TasksHome home;
  const std::string failing = home.submit({"sh", "-c", family});
  const std::string again = requeued(home, {"sh", "-c", family});
  home.wait_for_output(failing, "attempt 1");
  home.wait_for_output(again, "attempt 1");
  home.daemon("scheduler").signal(SIGTERM);
  CHECK(home.daemon("scheduler").wait().exit_code == 0);
  CHECK(carriers("GUILD_TASK_ID=" + failing) == 0);
  home.start("scheduler");
  CHECK(home.show(failing).at("reason") == "the scheduler stopped");
  home.wait_for_output(again, "attempt 2");
}

TEST_CASE("through ten kills every task runs to its end and is paid for once") {
  TasksHome home("[scheduler]\nworkers_max = 3\n");
  home.json({"bot", "add", "ada"});
  constexpr int tasks = 40, kills = 10;
  std::vector<std::string> ids;
  for (int i = 0; i < tasks; ++i)
    ids.push_back(home.submit({"sh", "-c", "echo done"}, {"--bot", "ada", "--cost", "1"}));
  for (int i = 0; i < kills; ++i) {
    home.wait(ids[static_cast<std::size_t>(i) * 4]);
    home.daemon("scheduler").kill();
    home.start("scheduler");
  }
  std::size_t booked = 0;
  for (const std::string& id : ids) {
    const Json task = home.wait(id);
    INFO(task.dump());
    if (task.at("state") == "succeeded")
      CHECK(home.logs(id) == "done\n");
    else
      CHECK(task.at("reason") == "the scheduler died while it ran");
    CHECK(task.at("attempt") == 1);
    if (task.at("charged") == true) ++booked;
  }
  CHECK(booked == ids.size());
  CHECK(home.charges("ada").size() == booked);
}
