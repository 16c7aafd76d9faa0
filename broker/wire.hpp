// What the core hears from outside and what it tells the outside to do. The core has no sockets,
// clock or threads: the adapter (router.hpp) gives it frames, ends of connections and the time, and
// carries out what it says here, in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/time.hpp"
#include "common/messages/broker.hpp"
#include "keys/keyring.hpp"

namespace guild::broker {

/// One connection. Given by the adapter, never 0, never used twice.
enum class SessionId : std::uint64_t {};

using Steady = std::chrono::steady_clock::time_point;

/// The wall clock stamps what is delivered; deadlines follow the steady one, which never jumps.
struct Moment {
  Instant wall;
  Steady steady;
};

/// Who opened a connection, proven by its key.
struct Identity {
  std::string name;
  keys::PublicKey key{};
  std::string label;  ///< "name#serial"
};

class Wire {
 public:
  virtual ~Wire() = default;
  /// One frame, to each of `to`. `frame` is valid during the call.
  virtual void send(std::span<const SessionId> to, std::string_view frame) = 0;
  /// The session is over: nothing more goes to it, what it sends is ignored, cut its connection.
  virtual void end(SessionId session) = 0;
  virtual void denied(const messages::BusDenied& denied) = 0;
  virtual void client_event(const messages::BusClientEvent& event) = 0;
  virtual void traffic(const messages::BusTraffic& traffic) = 0;
};

}  // namespace guild::broker
