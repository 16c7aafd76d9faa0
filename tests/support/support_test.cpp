// The harness itself: a harness that misses an exit code or waits for nothing makes every test lie.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/home.hpp"

namespace guild::test {
namespace {

Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

TEST_CASE("a process's exit code, output and errors are captured") {
  const TempFolder folder;
  Command command = shell("cat; echo told >&2; exit 3");
  command.input = "given";
  const Outcome outcome = run(command, folder.path() / "it");
  CHECK(outcome.exit_code == 3);
  CHECK(outcome.out == "given");
  CHECK(outcome.err == "told\n");
}

TEST_CASE("a process that a signal ended has no exit code") {
  const TempFolder folder;
  Process process = Process::start(shell("echo up >&2; exec sleep 100"), folder.path() / "it");
  REQUIRE(process.wait_for_err("up"));
  CHECK(process.running());
  process.signal(SIGTERM);
  const Outcome outcome = process.wait();
  CHECK_FALSE(outcome.exit_code);
  CHECK(outcome.signal == SIGTERM);
  CHECK_FALSE(process.running());
}

TEST_CASE("a program that is not there ends with 127 and says so") {
  const TempFolder folder;
  Command command;
  command.argv = {"/nowhere/at-all"};
  const Outcome outcome = run(command, folder.path() / "it");
  CHECK(outcome.exit_code == 127);
  CHECK(outcome.err == "cannot run /nowhere/at-all: No such file or directory\n");
}

TEST_CASE("waiting for a word on stderr ends when the process does") {
  const TempFolder folder;
  Process process = Process::start(shell("echo one >&2"), folder.path() / "it");
  CHECK_FALSE(process.wait_for_err("two"));
  CHECK(process.wait_for_err("one"));
}

TEST_CASE("a process that goes out of scope is gone") {
  const TempFolder folder;
  int pid = 0;
  {
    const Process process = Process::start(shell("exec sleep 100"), folder.path() / "it");
    pid = process.pid();
    REQUIRE(::kill(pid, 0) == 0);
  }
  CHECK(::kill(pid, 0) == -1);
}

TEST_CASE("nothing of the test's environment leaks but what is listed") {
  ::setenv("GUILD_BUS_ENDPOINT", "leaked", 1);
  const TempFolder folder;
  const Outcome outcome = run(shell("env"), folder.path() / "it");
  ::unsetenv("GUILD_BUS_ENDPOINT");
  CHECK(outcome.out.find("leaked") == std::string::npos);
  CHECK(outcome.out.find("LANG=C.UTF-8") != std::string::npos);
}

TEST_CASE("a change in a folder is waited for, and its absence is told") {
  const TempFolder folder;
  const auto file = folder.path() / "made";
  Process process =
      Process::start(shell("sleep 0.05; touch " + file.string()), folder.path() / "it");
  CHECK(wait_for_change(folder.path(), [&] { return std::filesystem::exists(file); }, seconds(10)));
  CHECK_FALSE(wait_for_change(folder.path(), [] { return false; }, milliseconds(30)));
}

TEST_CASE("a home has keys that only we can read, and is removed") {
  std::filesystem::path root;
  {
    const TestHome home;
    root = home.root();
    CHECK(std::filesystem::exists(home.keys() / "authorized_clients.toml"));
    CHECK((std::filesystem::status(home.keys()).permissions() & std::filesystem::perms::all) ==
          std::filesystem::perms::owner_all);
  }
  CHECK_FALSE(std::filesystem::exists(root));
}

}  // namespace
}  // namespace guild::test
