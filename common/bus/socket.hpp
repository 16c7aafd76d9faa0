// Socket: one connection to the broker: a CURVE DEALER that never reconnects by itself, and its
// monitor. One connection is one session, so what was meant for a lost session can never reach the
// next one: its socket is gone. (libzmq would also never reconnect after a ZAP refusal.)
// Owned by Client, used by its thread alone; nothing blocks. The only file that knows ZeroMQ is
// socket.cpp. Limits: frames of 2 MiB, handshake 2 s, heartbeat 5 s with 15 s to answer.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/bus/client.hpp"

namespace guild::bus {

/// libzmq's threads and sockets; one I/O thread.
class Context {
 public:
  static Result<std::shared_ptr<Context>> make();
  /// The one that all who ask for it have, as long as one of them does. Thread-safe.
  static Result<std::shared_ptr<Context>> shared();
  /// Waits until the closed sockets have sent what their linger allows.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  void* handle() const { return handle_; }

 private:
  explicit Context(void* handle) : handle_(handle) {}
  void* handle_;
};

/// A frame as it was received; its bytes are valid until the next receive into it.
class Incoming {
 public:
  Incoming();
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  std::string_view bytes() const;

 private:
  friend class Socket;
  void* message();
  alignas(std::max_align_t) std::array<std::byte, 64> storage_{};
};

/// What the monitor saw.
enum class SocketEvent {
  transport_connected,
  handshake_done,
  key_refused,       ///< ZAP 400: our key is not on the broker's list.
  broker_fault,      ///< Another ZAP status: the broker could not check.
  handshake_broken,  ///< It ended without a reason; a wrong server key looks like this.
  disconnected,
  nothing_listens,
};

class Socket {
 public:
  /// Starts connecting. Errors: endpoint_invalid, socket_failed.
  static Result<std::unique_ptr<Socket>> connect(const Context& context,
                                                 const std::string& endpoint,
                                                 const Credentials& credentials);
  /// Drops what is not sent yet, unless close was called.
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Lets what is queued go out for at most `linger` after this.
  void close(Duration linger);

  /// These are signalled when something comes *after* it was asked for and not there: before
  /// waiting, `state` must have answered "not readable" and `next_event` nothing, with no other
  /// call since.
  int fd() const { return fd_; }
  int monitor_fd() const { return monitor_fd_; }

  struct State {
    bool readable = false;
    bool connected = false;  ///< The handshake is done and the connection stands.
  };
  State state() const;

  /// False when there is no connection to send on.
  bool send(std::string_view frame);
  enum class Received { nothing, frame, several_parts };  ///< The last is malformed.
  Received receive(Incoming& into);
  std::optional<SocketEvent> next_event();

 private:
  Socket() = default;
  void* dealer_ = nullptr;
  void* monitor_ = nullptr;
  int fd_ = -1;
  int monitor_fd_ = -1;
};

/// Whether a client can connect to `endpoint` at all. Error code: endpoint_invalid.
Result<void> check_endpoint(std::string_view endpoint);

}  // namespace guild::bus
