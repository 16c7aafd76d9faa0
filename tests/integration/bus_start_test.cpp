// The broker's start and stop: where it listens, who is there already, what it leaves behind.
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/integration/bus_home.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

TEST_CASE("the socket is ours alone, and gone after the stop") {
  BusHome home;
  struct stat found{};
  REQUIRE(::lstat((home.run_folder() / "bus.sock").c_str(), &found) == 0);
  CHECK(S_ISSOCK(found.st_mode));
  CHECK((found.st_mode & 0777U) == 0600U);
  REQUIRE(::lstat(home.run_folder().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0700U);
  home.stop();
  for (const auto& entry : std::filesystem::directory_iterator(home.run_folder()))
    CHECK(entry.path().extension() == ".lock");
}

TEST_CASE("on SIGTERM everyone is told, the exit is 0, and broker.db is not in clear") {
  BusHome home;
  const auto client = home.join("app-a");
  client->send(publish_bytes(1, "ledger/not-ours", {"x"}));
  client->expect(denied);
  home.daemon("broker").signal(SIGTERM);
  CHECK(client->expect(refused).code() == 6);
  CHECK(home.daemon("broker").wait().exit_code == 0);
  const std::string database = read_text(home.data() / "broker.db");
  CHECK(database.size() >= 4'096);
  CHECK_FALSE(database.starts_with("SQLite format 3"));
  CHECK(database.find("not-ours") == std::string::npos);
}

TEST_CASE("what a killed broker leaves is taken over; its clients come back to a new instance") {
  BusHome home;
  const auto before = home.join("app-a");
  home.daemon("broker").kill();
  CHECK(std::filesystem::exists(home.run_folder() / "bus.sock"));
  CHECK(before->wait_event(ZMQ_EVENT_DISCONNECTED, 2s) != 0);
  home.start("broker");
  const auto after = home.join("app-a");
  CHECK(after->welcomed().body.substr(8, 16) != before->welcomed().body.substr(8, 16));
}

TEST_CASE("a second broker on the same home is refused and harms nothing") {
  BusHome home;
  const Outcome second = home.run_daemon("broker");
  CHECK(second.exit_code == 7);
  CHECK(home.join("app-a") != nullptr);
}

TEST_CASE("a socket where another process listens is not taken from it") {
  TestHome home;
  std::filesystem::create_directories(home.run_folder());
  std::filesystem::permissions(home.run_folder(), std::filesystem::perms::owner_all);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (home.run_folder() / "bus.sock").c_str());
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd, 4) == 0);
  const Outcome outcome = home.run_daemon("broker");
  CHECK(outcome.exit_code == 7);
  CHECK(outcome.err.find("another process listens at ipc://") != std::string::npos);
  CHECK(std::filesystem::exists(home.run_folder() / "bus.sock"));
  ::close(fd);
}

TEST_CASE("a file that is no socket is not removed") {
  TestHome home;
  std::filesystem::create_directories(home.run_folder());
  std::filesystem::permissions(home.run_folder(), std::filesystem::perms::owner_all);
  write_text(home.run_folder() / "bus.sock", "precious");
  const Outcome outcome = home.run_daemon("broker");
  CHECK(outcome.exit_code == 7);
  CHECK(outcome.err.find("is not a socket") != std::string::npos);
  CHECK(read_text(home.run_folder() / "bus.sock") == "precious");
}

TEST_CASE("tcp: loopback works, a taken port is named, other addresses are refused") {
  TestHome home;
  home.add_key("app-a", "client");
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(fd, 4) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::string endpoint = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));

  home.set_environment("GUILD_BUS_ENDPOINT", endpoint);
  const Outcome taken = home.run_daemon("broker");
  CHECK(taken.exit_code == 7);
  CHECK(taken.err.find("another process listens at " + endpoint) != std::string::npos);
  ::close(fd);
  home.start("broker");
  CHECK(RawClient::join(endpoint, RawKeys::load(home.keys(), "app-a"))->welcomed().name == "app-a");
  home.stop();

  home.set_environment("GUILD_BUS_ENDPOINT",
                       "tcp://0.0.0.0:" + std::to_string(ntohs(address.sin_port)));
  const Outcome open = home.run_daemon("broker");
  CHECK(open.exit_code == 2);
  CHECK(open.err.find("loopback") != std::string::npos);
}

TEST_CASE("without a list, or with one that has a fault, the broker does not start") {
  TestHome home;
  const auto file = home.keys() / "authorized_clients.toml";
  SECTION("fault") { write_text(file, "[[client]]\nname = \"x\"\nsecret = 1\n"); }
  SECTION("none") { std::filesystem::remove(file); }
  const Outcome outcome = home.run_daemon("broker");
  CHECK(outcome.exit_code != 0);
  CHECK(outcome.err.find("authorized_clients.toml") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(home.run_folder() / "bus.sock"));
}

}  // namespace
}  // namespace guild::test
