#include "broker/zmq_socket.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "common/base/assert.hpp"

namespace guild::broker {
namespace {

std::unexpected<Error> zmq_failed(std::string_view action) {
  return fail(system_error(action, zmq_errno()));
}

}  // namespace

Result<ZmqContext> ZmqContext::make(int io_threads) {
  void* handle = zmq_ctx_new();
  if (handle == nullptr) return zmq_failed("make a ZeroMQ context");
  ZmqContext context(handle);
  if (zmq_ctx_set(handle, ZMQ_IO_THREADS, io_threads) != 0)
    return zmq_failed("set ZeroMQ's I/O threads");
  return context;
}

ZmqContext::~ZmqContext() {
  if (handle_ == nullptr) return;
  while (zmq_ctx_term(handle_) != 0 && zmq_errno() == EINTR) {
  }
}

void ZmqMessage::fill(std::string_view bytes) {
  zmq_msg_close(&message_);
  const int made = zmq_msg_init_size(&message_, bytes.size());
  GUILD_ASSERT(made == 0);  // Out of memory: as with any allocation, there is no going on.
  std::memcpy(zmq_msg_data(&message_), bytes.data(), bytes.size());
}

Result<ZmqSocket> ZmqSocket::make(const ZmqContext& context, int type) {
  void* handle = zmq_socket(context.handle(), type);
  if (handle == nullptr) return zmq_failed("make a ZeroMQ socket");
  return ZmqSocket(handle);
}

Result<void> ZmqSocket::set_bytes(int option, const void* value, std::size_t size) {
  if (zmq_setsockopt(handle_, option, value, size) == 0) return {};
  return zmq_failed(fmt::format("set ZeroMQ option {}", option));
}

int ZmqSocket::try_bind(const std::string& endpoint) {
  return zmq_bind(handle_, endpoint.c_str()) == 0 ? 0 : zmq_errno();
}

Result<void> ZmqSocket::bind(const std::string& endpoint) {
  if (const int problem = try_bind(endpoint); problem != 0)
    return fail(system_error("listen at " + endpoint, problem));
  return {};
}

Result<void> ZmqSocket::unbind(const std::string& endpoint) {
  if (zmq_unbind(handle_, endpoint.c_str()) == 0) return {};
  return zmq_failed("stop listening at " + endpoint);
}

Result<void> ZmqSocket::connect(const std::string& endpoint) {
  if (zmq_connect(handle_, endpoint.c_str()) == 0) return {};
  return zmq_failed("connect to " + endpoint);
}

std::string ZmqSocket::last_endpoint() const {
  std::array<char, 512> text{};
  std::size_t size = text.size();
  if (zmq_getsockopt(handle_, ZMQ_LAST_ENDPOINT, text.data(), &size) != 0) return {};
  return text.data();
}

bool ZmqSocket::receive(ZmqMessage& into, int flags) {
  return zmq_msg_recv(into.raw(), handle_, flags) >= 0;
}

bool ZmqSocket::readable() const {
  int events = 0;
  std::size_t size = sizeof events;
  return zmq_getsockopt(handle_, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0;
}

int ZmqSocket::send(ZmqMessage& message, int flags) {
  return zmq_msg_send(message.raw(), handle_, flags) >= 0 ? 0 : zmq_errno();
}

int ZmqSocket::send(std::string_view bytes, int flags) {
  return zmq_send(handle_, bytes.data(), bytes.size(), flags) >= 0 ? 0 : zmq_errno();
}

void ZmqSocket::close() {
  if (handle_ != nullptr) zmq_close(handle_);
  handle_ = nullptr;
}

Result<ZmqSocket> monitor_of(const ZmqContext& context, const ZmqSocket& socket, int events) {
  static std::atomic<unsigned> monitors{0};
  const std::string endpoint = fmt::format("inproc://broker-monitor-{}", ++monitors);
  if (zmq_socket_monitor(socket.handle(), endpoint.c_str(), events) != 0)
    return zmq_failed("watch a socket");
  GUILD_TRY(ZmqSocket monitor, ZmqSocket::make(context, ZMQ_PAIR));
  GUILD_CHECK(monitor.set(ZMQ_LINGER, 0));
  GUILD_CHECK(monitor.connect(endpoint));
  return monitor;
}

std::optional<MonitorEvent> read_monitor(ZmqSocket& monitor) {
  ZmqMessage head, address;
  if (!monitor.receive(head)) return {};
  if (head.more()) monitor.receive(address);
  const std::string_view bytes = head.bytes();
  // `u16 event, u32 value`, in the machine's own order.
  std::uint16_t event = 0;
  std::uint32_t value = 0;
  if (bytes.size() != sizeof event + sizeof value) return MonitorEvent{};
  std::memcpy(&event, bytes.data(), sizeof event);
  std::memcpy(&value, bytes.data() + sizeof event, sizeof value);
  return MonitorEvent{event, value};
}

}  // namespace guild::broker
