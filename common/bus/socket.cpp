#include "common/bus/socket.hpp"

#include <fmt/format.h>
#include <sys/un.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <new>
#include <tuple>

#include "common/base/text.hpp"

namespace guild::bus {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t message_bytes_max = 2 << 20;
constexpr std::chrono::milliseconds handshake_limit = 2s;
constexpr std::chrono::milliseconds connect_limit = 3s;
constexpr std::chrono::milliseconds heartbeat_every = 5s;
constexpr std::chrono::milliseconds heartbeat_limit = 15s;
/// A narrow mask: what is not asked for cannot fill the monitor.
constexpr int watched_events =
    ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr std::uint32_t zap_refused = 400;
constexpr int shared_sockets_max = 16'384;  // Two for a session.

std::unexpected<Error> socket_failed(std::string_view action) {
  return fail(ErrorKind::failed, "socket_failed",
              fmt::format("{}: {}", action, zmq_strerror(zmq_errno())));
}

std::unexpected<Error> endpoint_invalid(std::string_view endpoint, std::string_view why) {
  return fail(ErrorKind::invalid, "endpoint_invalid",
              fmt::format("bus endpoint \"{}\": {}", escape_to_ascii(endpoint), why),
              "it is ipc://PATH or tcp://HOST:PORT");
}

template <class Value>
Result<void> set(void* socket, int option, const Value& value) {
  if (zmq_setsockopt(socket, option, &value, sizeof value) == 0) return {};
  return socket_failed(fmt::format("set socket option {}", option));
}
Result<void> set(void* socket, int option, std::chrono::milliseconds value) {
  return set(socket, option, static_cast<int>(value.count()));
}

/// The descriptor of a socket; -1 when there is none.
int descriptor_of(void* socket) {
  int fd = -1;
  std::size_t size = sizeof fd;
  return zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

Result<void> set_options(void* dealer, const Credentials& credentials) {
  // Sends wait for nothing: without a connection they fail, instead of piling up for the next one.
  GUILD_CHECK(set(dealer, ZMQ_IMMEDIATE, 1));
  GUILD_CHECK(set(dealer, ZMQ_RECONNECT_IVL, -1));
  GUILD_CHECK(set(dealer, ZMQ_LINGER, 0));
  GUILD_CHECK(set(dealer, ZMQ_MAXMSGSIZE, message_bytes_max));
  GUILD_CHECK(set(dealer, ZMQ_HANDSHAKE_IVL, handshake_limit));
  GUILD_CHECK(set(dealer, ZMQ_CONNECT_TIMEOUT, connect_limit));
  GUILD_CHECK(set(dealer, ZMQ_HEARTBEAT_IVL, heartbeat_every));
  GUILD_CHECK(set(dealer, ZMQ_HEARTBEAT_TIMEOUT, heartbeat_limit));
  GUILD_CHECK(set(dealer, ZMQ_HEARTBEAT_TTL, heartbeat_limit));
  // Flow control is the protocol's credit; a high-water mark would drop or block behind its back.
  GUILD_CHECK(set(dealer, ZMQ_SNDHWM, 0));
  GUILD_CHECK(set(dealer, ZMQ_RCVHWM, 0));
  GUILD_CHECK(set(dealer, ZMQ_CURVE_SERVERKEY, credentials.broker_public_key));
  GUILD_CHECK(set(dealer, ZMQ_CURVE_PUBLICKEY, credentials.public_key));
  return set(dealer, ZMQ_CURVE_SECRETKEY, credentials.secret_key.reveal());
}

struct MonitorRecord {
  std::uint16_t event = 0;
  std::uint32_t value = 0;
};

/// One event: two parts, `u16 event, u32 value` in the machine's order, then the endpoint.
std::optional<MonitorRecord> read_monitor(void* monitor) {
  std::array<char, 6> head{};
  if (zmq_recv(monitor, head.data(), head.size(), ZMQ_DONTWAIT) != static_cast<int>(head.size()))
    return {};
  char endpoint = 0;
  zmq_recv(monitor, &endpoint, sizeof endpoint, ZMQ_DONTWAIT);
  MonitorRecord record;
  std::memcpy(&record.event, head.data(), sizeof record.event);
  std::memcpy(&record.value, head.data() + sizeof record.event, sizeof record.value);
  return record;
}

std::optional<SocketEvent> meaning_of(const MonitorRecord& record) {
  switch (record.event) {
    case ZMQ_EVENT_CONNECTED:
      return SocketEvent::transport_connected;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return SocketEvent::handshake_done;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      return SocketEvent::handshake_broken;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return record.value == zap_refused ? SocketEvent::key_refused : SocketEvent::broker_fault;
    case ZMQ_EVENT_DISCONNECTED:
      return SocketEvent::disconnected;
    case ZMQ_EVENT_CLOSED:
      return SocketEvent::nothing_listens;
    default:
      return {};
  }
}

}  // namespace

// ---- Context and incoming frames ---------------------------------------------------------------

Result<std::shared_ptr<Context>> Context::make() {
  void* handle = zmq_ctx_new();
  if (handle == nullptr) return socket_failed("make a ZeroMQ context");
  zmq_ctx_set(handle, ZMQ_IO_THREADS, 1);
  return std::shared_ptr<Context>(new Context(handle));
}

Result<std::shared_ptr<Context>> Context::shared() {
  static std::mutex mutex;
  static std::weak_ptr<Context> in_use;
  const std::lock_guard lock(mutex);
  if (auto context = in_use.lock()) return context;
  GUILD_TRY(auto context, make());
  zmq_ctx_set(context->handle(), ZMQ_MAX_SOCKETS, shared_sockets_max);
  in_use = context;
  return context;
}

Context::~Context() {
  while (zmq_ctx_term(handle_) != 0 && zmq_errno() == EINTR) {
  }
}

static_assert(sizeof(zmq_msg_t) <= 64);

Incoming::Incoming() { zmq_msg_init(new (storage_.data()) zmq_msg_t); }
Incoming::~Incoming() { zmq_msg_close(static_cast<zmq_msg_t*>(message())); }

void* Incoming::message() { return storage_.data(); }

std::string_view Incoming::bytes() const {
  // zmq_msg_data takes no const message, but changes nothing.
  auto* message = static_cast<zmq_msg_t*>(const_cast<Incoming*>(this)->message());
  return {static_cast<const char*>(zmq_msg_data(message)), zmq_msg_size(message)};
}

// ---- The socket --------------------------------------------------------------------------------

Result<void> check_endpoint(std::string_view endpoint) {
  constexpr std::string_view ipc = "ipc://", tcp = "tcp://";
  if (endpoint.starts_with(ipc)) {
    const std::size_t path_size = endpoint.size() - ipc.size();
    if (path_size == 0) return endpoint_invalid(endpoint, "the path is missing");
    if (path_size >= sizeof(sockaddr_un::sun_path))
      return endpoint_invalid(
          endpoint, fmt::format("the path has {} bytes, and the kernel allows {}", path_size,
                                sizeof(sockaddr_un::sun_path) - 1));
    return {};
  }
  if (!endpoint.starts_with(tcp)) return endpoint_invalid(endpoint, "neither ipc:// nor tcp://");
  const std::string_view address = endpoint.substr(tcp.size());
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == address.size())
    return endpoint_invalid(endpoint, "host or port is missing");
  return {};
}

