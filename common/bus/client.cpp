// Client: moves frames between the session (which decides) and the socket (which knows ZeroMQ),
// keeps the connection up, and wakes the owner's loop.
#include "common/bus/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"
#include "common/bus/attempts.hpp"
#include "common/bus/session.hpp"
#include "common/bus/socket.hpp"
#include "common/bus/wakeup.hpp"

namespace guild::bus {
namespace {

using namespace std::chrono_literals;

/// What one pump may take in before it lets the owner's loop look at its other work.
constexpr int rounds_max = 16;
constexpr int frames_per_round = 16;
/// Time for GOODBYE and what precedes it to leave, for a client that is dropped without close().
constexpr Duration goodbye_limit = 200ms;

Monotonic clock_now() { return std::chrono::steady_clock::now(); }

Monotonic after(Duration limit) {
  constexpr Duration longest = std::chrono::hours(24 * 365);
  return clock_now() + std::clamp(limit, Duration::zero(), longest);
}

std::unexpected<Error> inside_callback() {
  return fail(
      ErrorKind::failed, "inside_callback",
      "a callback cannot wait for the bus, because it is the bus that waits for the callback",
      "use the form with a callback");
}

Result<void> check_options(const ClientOptions& options) {
  GUILD_CHECK(check_endpoint(options.endpoint));
  if (options.receive_credit_messages == 0 || options.receive_credit_bytes == 0)
    return fail(ErrorKind::invalid, "credit_zero", "with no receive credit nothing can arrive");
  return {};
}

}  // namespace

struct Client::Impl {
  Impl(ClientOptions given, std::shared_ptr<Context> zmq, Wakeup loop_wakeup)
      : options(std::move(given)),
        context(std::move(zmq)),
        wakeup(std::move(loop_wakeup)),
        attempts({.endpoint = options.endpoint,
                  .name = options.credentials.name,
                  .give_up_when_refused = options.give_up_when_refused,
                  .seed = random_seed()}) {
    session = std::make_shared<Session>(
        Session::Options{.expected_name = options.credentials.name,
                         .receive_credit_messages = options.receive_credit_messages,
                         .receive_credit_bytes = options.receive_credit_bytes,
                         .outgoing_bytes_max = options.outgoing_bytes_max,
                         .on_output = [this] { on_output(); }});
    wakeup.raise();  // The first pump connects.
  }

  static std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    fill_random(&seed, sizeof seed);
    return seed;
  }

  // ---- Pumping.

  void pump() {
    if (pumping || session->closed()) return;
    pumping = true;
    wakeup.lower();
    bool quiet = false;
    for (int round = 0; !quiet && round < rounds_max; ++round) quiet = step();
    pumping = false;
    if (session->closed()) return;
    if (!quiet) wakeup.raise();
    set_timer();
  }

  /// One round. Answers true when nothing is left to do that a descriptor or the timer would not
  /// announce: libzmq's descriptor is edge-triggered, and any call on the socket may have swallowed
  /// the signal for a message that waits now, or a connection that has come or gone.
  bool step() {
    const Monotonic now = clock_now();
    if (socket == nullptr && attempts.due(now)) open_socket(now);
    if (socket != nullptr) receive_frames(now);
    if (socket != nullptr && wakeup.is_ready(socket->monitor_fd())) read_monitor(now);
    if (socket != nullptr && attempts.timed_out(now)) give_up_attempt(now);
    session->advance(now);
    if (socket != nullptr) flush();
    if (socket == nullptr || session->closed()) return true;

    const Socket::State state = socket->state();
    if (state.connected == opened) return !state.readable;
    if (state.connected) {
      opened = true;
      session->connection_opened();
    } else if (!state.readable) {
      lose_connection(now);
    }
    return false;
  }

  void set_timer() {
    std::optional<Monotonic> next = attempts.deadline();
    const std::optional<Monotonic> session_next = session->deadline();
    if (session_next && (!next || *session_next < *next)) next = session_next;
    wakeup.wake_at(next, clock_now());
  }

