// ZeroMQ's context, socket and message as values that clean up after themselves, and its errors as
// Errors. Only the broker's adapters include this. Sockets belong to one thread at a time.
#pragma once

#include <zmq.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.hpp"

namespace guild::broker {

class ZmqContext {
 public:
  static Result<ZmqContext> make(int io_threads);
  ZmqContext(ZmqContext&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ZmqContext& operator=(ZmqContext&&) = delete;
  /// Waits until all its sockets are closed and their linger is over.
  ~ZmqContext();
  void* handle() const { return handle_; }

 private:
  explicit ZmqContext(void* handle) : handle_(handle) {}
  void* handle_;
};

class ZmqMessage {
 public:
  ZmqMessage() { zmq_msg_init(&message_); }
  ~ZmqMessage() { zmq_msg_close(&message_); }
  ZmqMessage(const ZmqMessage&) = delete;
  ZmqMessage& operator=(const ZmqMessage&) = delete;

  void fill(std::string_view bytes);
  /// The same bytes, not copied.
  void share(ZmqMessage& other) { zmq_msg_copy(&message_, &other.message_); }
  zmq_msg_t* raw() { return &message_; }
  std::string_view bytes() {
    return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }
  bool more() { return zmq_msg_more(&message_) != 0; }
  /// Metadata of its connection; "" when there is none of that name.
  std::string_view property(const char* name) {
    const char* value = zmq_msg_gets(&message_, name);
    return value == nullptr ? std::string_view{} : std::string_view(value);
  }
  /// The descriptor it was read from, or -1.
  int source_fd() { return zmq_msg_get(&message_, ZMQ_SRCFD); }

 private:
  zmq_msg_t message_;
};

class ZmqSocket {
 public:
  static Result<ZmqSocket> make(const ZmqContext& context, int type);
  ZmqSocket(ZmqSocket&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ZmqSocket& operator=(ZmqSocket&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~ZmqSocket() { close(); }

  Result<void> set(int option, int value) { return set_bytes(option, &value, sizeof value); }
  Result<void> set(int option, std::int64_t value) {
    return set_bytes(option, &value, sizeof value);
  }
  Result<void> set(int option, std::chrono::milliseconds value) {
    return set(option, static_cast<int>(value.count()));
  }
  Result<void> set_bytes(int option, const void* value, std::size_t size);

  /// The errno of the failure, or 0.
  int try_bind(const std::string& endpoint);
  Result<void> bind(const std::string& endpoint);
  Result<void> unbind(const std::string& endpoint);
  Result<void> connect(const std::string& endpoint);
  std::string last_endpoint() const;

  /// False when nothing is there, a signal came, or the context was ended (zmq_errno says which).
  bool receive(ZmqMessage& into, int flags = ZMQ_DONTWAIT);
  bool readable() const;
  /// The errno of the failure, or 0.
  int send(ZmqMessage& message, int flags);
  int send(std::string_view bytes, int flags);

  void close();
  void* handle() const { return handle_; }

 private:
  explicit ZmqSocket(void* handle) : handle_(handle) {}
  void* handle_;
};

/// One event of a socket's monitor.
struct MonitorEvent {
  int event = 0;
  std::uint32_t value = 0;  ///< A descriptor, an errno or a code, as the event has it.
};
/// Watches `socket` for `events`; read it with read_monitor.
Result<ZmqSocket> monitor_of(const ZmqContext& context, const ZmqSocket& socket, int events);
std::optional<MonitorEvent> read_monitor(ZmqSocket& monitor);

}  // namespace guild::broker