Result<std::unique_ptr<Socket>> Socket::connect(const Context& context, const std::string& endpoint,
                                                const Credentials& credentials) {
  GUILD_CHECK(check_endpoint(endpoint));
  std::unique_ptr<Socket> socket(new Socket);
  socket->dealer_ = zmq_socket(context.handle(), ZMQ_DEALER);
  if (socket->dealer_ == nullptr) return socket_failed("make a socket");
  GUILD_CHECK(set_options(socket->dealer_, credentials));

  static std::atomic<std::uint64_t> monitors{0};
  const std::string monitor_endpoint = fmt::format("inproc://monitor-{}", ++monitors);
  if (zmq_socket_monitor(socket->dealer_, monitor_endpoint.c_str(), watched_events) != 0)
    return socket_failed("watch a socket");
  socket->monitor_ = zmq_socket(context.handle(), ZMQ_PAIR);
  if (socket->monitor_ == nullptr) return socket_failed("make a monitor");
  GUILD_CHECK(set(socket->monitor_, ZMQ_LINGER, 0));
  if (zmq_connect(socket->monitor_, monitor_endpoint.c_str()) != 0)
    return socket_failed("connect a monitor");

  socket->fd_ = descriptor_of(socket->dealer_);
  socket->monitor_fd_ = descriptor_of(socket->monitor_);
  if (socket->fd_ < 0 || socket->monitor_fd_ < 0) return socket_failed("ask for a descriptor");
  if (zmq_connect(socket->dealer_, endpoint.c_str()) != 0)
    return endpoint_invalid(endpoint, zmq_strerror(zmq_errno()));
  return socket;
}

Socket::~Socket() { close(Duration::zero()); }

void Socket::close(Duration linger) {
  if (dealer_ != nullptr) {
    const auto rounded =
        std::chrono::ceil<std::chrono::milliseconds>(std::max(linger, Duration::zero()));
    std::ignore = set(dealer_, ZMQ_LINGER, rounded);
    zmq_socket_monitor(dealer_, nullptr, 0);
    zmq_close(dealer_);
  }
  if (monitor_ != nullptr) zmq_close(monitor_);
  dealer_ = monitor_ = nullptr;
}

Socket::State Socket::state() const {
  int events = 0;
  std::size_t size = sizeof events;
  if (zmq_getsockopt(dealer_, ZMQ_EVENTS, &events, &size) != 0) return {};
  // Without a high-water mark a connection is always writable.
  return {.readable = (events & ZMQ_POLLIN) != 0, .connected = (events & ZMQ_POLLOUT) != 0};
}

bool Socket::send(std::string_view frame) {
  return zmq_send(dealer_, frame.data(), frame.size(), ZMQ_DONTWAIT) >= 0;
}

Socket::Received Socket::receive(Incoming& into) {
  auto* message = static_cast<zmq_msg_t*>(into.message());
  if (zmq_msg_recv(message, dealer_, ZMQ_DONTWAIT) < 0) return Received::nothing;
  if (zmq_msg_more(message) == 0) return Received::frame;
  while (zmq_msg_more(message) != 0 && zmq_msg_recv(message, dealer_, ZMQ_DONTWAIT) >= 0) {
  }
  return Received::several_parts;
}

std::optional<SocketEvent> Socket::next_event() {
  while (const auto record = read_monitor(monitor_)) {
    if (const auto event = meaning_of(*record)) return event;
  }
  return {};
}

}  // namespace guild::bus