  // ---- The connection.

  void open_socket(Monotonic now) {
    attempts.started(now);
    opened = false;
    auto made = Socket::connect(*context, options.endpoint, options.credentials);
    if (made) {
      socket = std::move(*made);
      auto watched = wakeup.watch(socket->fd());
      if (watched) watched = wakeup.watch(socket->monitor_fd());
      // libzmq signals the monitor's descriptor only once somebody has found the monitor empty.
      if (watched) return read_monitor(now);
      made = std::unexpected(std::move(watched).error());
    }
    lose(attempts.ended(std::move(made).error().while_doing("connect to the broker"), now));
  }

  void give_up_attempt(Monotonic now) {
    lose(attempts.failed(
        attempts.transport_is_connected() ? Failure::no_answer : Failure::nothing_listens, now));
  }

  void read_monitor(Monotonic now) {
    while (socket != nullptr) {
      const auto event = socket->next_event();
      if (!event) return;
      switch (*event) {
        case SocketEvent::transport_connected:
          attempts.transport_connected(now);
          break;
        case SocketEvent::handshake_done:
          break;
        case SocketEvent::key_refused:
          lose(attempts.failed(Failure::key_refused, now));
          break;
        case SocketEvent::broker_fault:
          lose(attempts.failed(Failure::broker_fault, now));
          break;
        case SocketEvent::handshake_broken:
          lose(attempts.failed(Failure::handshake_broken, now));
          break;
        case SocketEvent::disconnected:
          lose_connection(now);
          break;
        case SocketEvent::nothing_listens:
          lose(attempts.failed(Failure::nothing_listens, now));
          break;
      }
    }
  }

  void lose_connection(Monotonic now) {
    lose(attempts.ended(
        Error{ErrorKind::unavailable, "session_lost",
              fmt::format("the connection to the broker at {} ended", options.endpoint),
              "it is tried again; see whether the broker runs: scripts/run_system status"},
        now));
  }

  void lose(const Attempts::Outcome& outcome) {
    drop_socket(Duration::zero());
    session->connection_lost(outcome);
  }

  void drop_socket(Duration linger) {
    if (socket == nullptr) return;
    // Before libzmq closes them, or a number that is used again would wake us for ever.
    wakeup.forget(socket->fd());
    wakeup.forget(socket->monitor_fd());
    socket->close(linger);
    socket.reset();
    opened = false;
  }

  // ---- Frames.

  void receive_frames(Monotonic now) {
    for (int i = 0; i < frames_per_round; ++i) {
      const auto received = socket->receive(incoming);
      if (received == Socket::Received::nothing) return;
      const bool was_connected = session->connected();
      const auto taken = received == Socket::Received::frame ? take_frame(incoming.bytes(), now)
                                                             : fail(malformed_frame());
      if (socket == nullptr) return;  // A callback closed us.
      if (!taken) return lose(attempts.ended(taken.error(), now));
      if (!was_connected && session->connected()) attempts.established(now);
    }
  }

  Result<void> take_frame(std::string_view frame, Monotonic now) {
    ++session->counters().frames_in;
    session->counters().bytes_in += frame.size();
    return session->receive(frame, now);
  }

  void flush() {
    Outbox& outbox = session->outbox();
    for (std::string_view frame = outbox.next(); !frame.empty(); frame = outbox.next()) {
      if (!send(frame)) return;
    }
  }

  bool send(std::string_view frame) {
    // No connection: it was lost, and the next look at the socket's state says so.
    if (!socket->send(frame)) return false;
    ++session->counters().frames_out;
    session->counters().bytes_out += frame.size();
    session->outbox().sent();
    return true;
  }

