// Client: one process's session with the broker. Single-threaded: the thread that owns it calls
// every function; callbacks run inside `pump`. It never blocks but in the `wait_*` functions, which
// are for programs without a loop (the CLI). Other threads hand work to the owner's loop.
//
// Loop integration: `fd()` is readable when `pump` has something to do (socket, monitor, timers).
// It connects, retries with backoff (50 ms to 2 s, jitter), sends HELLO, waits for WELCOME, and
// after each WELCOME makes its subscriptions, served names and watches again by itself.
//
// Limits: payload 1 MiB; the outgoing queue `outgoing_bytes_max`, past which publish and request
// answer `queue_full` (kind exhausted) and nothing is dropped silently. Errors: the codes of
// docs/protocol.md plus not_connected, queue_full, not_authorized (our key is not on the broker's
// list), wrong_server_key (inferred: handshakes fail while the transport connects),
// broker_unreachable (nothing listens), session_lost (the answer can no longer come).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "common/base/time.hpp"

namespace guild::bus {

/// A client's own keypair and the broker's public key, CURVE (Curve25519), raw bytes.
struct Credentials {
  std::string name;  ///< What we expect the broker to call us; WELCOME's answer is the truth.
  std::array<std::uint8_t, 32> public_key{};
  Secret32 secret_key;
  std::array<std::uint8_t, 32> broker_public_key{};
};

struct ClientOptions {
  std::string endpoint;  ///< "ipc://…/bus.sock" or "tcp://127.0.0.1:5570"
  Credentials credentials;
  std::uint32_t receive_credit_messages = 1U << 20U;
  std::uint64_t receive_credit_bytes = 4U << 20U;
  std::size_t outgoing_bytes_max = 64U << 20U;
  /// Whether a refusal of our key ends the attempts (CLI) or they go on, slower (daemons: the key
  /// may be added later).
  bool give_up_when_refused = false;
  /// With all clients of the process that say so too: many sessions, each of which does little,
  /// cost one thread and not one each. A busy one is faster with its own.
  bool shares_io_thread = false;
};

/// One item as it arrived. Views are valid inside the callback only.
struct Delivery {
  std::string_view topic, sender;
  std::uint64_t sequence;  ///< The publisher's, within its session.
  Instant time;            ///< The broker's clock.
  std::uint32_t epoch;
  std::string_view payload;
};
struct GapNotice {
  std::string_view topic, sender;
  std::uint64_t first, last, count;
  std::string_view reason;
};

enum class SessionState { connecting, connected, refused, closed };
struct SessionEvent {
  SessionState state;
  std::string own_name;            ///< When connected.
  std::string broker_instance;     ///< Hex; changes with every life of the broker.
  bool resubscribed = false;       ///< A reconnect: everything was made again.
  std::uint64_t unknown_acks = 0;  ///< Items whose fate the lost session leaves unknown.
  /// Why not connected; when connected, what was denied that has no callback of its own to tell: a
  /// subscription that could not be made again, a watch.
  std::optional<Error> error;
};

/// A request that arrived at a served name. Answer once, then or later, from the owner's thread;
/// dropping it unanswered sends an error reply "unanswered". Once answered it may end on any
/// thread.
class Responder {
 public:
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  ~Responder();
  void reply(std::string_view payload);
  /// The error travels as JSON {kind, code, message, next_step} and is an Error again at the
  /// requester.
  void reply_error(const Error& error);
  const std::string& name() const;    ///< The served name asked for.
  const std::string& sender() const;  ///< Stamped by the broker.
  std::uint32_t epoch() const;        ///< Of the permission list, as in Delivery.
  /// Whether the requester still waits: its deadline has not passed, it has not left, and our
  /// session is still the one the request came in. When false, an answer goes nowhere.
  bool wanted() const;

