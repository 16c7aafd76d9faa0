// The life of a daemon as a process, without a broker: what it refuses to start on, and how it
// stops.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>

#include "tests/unit/host/echo_home.hpp"

using namespace guild::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

void check_refused(const Outcome& outcome, int exit_code, std::string_view text) {
  INFO(outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(outcome.err.find(text) != std::string::npos);
}

void make_old(const fs::path& file) {
  write_text(file, "");
  fs::last_write_time(file, fs::file_time_type::clock::now() - 1h);
}

}  // namespace

TEST_CASE("help and version need no home") {
  EchoHome home(Keys::none);
  CHECK(home.run_echo("ledgerd", {"--version"}).out.starts_with("ledgerd "));
  CHECK(home.run_echo("ledgerd", {"--help"}).exit_code == 0);
  check_refused(home.run_echo("ledgerd", {"--hme", "x"}), 2, "did you mean --home?");
}

TEST_CASE("a start is refused with the cause, the next step and its exit code") {
  EchoHome home;
  check_refused(home.run_echo("ledgerd", {"--home", "/nowhere/at/all"}), 3,
                "ledgerd: cannot start: /nowhere/at/all: there is no such folder");
  SECTION("config") {
    home.write_config("[gateway]\nportt = 1\n");
    check_refused(home.run_echo("ledgerd"), 2, "did you mean port?");
    CHECK_FALSE(fs::exists(home.run_folder()));
  }
  SECTION("environment") {
    home.set_environment("GUILD_GATEWAY_PORT", "eighty");
    check_refused(home.run_echo("ledgerd"), 2, "environment GUILD_GATEWAY_PORT: \"eighty\"");
  }
  SECTION("no keys") {
    fs::remove_all(home.keys());
    check_refused(home.run_echo("ledgerd"), 3, "guild keys init");
  }
  SECTION("a missing secret") {
    fs::remove(home.keys() / "ledgerd/database.key");
    check_refused(home.run_echo("ledgerd"), 3, "ledgerd/database.key: is not there");
  }
  SECTION("a secret that others can read") {
    fs::permissions(home.keys() / "ledgerd/bus.secret", fs::perms(0644));
    check_refused(home.run_echo("ledgerd"), 4, "chmod 600");
    CHECK_FALSE(fs::exists(home.run_folder()));
  }
  SECTION("a run folder that others may write in") {
    fs::create_directory(home.run_folder());
    fs::permissions(home.run_folder(), fs::perms(0777));
    check_refused(home.run_echo("ledgerd"), 4, "lets others write in it");
  }
}

TEST_CASE("--check-config says that all is in order, and starts nothing") {
  EchoHome home;
  const Outcome outcome = home.run_echo("ledgerd", {"--check-config"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("in order") != std::string::npos);
  CHECK_FALSE(fs::exists(home.run_folder()));
  home.write_config("[log]\nlevel = \"loud\"\n");
  check_refused(home.run_echo("ledgerd", {"--check-config"}), 2, "\"loud\"");
}

TEST_CASE("a second instance is refused, naming the first") {
  EchoHome home;
  Process first = home.running_echo("ledgerd");
  check_refused(home.run_echo("ledgerd"), 7, "pid " + std::to_string(first.pid()));
  CHECK(first.running());
  first.signal(SIGTERM);
  CHECK(first.wait().exit_code == 0);
}

TEST_CASE("after SIGKILL the next start takes over") {
  EchoHome home;
  Process first = home.running_echo("ledgerd");
  write_text(home.file("ledgerd.ready"), "1 2000-01-01T00:00:00Z\n");
  first.kill();
  Process second = home.running_echo("ledgerd");
  CHECK_FALSE(fs::exists(home.file("ledgerd.ready")));
  second.signal(SIGINT);
  CHECK(second.wait().exit_code == 0);
}

TEST_CASE("without a broker it says what it waits for, and stops when told") {
  EchoHome home;
  Process daemon = home.running_echo("ledgerd");
  REQUIRE(daemon.wait_for_err("ledgerd: cannot become ready yet", 5s));
  CHECK(daemon.err().find("waits for the session with the broker") != std::string::npos);
  CHECK_FALSE(fs::exists(home.file("ledgerd.ready")));
  write_text(home.file("ledgerd.shutdown"), "");
  CHECK(daemon.wait(5s).exit_code == 0);
  CHECK_FALSE(fs::exists(home.file("ledgerd.shutdown")));
  CHECK(read_text(home.file("ledgerd.lock")).empty());
}

TEST_CASE("stale shutdown files are removed and reported") {
  EchoHome home;
  fs::create_directory(home.run_folder());
  fs::permissions(home.run_folder(), fs::perms::owner_all);
  make_old(home.file("ledgerd.shutdown"));
  make_old(home.file("system.shutdown"));
  Process daemon = home.running_echo("ledgerd");
  CHECK_FALSE(fs::exists(home.file("ledgerd.shutdown")));
  CHECK_FALSE(fs::exists(home.file("system.shutdown")));
  CHECK(daemon.err().find("ledgerd.shutdown was older than this start: removed") !=
        std::string::npos);
  CHECK(daemon.err().find("system.shutdown was older") != std::string::npos);
  daemon.signal(SIGTERM);
  CHECK(daemon.wait().exit_code == 0);
}

TEST_CASE("nothing starts into a stop") {
  EchoHome home;
  Process scheduler = home.running_echo("scheduler");
  // Held by us as if the gateway still ran: the scheduler waits for it.
  // flock(2) belongs to the open file, so this process can be the gateway.
  const int lock = ::open(home.file("gateway.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(lock >= 0);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  write_text(home.file("gateway.lock"), std::to_string(::getpid()) + "\n");
  make_old(home.file("system.shutdown"));
  check_refused(home.run_echo("ledgerd"), 1, "the suite is stopping, nothing starts");
  CHECK(fs::exists(home.file("system.shutdown")));
  CHECK(scheduler.running());
  ::close(lock);
  scheduler.signal(SIGTERM);
  CHECK(scheduler.wait(5s).exit_code == 0);
}

TEST_CASE("system.shutdown stops all, in reverse order, and the last removes it") {
  EchoHome home;
  Process ledgerd = home.running_echo("ledgerd");
  Process scheduler = home.running_echo("scheduler");
  Process gateway = home.running_echo("gateway");
  write_text(home.file("system.shutdown"), "");
  CHECK(ledgerd.wait(5s).exit_code == 0);
  // It was the last, so the others have ended.
  CHECK(scheduler.wait(0ms).exit_code == 0);
  CHECK(gateway.wait(0ms).exit_code == 0);
  CHECK_FALSE(fs::exists(home.file("system.shutdown")));
}

TEST_CASE("the manager is told of the drain, and of life before it") {
  EchoHome home;
  home.set_environment("WATCHDOG_USEC", "100000");
  Process daemon = home.spawn_echo("ledgerd");
  CHECK(home.manager.receive() == "WATCHDOG=1");
  CHECK(home.manager.receive() == "WATCHDOG=1");
  daemon.signal(SIGTERM);
  std::string last = home.manager.receive();
  while (last == "WATCHDOG=1") last = home.manager.receive();
  CHECK(last == "STOPPING=1\nSTATUS=draining");
  CHECK(daemon.wait().exit_code == 0);
}
