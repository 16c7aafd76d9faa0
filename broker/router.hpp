// Router: the core on its sockets. One thread (the route thread) owns the ROUTER and the core;
// libzmq's I/O threads do the encryption, the gatekeeper's thread answers handshakes. Everybody
// else talks to it by `post`.
//
// A session is a connection: it begins with the first frame of a routing id and is bound to the
// User-Id, the key and the descriptor of that frame. It ends when the monitor says that the
// descriptor was closed, after what the connection had sent was read. The monitor is read by the
// route thread itself before it trusts a new connection: libzmq reports the end of a descriptor
// before it can be reused, so the order is exact. It is read each round, so it never fills.
//
// Limits: connections are bounded by the core's sessions; frames 2 MiB (libzmq cuts the
// connection), 1.25 MiB (the core refuses); handshake 2 s; heartbeat 5 s, dead after 15 s; 262,144
// frames may wait for one connection, more than credit allows.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/core.hpp"
#include "common/base/result.hpp"
#include "keys/keyring.hpp"

namespace guild::broker {

class RouteLoop;

struct RouterOptions {
  std::string endpoint;
  keys::RouterKeys keys;
  int io_threads = 2;
  /// How long to look for more work before sleeping; what an echo waits for.
  std::chrono::microseconds spin{100};
  /// Frames that may wait for one connection. Credit bounds what is delivered; this bounds the
  /// answers to a client that asks and never reads, whose session then ends.
  int waiting_frames_max = 262'144;
  CoreOptions core;
};

class Router {
 public:
  /// What happened, told on the route thread: be quick.
  struct Events {
    std::function<void(const messages::BusDenied&)> denied;
    std::function<void(const messages::BusClientEvent&)> client;
    std::function<void(const messages::BusTraffic&)> traffic;
  };
  using Work = std::function<void(Core&, const Moment&)>;

  /// Binds the gatekeeper, proves that the door is shut, listens, and starts the route thread.
  static Result<std::unique_ptr<Router>> start(RouterOptions options,
                                               std::vector<keys::AuthorizedClient> clients,
                                               Events events);
  /// Ends the thread and closes; frames already handed over get 500 ms to leave.
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Runs `work` on the route thread, soon. Thread-safe.
  void post(Work work);
  /// The new list holds for handshakes at once and for sessions soon.
  void replace_clients(std::vector<keys::AuthorizedClient> clients);
  /// Lets what waits go out, for at most `limit`, refuses everybody, ends the thread, then calls
  /// `done` on it.
  void drain(std::chrono::milliseconds limit, std::function<void()> done);

 private:
  explicit Router(std::unique_ptr<RouteLoop> loop);
  std::unique_ptr<RouteLoop> loop_;
};

}  // namespace guild::broker
