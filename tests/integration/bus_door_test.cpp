// Who gets onto the bus, and who is told of those who do not. Real CURVE, the real broker.
#include <sys/socket.h>
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

constexpr int handshake_failures = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr int handshake_ends = handshake_failures | ZMQ_EVENT_HANDSHAKE_SUCCEEDED;

std::string to_hex(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(byte));
    hex += digits;
  }
  return hex;
}

TEST_CASE("a key that is not on the list is refused within a second, and told with its key") {
  const BusHome home;
  const auto watcher = home.watch_denials();
  const RawKeys keys = RawKeys::random(home.keys_of("operator").server_key);
  RawClient stranger(home.bus_endpoint(), keys);
  CHECK(stranger.wait_event(handshake_ends, 1s) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  CHECK(stranger.event_value() == 400);
  const std::string denial = home.next_denial(*watcher, {"key_unlisted"}, 1s);
  CHECK(denial.find(to_hex(keys.public_key)) != std::string::npos);
  CHECK(denial.find("\"operation\":\"connect\"") != std::string::npos);
}

TEST_CASE("a client without CURVE is refused, and told") {
  const BusHome home;
  const auto watcher = home.watch_denials();
  RawClient naked(home.bus_endpoint(), {});
  const int outcome = naked.wait_event(handshake_ends | ZMQ_EVENT_DISCONNECTED, 3s);
  CHECK(outcome != 0);
  CHECK(outcome != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  // Both ends see the mismatch; when the client hangs up first, the broker learns no more than
  // that.
  CHECK_FALSE(home.next_denial(*watcher, {"mechanism_refused", "handshake_failed"}, 1s).empty());
}

TEST_CASE("a client with a wrong broker key gets nowhere, and is told") {
  const BusHome home;
  const auto watcher = home.watch_denials();
  RawKeys keys = home.keys_of("app-a");
  keys.server_key = RawKeys::random("").public_key;
  RawClient lost(home.bus_endpoint(), keys);
  const int outcome = lost.wait_event(handshake_ends | ZMQ_EVENT_DISCONNECTED, 3s);
  CHECK(outcome != 0);
  CHECK(outcome != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  CHECK_FALSE(home.next_denial(*watcher, {"wrong_server_key"}, 1s).empty());
}

TEST_CASE("a connection that never shakes hands is cut after 2 s, and told") {
  const BusHome home;
  const auto watcher = home.watch_denials();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (home.run_folder() / "bus.sock").c_str());
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK_FALSE(home.next_denial(*watcher, {"handshake_failed"}, 4s).empty());
  timeval limit{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char bytes[256];
  ssize_t got = 0;
  while ((got = ::read(fd, bytes, sizeof bytes)) > 0) {
  }
  CHECK(got == 0);  // Closed, not merely silent.
  ::close(fd);
}

TEST_CASE("a listed key gets in under its own name, whatever it says") {
  const BusHome home;
  const auto client = home.join("app-a");
  CHECK(client->welcomed().name == "app-a");
  CHECK(client->welcomed().body.size() == 44);
}

TEST_CASE("keys added and revoked take effect within a second") {
  BusHome home;
  const auto watcher = home.watch_denials();
  const auto early = home.join("app-a");
  CHECK(early->ask(watch, "apps/x").kind == done);

  home.add_key("app-c", "client");
  const RawKeys added = home.keys_of("app-c");
  const auto end = std::chrono::steady_clock::now() + 1s;
  bool let_in = false;
  while (!let_in && std::chrono::steady_clock::now() < end)
    let_in = RawClient(home.bus_endpoint(), added).wait_event(handshake_ends, 1s) ==
             ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
  CHECK(let_in);

  const auto joined = RawClient::join(home.bus_endpoint(), added);
  CHECK(joined->ask(subscribe, "apps/**").kind == done);
  home.revoke_key("app-c");
  const auto goodbye = joined->next_of(refused, 1s);
  REQUIRE(goodbye);
  CHECK(goodbye->code() == 5);
  CHECK(joined->wait_event(ZMQ_EVENT_DISCONNECTED, 1s) != 0);
  CHECK(RawClient(home.bus_endpoint(), added).wait_event(handshake_ends, 2s) ==
        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  CHECK(home.next_denial(*watcher, {"revoked"}, 1s).find("\"client\":\"app-c\"") !=
        std::string::npos);
  // Others did not notice.
  early->send(record_bytes(ping, 7));
  CHECK(early->expect(pong).number == 7);
}

TEST_CASE("a list with a fault is refused whole, told, and the earlier one stays") {
  BusHome home;
  const auto watcher = home.watch_denials();
  const auto file = home.keys() / "authorized_clients.toml";
  const std::string before = read_text(file);
  write_text(file, before + "\n[[client]]\nname = \"No Name\"\n");
  CHECK_FALSE(home.next_denial(*watcher, {"list_invalid"}, 2s).empty());
  const auto client = home.join("app-a");
  CHECK(client->ask(subscribe, "apps/**").kind == done);
  write_text(file, before);
  client->send(record_bytes(ping, 1));
  CHECK(client->expect(pong).number == 1);
}

TEST_CASE("a thousand strangers cost nobody his session, and are counted exactly") {
  BusHome home;
  const auto watcher = home.watch_denials();
  const RawKeys keys = RawKeys::random(home.keys_of("operator").server_key);
  constexpr int strangers = 1'000;
  for (int i = 0; i < strangers; ++i) {
    RawClient stranger(home.bus_endpoint(), keys);
    REQUIRE(stranger.wait_event(handshake_ends, 5s) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  }
  const RawRecord stats = watcher->call("broker/stats", "{}");
  REQUIRE(stats.kind == reply_delivery);
  CHECK(stats.body.find("\"key_unlisted\":1000") != std::string::npos);
}

}  // namespace
}  // namespace guild::test