  /// Something was queued: by a callback, then pump sends it; or by the owner, then the descriptor
  /// wakes pump. A full frame goes now, because waiting packs it no tighter.
  void on_output() {
    if (socket != nullptr && opened && session->outbox().has_full_frame()) {
      while (session->outbox().has_full_frame() && send(session->outbox().next())) {
      }
    }
    // Also when all has gone: sending may have swallowed the signal of something that came in.
    if (!pumping) wakeup.raise();
  }

  // ---- The end.

  void close(Duration limit) {
    if (session->closed()) return;
    const Monotonic end = after(limit);
    if (!pumping && session->connected())
      pump_until([&] { return session->outbox().empty() || !session->connected(); }, end);
    if (session->closed()) return;  // By a callback, while we flushed.
    session->say_goodbye();
    if (socket != nullptr) flush();
    drop_socket(std::max<Duration>(end - clock_now(), goodbye_limit));
    const bool outermost = !std::exchange(pumping, true);
    session->close();
    if (!outermost) return;  // Inside a callback; the destructor waits for libzmq.
    pumping = false;
    context.reset();
  }

  bool pump_until(const std::function<bool()>& done, Monotonic end) {
    if (pumping) return done();
    for (;;) {
      pump();
      if (done()) return true;
      if (session->closed() || clock_now() >= end) return false;
      wait_readable(wakeup.fd(), end);
    }
  }

  /// Pumps until `answer` is there.
  template <class T>
  Result<T> wait_for(const std::shared_ptr<std::optional<Result<T>>>& answer, Duration limit,
                     std::string_view what) {
    if (pump_until([&] { return answer->has_value(); }, after(limit))) return std::move(**answer);
    if (const auto& cause = session->last_error()) return fail(Error(*cause).while_doing(what));
    return fail(ErrorKind::timeout, "timeout",
                fmt::format("{}: no answer within {}", what, to_text(limit)),
                "allow more time, or see whether the broker is overloaded: guild bus stats");
  }

  ClientOptions options;
  std::shared_ptr<Context> context;
  Wakeup wakeup;
  Attempts attempts;
  std::shared_ptr<Session> session;
  std::unique_ptr<Socket> socket;
  Incoming incoming;
  bool opened = false;  // The session was told of this socket's connection.
  bool pumping = false;
};

// ---- Construction ------------------------------------------------------------------------------

Result<std::unique_ptr<Client>> Client::make(ClientOptions options) {
  GUILD_CHECK(check_options(options));
  GUILD_TRY(auto context, options.shares_io_thread ? Context::shared() : Context::make());
  GUILD_TRY(Wakeup wakeup, Wakeup::make());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(context), std::move(wakeup));
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() {
  GUILD_ASSERT(!impl_->pumping);  // A callback destroyed the client that runs it.
  impl_->session->silence();
  impl_->close(Duration::zero());
}

// ---- Calls -------------------------------------------------------------------------------------

void Client::on_session(OnSession callback) { impl_->session->on_session = std::move(callback); }
bool Client::connected() const { return impl_->session->connected(); }
const std::string& Client::own_name() const { return impl_->session->own_name(); }
int Client::fd() const { return impl_->wakeup.fd(); }
void Client::pump() { impl_->pump(); }

Result<void> Client::publish(std::string_view topic, std::string_view payload, OnDone accepted) {
  return impl_->session->publish(topic, payload, std::move(accepted));
}
std::size_t Client::publish_room() const { return impl_->session->publish_room(); }
void Client::on_room(std::function<void()> callback) {
  impl_->session->on_room = std::move(callback);
}
void Client::on_denied(
    std::function<void(std::string_view, std::uint64_t, const Error&)> callback) {
  impl_->session->on_denied = std::move(callback);
}

Result<void> Client::subscribe(std::string_view pattern, OnDelivery deliver, OnDone confirmed,
                               OnGap gap) {
  Standing standing;
  standing.kind = Kind::subscribe;
  standing.pattern = pattern;
  standing.deliver = std::move(deliver);
  standing.gap = std::move(gap);
  standing.confirmed = std::move(confirmed);
  GUILD_CHECK(impl_->session->stand(std::move(standing)));
  return {};
}

