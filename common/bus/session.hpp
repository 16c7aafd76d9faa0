// Session: the client's half of the protocol (docs/protocol.md) as a state machine without I/O,
// clock or threads. Frames and times go in, frames come out of `outbox`, callbacks are called on
// the way. It outlives connections: what was subscribed, served and watched is made again after
// each WELCOME. Owned by Client; a Responder holds it weakly. Callbacks may call every function of
// it. Limits: `outgoing_bytes_max` of queued data, `standing_max` subscriptions, served names and
// watches, `requests_max` open requests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/bus/attempts.hpp"
#include "common/bus/client.hpp"
#include "common/bus/frame.hpp"
#include "common/bus/outbox.hpp"
#include "common/bus/ring.hpp"

namespace guild::bus {

/// Something a client keeps up for as long as it lives: a subscription, a served name or a watch.
struct Standing {
  Kind kind{};  // subscribe, serve or watch
  std::string pattern;
  OnDelivery deliver;
  OnGap gap;
  OnRequest handle;
  OnPresence changed;
  OnDone confirmed;

  std::uint64_t correlation = 0;  // Of the record that asked for it in this session.
  bool ever_confirmed = false;
  bool withdrawn = false;
};

/// What ends a session whose broker sent something unreadable.
Error malformed_frame();

class Session : public std::enable_shared_from_this<Session> {
 public:
  static constexpr std::size_t standing_max = 16'384;
  static constexpr std::size_t requests_max = 1U << 20U;
  /// The broker keeps deadlines; this much later the client stops waiting for the broker itself.
  static constexpr std::chrono::milliseconds broker_grace{500};
  /// How long consumed credit may wait for more, when less than a quarter of the window.
  static constexpr std::chrono::milliseconds credit_idle{10};

  struct Options {
    std::string expected_name;
    std::uint32_t receive_credit_messages = 0;
    std::uint64_t receive_credit_bytes = 0;
    std::size_t outgoing_bytes_max = 0;
    /// Called whenever something was put into the outbox.
    std::function<void()> on_output;
  };
  explicit Session(Options options);

  // ---- Called by whoever moves the frames.
  /// A fresh connection: HELLO is the first record in the outbox.
  void connection_opened();
  /// Applies a frame. An error ends the connection: the broker's REFUSED, or malformed_frame.
  Result<void> receive(std::string_view frame, Monotonic now);
  /// Everything that waited for an answer gets session_lost.
  void connection_lost(const Attempts::Outcome& outcome);
  void close();
  /// The owner is being destroyed: whoever waits for an answer gets none.
  void silence();
  /// Time passed: request deadlines, idle credit.
  void advance(Monotonic now);
  std::optional<Monotonic> deadline();
  Outbox& outbox() { return outbox_; }
  void say_goodbye();
  Client::Counters& counters() { return counters_; }

  // ---- Called through Client; see there.
  bool connected() const { return state_ == SessionState::connected; }
  bool closed() const { return state_ == SessionState::closed; }
  /// Why the last attempt or session ended, until the next WELCOME.
  const std::optional<Error>& last_error() const { return last_error_; }
  const std::string& own_name() const { return own_name_; }
  OnSession on_session;
  std::function<void()> on_room;
  std::function<void(std::string_view topic, std::uint64_t count, const Error&)> on_denied;

  Result<void> publish(std::string_view topic, std::string_view payload, OnDone accepted);
  std::size_t publish_room();
  /// Subscribe, serve or watch: `standing` without its state.
  Result<std::shared_ptr<Standing>> stand(Standing standing);
  void withdraw(const std::shared_ptr<Standing>& standing);
  void unsubscribe(std::string_view pattern);
  Result<void> request(std::string_view name, std::string_view payload, Duration deadline,
                       OnReply answer, Monotonic now);

  // ---- Called by Responder. `life` is the session's life in which the request came.
  void answer(std::uint64_t life, std::uint64_t number, bool is_error, std::string_view payload);
  bool is_wanted(std::uint64_t life, std::uint64_t number) const;