 private:
  friend class Client;
  friend class Session;
  struct State;
  explicit Responder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

using OnDelivery = std::function<void(const Delivery&)>;
using OnGap = std::function<void(const GapNotice&)>;
using OnRequest = std::function<void(std::string_view payload, Responder responder)>;
using OnReply = std::function<void(Result<std::string>)>;
using OnDone = std::function<void(Result<void>)>;
using OnSession = std::function<void(const SessionEvent&)>;
using OnPresence = std::function<void(const std::vector<std::string>& subscriber_names)>;

class Client {
 public:
  static Result<std::unique_ptr<Client>> make(ClientOptions options);
  /// Closes without waiting for credit; calls no callback. Not from inside a callback.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Called at every change of the session, in `pump`.
  void on_session(OnSession callback);
  bool connected() const;
  const std::string& own_name() const;

  /// An epoll descriptor: readable when pump() should be called.
  int fd() const;
  /// Does everything that can be done now, without blocking: reads, runs callbacks, sends. Call it
  /// after calls that queue something too, or let fd() wake you.
  void pump();

  /// Queues one item. With `accepted`, the broker's ACK (or DENIED, or session_lost = unknown) is
  /// reported. Without it a denial is reported to on_denied. Errors: topic_invalid,
  /// payload_too_large, queue_full, not_connected (nothing is queued while not connected).
  Result<void> publish(std::string_view topic, std::string_view payload, OnDone accepted = {});
  /// Bytes that may be published now without waiting for credit; 0 when a publisher should pause.
  std::size_t publish_room() const;
  /// Called (in pump) when publish_room() rises again after it was 0.
  void on_room(std::function<void()> callback);
  /// Refusals of publishes that asked for no ack.
  void on_denied(
      std::function<void(std::string_view topic, std::uint64_t count, const Error&)> callback);

  /// `confirmed` reports SUBSCRIBED or the denial, once, for the first confirmation. After a denial
  /// the subscription is gone; one that is denied only when it is made again, after a reconnect, is
  /// kept for the next session and told in a SessionEvent with the error. Several subscriptions get
  /// the same item each, also with the same pattern; `unsubscribe` ends all with the pattern.
  Result<void> subscribe(std::string_view pattern, OnDelivery deliver, OnDone confirmed = {},
                         OnGap gap = {});
  void unsubscribe(std::string_view pattern);
  /// The first served pattern that matches gets the request. The same pattern twice:
  /// already_served.
  Result<void> serve(std::string_view pattern, OnRequest handle, OnDone confirmed = {});
  /// Who is confirmed to receive what we publish on `topic`, now and at every change.
  Result<void> watch(std::string_view topic, OnPresence changed);

  /// Exactly one answer: the reply, the responder's error, or a bus error. `deadline` up to 10 min.
  /// It may overtake publishes that wait for credit: the last quarter of it is kept for requests
  /// and replies.
  Result<void> request(std::string_view name, std::string_view payload, Duration deadline,
                       OnReply answer);

  // For programs without a loop. They pump until done or the time is up (code timeout, or the
  // reason why there is no session). Inside a callback they answer inside_callback.
  Result<void> wait_connected(Duration limit);
  Result<void> publish_and_wait(std::string_view topic, std::string_view payload, Duration limit);
  Result<void> subscribe_and_wait(std::string_view pattern, OnDelivery deliver, Duration limit,
                                  OnGap gap = {});
  Result<std::string> request_and_wait(std::string_view name, std::string_view payload,
                                       Duration deadline);
  /// Pumps until `done` answers true or the limit passes; answers whether it was done.
  bool pump_until(const std::function<bool()>& done, Duration limit);

  /// Sends what is queued (at most `limit`), says GOODBYE and closes; what waits for an answer gets
  /// session_lost. Inside a callback it cannot wait for credit and sends what may go at once.
  void close(Duration limit);

  struct Counters {
    std::uint64_t published = 0, delivered = 0, denied = 0, requests = 0, replies = 0,
                  reconnects = 0, gaps = 0, gap_items = 0, frames_out = 0, frames_in = 0,
                  bytes_out = 0, bytes_in = 0, unknown_acks = 0;
    std::uint64_t dropped_unsent = 0;  ///< Items still queued when a session ended.
  };
  const Counters& counters() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guild::bus