void Client::unsubscribe(std::string_view pattern) { impl_->session->unsubscribe(pattern); }

Result<void> Client::serve(std::string_view pattern, OnRequest handle, OnDone confirmed) {
  Standing standing;
  standing.kind = Kind::serve;
  standing.pattern = pattern;
  standing.handle = std::move(handle);
  standing.confirmed = std::move(confirmed);
  GUILD_CHECK(impl_->session->stand(std::move(standing)));
  return {};
}

Result<void> Client::watch(std::string_view topic, OnPresence changed) {
  Standing standing;
  standing.kind = Kind::watch;
  standing.pattern = topic;
  standing.changed = std::move(changed);
  GUILD_CHECK(impl_->session->stand(std::move(standing)));
  return {};
}

Result<void> Client::request(std::string_view name, std::string_view payload, Duration deadline,
                             OnReply answer) {
  return impl_->session->request(name, payload, deadline, std::move(answer), clock_now());
}

const Client::Counters& Client::counters() const { return impl_->session->counters(); }
void Client::close(Duration limit) { impl_->close(limit); }

// ---- Waiting -----------------------------------------------------------------------------------

bool Client::pump_until(const std::function<bool()>& done, Duration limit) {
  return impl_->pump_until(done, after(limit));
}

Result<void> Client::wait_connected(Duration limit) {
  if (impl_->pumping) return inside_callback();
  const auto settled = [&] { return connected() || impl_->attempts.is_over(); };
  if (impl_->pump_until(settled, after(limit)) && connected()) return {};
  if (const auto& cause = impl_->session->last_error()) return fail(*cause);
  return fail(ErrorKind::timeout, "timeout",
              fmt::format("no session with the broker at {} within {}", impl_->options.endpoint,
                          to_text(limit)),
              "see whether the broker is overloaded: scripts/run_system status");
}

Result<void> Client::publish_and_wait(std::string_view topic, std::string_view payload,
                                      Duration limit) {
  if (impl_->pumping) return inside_callback();
  const auto answer = std::make_shared<std::optional<Result<void>>>();
  GUILD_CHECK(
      publish(topic, payload, [answer](Result<void> result) { *answer = std::move(result); }));
  return impl_->wait_for(answer, limit, fmt::format("publish to {}", topic));
}

Result<void> Client::subscribe_and_wait(std::string_view pattern, OnDelivery deliver,
                                        Duration limit, OnGap gap) {
  if (impl_->pumping) return inside_callback();
  const auto answer = std::make_shared<std::optional<Result<void>>>();
  Standing standing;
  standing.kind = Kind::subscribe;
  standing.pattern = pattern;
  standing.deliver = std::move(deliver);
  standing.gap = std::move(gap);
  standing.confirmed = [answer](Result<void> result) { *answer = std::move(result); };
  GUILD_TRY(const auto made, impl_->session->stand(std::move(standing)));
  auto result = impl_->wait_for(answer, limit, fmt::format("subscribe to {}", pattern));
  // The callbacks may point to what the caller gives up now.
  if (!result && !made->withdrawn) impl_->session->withdraw(made);
  return result;
}

Result<std::string> Client::request_and_wait(std::string_view name, std::string_view payload,
                                             Duration deadline) {
  if (impl_->pumping) return inside_callback();
  const auto answer = std::make_shared<std::optional<Result<std::string>>>();
  GUILD_CHECK(request(name, payload, deadline,
                      [answer](Result<std::string> result) { *answer = std::move(result); }));
  // The session answers by itself when the broker does not.
  return impl_->wait_for(answer, deadline + 2 * Session::broker_grace,
                         fmt::format("request {}", name));
}

}  // namespace guild::bus