 private:
  struct PendingAck {
    std::uint64_t sequence = 0;
    OnDone accepted;
    bool resolved = false;
  };
  struct PendingRequest {
    std::string name;
    OnReply answer;
    Monotonic deadline;
  };
  struct RequestDeadline {
    Monotonic at;
    std::uint64_t correlation;
    bool operator>(const RequestDeadline& other) const { return at > other.at; }
  };
  struct Window {
    std::uint64_t bytes = 0, messages = 0;
  };
  using Targets = std::vector<std::shared_ptr<Standing>>;
  struct TopicHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view topic) const {
      return std::hash<std::string_view>{}(topic);
    }
  };

  // Records, one function each. `false` means malformed. By a table in session_receive.cpp.
  using Handler = bool (Session::*)(const Record&, Monotonic);
  static Handler handler_of(Kind kind);
  bool on_welcome(const Record& record, Monotonic now);
  bool on_refused(const Record& record, Monotonic now);
  bool on_done(const Record& record, Monotonic now);
  bool on_denied_record(const Record& record, Monotonic now);
  bool on_deliver(const Record& record, Monotonic now);
  bool on_ack(const Record& record, Monotonic now);
  bool on_gap(const Record& record, Monotonic now);
  bool on_credit(const Record& record, Monotonic now);
  bool on_request(const Record& record, Monotonic now);
  bool on_reply(const Record& record, Monotonic now);
  bool on_failed(const Record& record, Monotonic now);
  bool on_presence(const Record& record, Monotonic now);
  bool on_pong(const Record& record, Monotonic now);
  bool on_cancelled(const Record& record, Monotonic now);

  bool deny_items(const Record& record, const Denied& denied);
  void deny_standing(std::uint64_t correlation, Error error);
  void ask(const std::shared_ptr<Standing>& standing);
  void remake_standings();
  void remade(std::uint64_t correlation);
  void forget(const std::shared_ptr<Standing>& standing);
  std::shared_ptr<Standing> server_of(std::string_view name) const;
  std::shared_ptr<const Targets> targets_of(std::string_view topic);
  void finish_request(std::uint64_t correlation, Result<std::string> result);
  void drop_answered_deadlines();

  void consumed(const Record& record, std::uint64_t messages);
  void return_credit(Monotonic now);
  void send_credit();
  void announce_room();
  void announce(SessionEvent event);
  void announce_trouble(Error error);
  /// Ends this life: answers what waits, and counts what stays unknown.
  void end_life(SessionEvent event);
  void queued() { options_.on_output(); }

  Options options_;
  Outbox outbox_;
  Client::Counters counters_;

  SessionState state_ = SessionState::connecting;
  bool expects_welcome_ = false;
  bool ever_connected_ = false;
  std::uint64_t life_ = 0;  // Counts connections; what a callback may have ended shows here.
  std::string own_name_;
  std::string instance_;
  std::optional<Error> last_error_;
  std::optional<Error> refusal_;
  std::string announced_code_;

  // Publishing.
  std::uint64_t next_sequence_ = 1;
  std::size_t payload_max_ = payload_bytes_max;
  std::string checked_topic_;
  Ring<PendingAck> acks_;
  bool room_used_up_ = true;

  // Standing things, in the order they were made.
  std::uint64_t next_correlation_ = 1;
  std::vector<std::shared_ptr<Standing>> standings_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Standing>> asked_;
  std::unordered_set<std::uint64_t> remaking_;
  std::optional<Error> remake_error_;
  std::unordered_map<std::string, std::shared_ptr<const Targets>, TopicHash, std::equal_to<>>
      targets_by_topic_;

  // Requests: ours, and those to us.
  std::unordered_map<std::uint64_t, PendingRequest> requests_;
  std::vector<RequestDeadline> deadlines_;  // A heap, the soonest first; may hold answered ones.
  std::unordered_set<std::uint64_t> asked_of_us_;

  // What the application has consumed and the broker does not know yet.
  Window consumed_;
  std::optional<Monotonic> credit_due_;
};

/// A Responder's way back. Harmless when the session or its life has ended.
struct Responder::State {
  std::weak_ptr<Session> session;
  std::uint64_t life = 0;
  std::uint64_t number = 0;
  std::string name, sender;
  std::uint32_t epoch = 0;
};

}  // namespace guild::bus
