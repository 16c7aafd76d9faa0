// A daemon of the host in session with the real broker: ready, served, stopped in the middle of
// work.
#include <fcntl.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>

#include "tests/unit/host/echo_home.hpp"

using namespace guild::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Suite : EchoHome {
  Suite() { start_broker(); }

  Process& start_broker() {
    // The broker tells the manager too; its own home speaks for it instead.
    Process& broker = start("broker");
    while (manager.receive() != "READY=1\nSTATUS=ready") {
    }
    return broker;
  }
  Outcome request(std::string name, std::string payload = "{}") {
    return guild({"bus", "request", std::move(name), std::move(payload), "--timeout", "10s"});
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Puts the keypair of `client` in the place of ledgerd's.
void use_keys_of(const std::string& client, const TestHome& home) {
  for (const char* file : {"bus.secret", "bus.public"})
    fs::copy_file(home.keys() / client / file, home.keys() / "ledgerd" / file,
                  fs::copy_options::overwrite_existing);
}

}  // namespace

TEST_CASE("a daemon is ready once its names are served, and answers") {
  Suite suite;
  Process daemon = suite.ready_echo("ledgerd");
  CHECK(read_text(suite.file("ledgerd.ready")).starts_with(std::to_string(daemon.pid()) + " 20"));
  CHECK(contains(suite.request("ledgerd/echo", "hello").out, "hello"));

  const Outcome health = suite.request("ledgerd/health");
  INFO(health.out << health.err);
  CHECK(contains(health.out, "\"state\":\"ready\""));
  CHECK(contains(health.out, "\"pid\":" + std::to_string(daemon.pid())));
  CHECK(contains(health.out, "\"answered\":1"));
  CHECK(contains(suite.request("ledgerd/health", "{\"x\":1}").err,
                 "field x: there is no such field"));

  const Outcome metrics = suite.request("ledgerd/metrics");
  for (const std::string_view line : {"guild_ready 1", "guild_ledgerd_answered 1",
                                      "process_open_fds ", "guild_log_written_total "})
    CHECK(contains(metrics.out, line));
}

TEST_CASE("a daemon that starts before the broker waits for it") {
  EchoHome home;
  Process daemon = home.running_echo("ledgerd");
  CHECK_FALSE(fs::exists(home.file("ledgerd.ready")));
  home.start("broker");
  const auto ready = [&] { return fs::exists(home.file("ledgerd.ready")); };
  CHECK(daemon.wait_until(home.run_folder(), ready));
}

TEST_CASE("a killed broker is found again, and everything is served again") {
  Suite suite;
  Process daemon = suite.ready_echo("ledgerd");
  suite.daemon("broker").kill();
  suite.start_broker();
  // Until then nobody serves the name, and the broker says so at once.
  const auto limit = std::chrono::steady_clock::now() + 20s;
  bool answered = false;
  while (!answered && std::chrono::steady_clock::now() < limit)
    answered = suite.request("ledgerd/echo", "back").exit_code == 0;
  CHECK(answered);
  CHECK(daemon.running());
}

TEST_CASE("what is held is finished, what is new is refused, and then it ends") {
  Suite suite;
  Process daemon = suite.ready_echo("ledgerd");
  Process held =
      suite.guild_in_background({"bus", "request", "ledgerd/later", "kept", "--timeout", "20s"});
  bool is_held = false;
  for (int i = 0; i < 100 && !is_held; ++i)
    is_held = contains(suite.request("ledgerd/health").out, "\"held\":1");
  REQUIRE(is_held);

  write_text(suite.file("ledgerd.shutdown"), "");
  REQUIRE(suite.manager.receive() == "STOPPING=1\nSTATUS=draining");
  CHECK_FALSE(fs::exists(suite.file("ledgerd.ready")));
  const Outcome refused = suite.request("ledgerd/echo");
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "ledgerd is stopping"));
  const Outcome health = suite.request("ledgerd/health");
  CHECK(contains(health.out, "\"state\":\"draining\""));
  CHECK(contains(health.out, "\"ready\":false"));

  daemon.signal(SIGUSR1);
  CHECK(daemon.wait(5s).exit_code == 0);
  const Outcome answer = held.wait();
  CHECK(answer.exit_code == 0);
  CHECK(contains(answer.out, "kept"));
  CHECK_FALSE(fs::exists(suite.file("ledgerd.shutdown")));
}

TEST_CASE("a second signal ends a drain that does not end") {
  Suite suite;
  Process daemon = suite.ready_echo("ledgerd");
  Process held =
      suite.guild_in_background({"bus", "request", "ledgerd/later", "kept", "--timeout", "20s"});
  bool is_held = false;
  for (int i = 0; i < 100 && !is_held; ++i)
    is_held = contains(suite.request("ledgerd/health").out, "\"held\":1");
  REQUIRE(is_held);
  daemon.signal(SIGTERM);
  REQUIRE(suite.manager.receive() == "STOPPING=1\nSTATUS=draining");
  daemon.signal(SIGTERM);
  const Outcome ended = daemon.wait(5s);
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.err, "a second SIGTERM hurries it"));
  CHECK(held.wait().exit_code == 1);
}

TEST_CASE("a service that cannot go on ends with its cause and exit code 1") {
  Suite suite;
  Process daemon = suite.ready_echo("ledgerd");
  suite.request("ledgerd/fail");
  const Outcome ended = daemon.wait(5s);
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.err, "ledgerd: cannot go on: told to fail"));
}

TEST_CASE("a daemon whose key is on no list says so, is not ready, and stops when told") {
  EchoHome home;
  home.add_key("stray", "client");
  use_keys_of("stray", home);
  home.revoke_key("stray");
  home.start("broker");
  Process daemon = home.spawn_echo("ledgerd");
  CHECK(daemon.wait_for_err("ledgerd: cannot join the bus", 5s));
  CHECK_FALSE(fs::exists(home.file("ledgerd.ready")));
  daemon.signal(SIGTERM);
  CHECK(daemon.wait(5s).exit_code == 0);
}

TEST_CASE("a daemon whose key is another client's ends with that reason") {
  EchoHome home;
  use_keys_of("viewer", home);
  home.start("broker");
  const Outcome ended = home.run_echo("ledgerd");
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.err, "ledgerd: cannot go on: the broker knows our key as viewer"));
}

TEST_CASE("a daemon with another broker's public key says so") {
  Suite suite;
  fs::copy_file(suite.keys() / "viewer/bus.public", suite.keys() / "ledgerd/broker.public",
                fs::copy_options::overwrite_existing);
  Process daemon = suite.running_echo("ledgerd");
  CHECK(daemon.wait_for_err("ledgerd: cannot join the bus", 5s));
  daemon.signal(SIGTERM);
  CHECK(daemon.wait(5s).exit_code == 0);
}

TEST_CASE("a daemon that may not serve its names ends with that reason") {
  EchoHome home;
  std::string list = read_text(home.keys() / "authorized_clients.toml");
  const std::string allowed = "serve = [\"ledgerd/*\"]";
  const std::size_t at = list.find(allowed);
  REQUIRE(at != std::string::npos);
  write_text(home.keys() / "authorized_clients.toml",
             list.replace(at, allowed.size(), "serve = []"));
  home.start("broker");
  const Outcome ended = home.run_echo("ledgerd");
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.err, "ledgerd: cannot go on: serve ledgerd/"));
}
