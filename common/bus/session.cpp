#include "common/bus/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "common/base/assert.hpp"
#include "common/bus/error_json.hpp"
#include "common/bus/topic.hpp"

namespace guild::bus {
namespace {

/// What a record adds to its topic and payload, at most.
constexpr std::size_t record_overhead = 32;

Error session_lost() {
  return {
      ErrorKind::unavailable, "session_lost",
      "the session with the broker ended before the answer came; whether it was done is unknown",
      "ask again, with the same id where the request has one"};
}

std::unexpected<Error> not_connected(const std::optional<Error>& cause) {
  if (cause)
    return fail(ErrorKind::unavailable, "not_connected",
                "not connected to the broker: " + cause->message, cause->next_step);
  return fail(ErrorKind::unavailable, "not_connected", "not connected to the broker yet",
              "wait for the session event");
}

std::unexpected<Error> payload_too_large(std::size_t size, std::size_t size_max) {
  return fail(ErrorKind::invalid, "payload_too_large",
              fmt::format("the payload has {} bytes, at most {} are carried", size, size_max),
              "split it, or send where it can be fetched");
}

std::unexpected<Error> queue_full(std::size_t bytes_max) {
  return fail(ErrorKind::exhausted, "queue_full",
              fmt::format("{} bytes wait to be sent already", bytes_max),
              "publish slower: pause while publish_room() is 0");
}

}  // namespace

Session::Session(Options options)
    : options_(std::move(options)), outbox_(options_.outgoing_bytes_max) {
  own_name_ = options_.expected_name;
}

// ---- The session's life ------------------------------------------------------------------------

void Session::connection_opened() {
  GUILD_ASSERT(!connected() && !closed());
  ++life_;
  outbox_.reset();
  expects_welcome_ = true;
  outbox_.hello({.version = protocol_version,
                 .flags = 0,
                 .credit_messages = options_.receive_credit_messages,
                 .credit_bytes = options_.receive_credit_bytes});
  queued();
}

void Session::connection_lost(const Attempts::Outcome& outcome) {
  if (outcome.error) last_error_ = outcome.error;
  SessionEvent event;
  event.state = outcome.refused ? SessionState::refused : SessionState::connecting;
  event.error = outcome.error;
  end_life(std::move(event));
}

void Session::close() {
  if (closed()) return;
  SessionEvent event;
  event.state = SessionState::closed;
  end_life(std::move(event));
}

void Session::silence() {
  on_session = {};
  on_room = {};
  on_denied = {};
  acks_ = {};
  requests_.clear();
}

void Session::say_goodbye() {
  if (connected()) outbox_.control(Kind::goodbye, 0);
}

void Session::end_life(SessionEvent event) {
  ++life_;
  state_ = event.state;
  expects_welcome_ = false;
  refusal_.reset();
  counters_.dropped_unsent += outbox_.reset();
  room_used_up_ = true;
  next_sequence_ = 1;
  asked_.clear();
  remaking_.clear();
  remake_error_.reset();
  deadlines_.clear();
  asked_of_us_.clear();
  consumed_ = {};
  credit_due_.reset();

  auto acks = std::exchange(acks_, {});
  auto requests = std::exchange(requests_, {});
  for (std::size_t i = 0; i < acks.size(); ++i) event.unknown_acks += acks[i].resolved ? 0U : 1U;
  counters_.unknown_acks += event.unknown_acks;
  announce(std::move(event));
  while (!acks.empty()) {
    const PendingAck ack = acks.pop_front();
    if (!ack.resolved) ack.accepted(fail(session_lost()));
  }
  for (auto& [correlation, pending] : requests)
    pending.answer(fail(session_lost().while_doing("request " + pending.name)));
}

void Session::announce(SessionEvent event) {
  if (event.state == SessionState::connecting && !event.error) return;  // Not certain yet.
  const std::string code = event.error ? event.error->code : "";
  const bool again = event.state != SessionState::connected && event.unknown_acks == 0 &&
                     event.state != SessionState::closed && code == announced_code_;
  if (again) return;  // The tenth failed attempt says nothing that the first did not.
  announced_code_ = code;
  if (event.state == SessionState::connected) {
    event.own_name = own_name_;
    event.broker_instance = instance_;
  }
  if (const OnSession callback = on_session) callback(event);
}

void Session::announce_trouble(Error error) {
  SessionEvent event;
  event.state = state_;
  event.error = std::move(error);
  announce(std::move(event));
}

// ---- Time --------------------------------------------------------------------------------------

std::optional<Monotonic> Session::deadline() {
  drop_answered_deadlines();
  std::optional<Monotonic> soonest = credit_due_;
  if (!deadlines_.empty() && (!soonest || deadlines_.front().at < *soonest))
    soonest = deadlines_.front().at;
  return soonest;
}

void Session::drop_answered_deadlines() {
  while (!deadlines_.empty() && !requests_.contains(deadlines_.front().correlation)) {
    std::ranges::pop_heap(deadlines_, std::greater<>{});
    deadlines_.pop_back();
  }
}

void Session::advance(Monotonic now) {
  if (credit_due_ && now >= *credit_due_) send_credit();
  for (drop_answered_deadlines(); !deadlines_.empty() && deadlines_.front().at <= now;
       drop_answered_deadlines()) {
    const std::uint64_t correlation = deadlines_.front().correlation;
    outbox_.cancel(correlation);
    queued();
    finish_request(correlation, fail(to_error(Code::timeout,
                                              "no answer came within the deadline, "
                                              "and none from the broker either")));
  }
}

// ---- Publishing --------------------------------------------------------------------------------

Result<void> Session::publish(std::string_view topic, std::string_view payload, OnDone accepted) {
  if (!connected()) return not_connected(last_error_);
  if (topic != checked_topic_) {
    GUILD_CHECK(check_topic(topic));
    checked_topic_ = topic;
  }
  if (payload.size() > payload_max_) return payload_too_large(payload.size(), payload_max_);
  if (!outbox_.fits(record_overhead + topic.size() + payload.size())) {
    room_used_up_ = true;
    return queue_full(options_.outgoing_bytes_max);
  }
  const std::uint64_t sequence = next_sequence_++;
  const bool ack_wanted = static_cast<bool>(accepted);
  outbox_.publish(sequence, topic, ack_wanted, payload);
  if (ack_wanted) acks_.push_back({.sequence = sequence, .accepted = std::move(accepted)});
  ++counters_.published;
  publish_room();  // Notes when it is used up.
  queued();
  return {};
}

std::size_t Session::publish_room() {
  const std::size_t room = outbox_.room();  // None without a session: there is no credit.
  if (room == 0) room_used_up_ = true;
  return room;
}

void Session::announce_room() {
  if (!room_used_up_ || !connected() || outbox_.room() == 0) return;
  room_used_up_ = false;
  if (const std::function<void()> callback = on_room) callback();
}

// ---- Standing things ---------------------------------------------------------------------------

Result<std::shared_ptr<Standing>> Session::stand(Standing wanted) {
  if (closed()) return not_connected(std::nullopt);
  GUILD_CHECK(wanted.kind == Kind::watch ? check_topic(wanted.pattern)
                                         : check_pattern(wanted.pattern));
  if (standings_.size() >= standing_max)
    return fail(ErrorKind::exhausted, "too_many",
                fmt::format("this client holds {} subscriptions, served names and watches already",
                            standing_max));
  const auto same = [&](const auto& other) {
    return other->kind == Kind::serve && other->pattern == wanted.pattern;
  };
  if (wanted.kind == Kind::serve && std::ranges::any_of(standings_, same))
    return fail(ErrorKind::conflict, "already_served",
                fmt::format("this client serves {} already", wanted.pattern));

  auto standing = std::make_shared<Standing>(std::move(wanted));
  standings_.push_back(standing);
  targets_by_topic_.clear();
  if (connected()) {
    ask(standing);
    queued();
  }
  return standing;
}

void Session::ask(const std::shared_ptr<Standing>& standing) {
  standing->correlation = next_correlation_++;
  asked_.emplace(standing->correlation, standing);
  outbox_.control(standing->kind, standing->correlation, standing->pattern);
}

void Session::remake_standings() {
  for (const auto& standing : standings_) {
    ask(standing);
    remaking_.insert(standing->correlation);
  }
  if (!standings_.empty()) queued();
}

void Session::forget(const std::shared_ptr<Standing>& standing) {
  standing->withdrawn = true;
  std::erase(standings_, standing);
  targets_by_topic_.clear();
}

void Session::withdraw(const std::shared_ptr<Standing>& standing) {
  forget(standing);
  const auto same = [&](const auto& other) {
    return other->kind == standing->kind && other->pattern == standing->pattern;
  };
  if (!connected() || std::ranges::any_of(standings_, same)) return;
  const Kind undo = standing->kind == Kind::serve ? Kind::unserve : Kind::unsubscribe;
  outbox_.control(undo, next_correlation_++, standing->pattern);
  queued();
}

void Session::unsubscribe(std::string_view pattern) {
  const std::string kept(pattern);  // The caller's view may live in what is forgotten here.
  const auto is_it = [&](const auto& standing) {
    return standing->kind == Kind::subscribe && standing->pattern == kept;
  };
  for (auto found = std::ranges::find_if(standings_, is_it); found != standings_.end();
       found = std::ranges::find_if(standings_, is_it)) {
    withdraw(std::shared_ptr<Standing>(*found));
  }
}

// ---- Requests ----------------------------------------------------------------------------------

Result<void> Session::request(std::string_view name, std::string_view payload, Duration deadline,
                              OnReply answer, Monotonic now) {
  GUILD_ASSERT(answer);
  if (!connected()) return not_connected(last_error_);
  GUILD_CHECK(check_topic(name));
  if (payload.size() > payload_max_) return payload_too_large(payload.size(), payload_max_);
  const auto deadline_ms = std::chrono::ceil<std::chrono::milliseconds>(deadline).count();
  if (deadline_ms < 1 || deadline_ms > deadline_ms_max)
    return fail(to_error(Code::deadline_invalid, {}));
  if (requests_.size() >= requests_max ||
      !outbox_.fits(record_overhead + name.size() + payload.size()))
    return queue_full(options_.outgoing_bytes_max);

  const std::uint64_t correlation = next_correlation_++;
  const Monotonic give_up_at = now + std::chrono::milliseconds(deadline_ms) + broker_grace;
  outbox_.request(correlation, name, static_cast<std::uint32_t>(deadline_ms), payload);
  requests_.emplace(correlation, PendingRequest{std::string(name), std::move(answer), give_up_at});
  constexpr std::size_t answered_kept = 64;
  if (deadlines_.size() > 2 * requests_.size() + answered_kept) {
    std::erase_if(deadlines_,
                  [&](const auto& old) { return !requests_.contains(old.correlation); });
    std::ranges::make_heap(deadlines_, std::greater<>{});
  }
  deadlines_.push_back({give_up_at, correlation});
  std::ranges::push_heap(deadlines_, std::greater<>{});
  ++counters_.requests;
  publish_room();  // Notes when it is used up.
  queued();
  return {};
}

void Session::finish_request(std::uint64_t correlation, Result<std::string> result) {
  auto finished = requests_.extract(correlation);
  if (finished.empty()) return;  // It was answered already: our own clock was first.
  PendingRequest& pending = finished.mapped();
  if (!result) result = fail(std::move(result).error().while_doing("request " + pending.name));
  pending.answer(std::move(result));
}

void Session::answer(std::uint64_t life, std::uint64_t number, bool is_error,
                     std::string_view payload) {
  if (life != life_ || asked_of_us_.erase(number) == 0) return;
  std::string refusal;
  if (payload.size() > payload_max_)
    refusal = encode_error(payload_too_large(payload.size(), payload_max_).error());
  else if (!outbox_.fits(record_overhead + payload.size()))
    refusal = encode_error(queue_full(options_.outgoing_bytes_max).error());
  if (refusal.empty())
    outbox_.reply(number, is_error, payload);
  else
    outbox_.reply(number, true, refusal);
  ++counters_.replies;
  publish_room();  // Notes when it is used up.
  queued();
}

bool Session::is_wanted(std::uint64_t life, std::uint64_t number) const {
  return life == life_ && asked_of_us_.contains(number);
}

// ---- Credit that we give -----------------------------------------------------------------------

void Session::consumed(const Record& record, std::uint64_t messages) {
  consumed_.bytes +=
      record_header_bytes + record.topic.size() + record.name.size() + record.body.size();
  consumed_.messages += messages;
}

void Session::return_credit(Monotonic now) {
  if (consumed_.messages == 0) return;
  // The broker has no more than this in flight, whatever we offered.
  constexpr std::uint64_t in_flight_bytes_max = 64U << 20U;
  constexpr std::uint32_t in_flight_messages_max = 4'194'304;
  const bool quarter_used =
      consumed_.bytes >= std::min(options_.receive_credit_bytes, in_flight_bytes_max) / 4 ||
      consumed_.messages >= std::min(options_.receive_credit_messages, in_flight_messages_max) / 4;
  if (quarter_used)
    send_credit();
  else if (!credit_due_)
    credit_due_ = now + credit_idle;
}

void Session::send_credit() {
  credit_due_.reset();
  if (consumed_.messages == 0) return;
  outbox_.credit(consumed_.bytes, static_cast<std::uint32_t>(consumed_.messages));
  consumed_ = {};
  queued();
}

}  // namespace guild::bus
