#include "broker/self_test.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "broker/zmq_socket.hpp"
#include "common/base/bytes.hpp"

namespace guild::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds limit = 2s;
constexpr int watched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                        ZMQ_EVENT_DISCONNECTED;

std::unexpected<Error> failed(std::string what) {
  return fail(ErrorKind::failed, "self_test_failed", "self-test: " + std::move(what),
              "do not use this build: authentication does not work as it must");
}

Result<void> give_random_key(ZmqSocket& socket, const keys::PublicKey& router_key) {
  constexpr std::size_t z85_key = 41;
  std::array<char, z85_key> public_key{}, secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
    return failed("libzmq has no CURVE");
  GUILD_CHECK(socket.set_bytes(ZMQ_CURVE_SERVERKEY, router_key.data(), router_key.size()));
  GUILD_CHECK(socket.set_bytes(ZMQ_CURVE_PUBLICKEY, public_key.data(), public_key.size()));
  return socket.set_bytes(ZMQ_CURVE_SECRETKEY, secret_key.data(), secret_key.size());
}

/// The first thing that the monitor tells of the handshake; 0 when nothing comes.
int outcome_of(ZmqSocket& monitor) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (const auto event = read_monitor(monitor)) return event->event;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left <= 0ms) return 0;
    zmq_pollitem_t item{monitor.handle(), 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, left.count());
  }
}

enum class With { random_key, no_key };

Result<void> try_to_get_in(const std::string& endpoint, const keys::PublicKey& router_key,
                           With with) {
  GUILD_TRY(const ZmqContext context, ZmqContext::make(1));
  GUILD_TRY(ZmqSocket socket, ZmqSocket::make(context, ZMQ_DEALER));
  GUILD_CHECK(socket.set(ZMQ_LINGER, 0));
  if (with == With::random_key) GUILD_CHECK(give_random_key(socket, router_key));
  GUILD_TRY(ZmqSocket monitor, monitor_of(context, socket, watched));
  GUILD_CHECK(socket.connect(endpoint));
  const int outcome = outcome_of(monitor);
  const std::string_view who = with == With::random_key ? "a random key" : "a client without a key";
  if (outcome == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return failed(fmt::format("{} was let in", who));
  if (outcome == 0)
    return failed(
        fmt::format("{} was neither refused nor let in within {} ms", who, limit.count()));
  // A key is refused by the list, and by nothing else that happens to fail.
  if (with == With::random_key && outcome != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
    return failed(fmt::format("{} was not refused by the list (event {})", who, outcome));
  return {};
}

}  // namespace

Result<void> prove_door_is_shut(const std::string& endpoint, const keys::PublicKey& router_key) {
  GUILD_CHECK(try_to_get_in(endpoint, router_key, With::random_key));
  return try_to_get_in(endpoint, router_key, With::no_key);
}

}  // namespace guild::broker
