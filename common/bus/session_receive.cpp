// The records that a broker sends, one function each.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/bytes.hpp"
#include "common/bus/error_json.hpp"
#include "common/bus/session.hpp"
#include "common/bus/topic.hpp"

namespace guild::bus {
namespace {

std::string_view verb_of(Kind kind) {
  if (kind == Kind::serve) return "serve";
  if (kind == Kind::watch) return "watch";
  return "subscribe to";
}

}  // namespace

Session::Handler Session::handler_of(Kind kind) {
  static constexpr std::array<Handler, 14> handlers{
      &Session::on_welcome, &Session::on_refused,  &Session::on_done,   &Session::on_denied_record,
      &Session::on_deliver, &Session::on_ack,      &Session::on_gap,    &Session::on_credit,
      &Session::on_request, &Session::on_reply,    &Session::on_failed, &Session::on_presence,
      &Session::on_pong,    &Session::on_cancelled};
  const auto first = static_cast<std::size_t>(Kind::welcome);
  const auto index = static_cast<std::size_t>(kind);
  if (index < first || index - first >= handlers.size()) return nullptr;
  return handlers[index - first];
}

Error malformed_frame() {
  return {ErrorKind::failed, "malformed_frame", "the broker sent a frame that cannot be read",
          "run broker and clients of the same release"};
}

Result<void> Session::receive(std::string_view frame, Monotonic now) {
  const std::uint64_t life = life_;
  FrameReader reader(frame);
  while (const auto record = reader.next()) {
    const Handler handler = handler_of(record->kind);
    const bool opens = record->kind == Kind::welcome || record->kind == Kind::refused;
    if (handler == nullptr || (expects_welcome_ && !opens)) return fail(malformed_frame());
    if (!(this->*handler)(*record, now)) return fail(malformed_frame());
    if (life_ != life) return {};  // A callback closed the session.
    if (refusal_) return fail(*std::exchange(refusal_, {}));
  }
  if (!reader.ok()) return fail(malformed_frame());
  return_credit(now);
  announce_room();
  return {};
}

bool Session::on_welcome(const Record& record, Monotonic) {
  const auto welcome = read_welcome(record.body);
  if (!expects_welcome_ || !welcome) return false;
  if (welcome->version != protocol_version) {
    refusal_ = to_error(Code::version_unsupported,
                        fmt::format("the broker speaks version {} of the protocol, this client {}",
                                    welcome->version, protocol_version));
    return true;
  }
  expects_welcome_ = false;
  state_ = SessionState::connected;
  own_name_ = record.name;
  instance_ = to_hex(welcome->instance);
  last_error_.reset();
  // A frame must hold one payload with its topic; a broker of ours always allows that.
  constexpr std::size_t headers = 512;
  const std::size_t frame_room = welcome->frame_max > headers ? welcome->frame_max - headers : 0;
  payload_max_ = std::min({payload_bytes_max, std::size_t{welcome->payload_max}, frame_room});
  outbox_.open_window(welcome->credit_bytes, welcome->credit_messages);

  remake_standings();
  SessionEvent event;
  event.state = SessionState::connected;
  if (std::exchange(ever_connected_, true)) {
    ++counters_.reconnects;
    event.resubscribed = remaking_.empty();
  } else {
    remaking_.clear();  // The first time is not a return.
  }
  announce(std::move(event));
  return true;
}

bool Session::on_refused(const Record& record, Monotonic) {
  const auto refused = read_refused(record.body);
  if (!refused) return false;
  refusal_ = to_error(refused->code, refused->reason).while_doing("the broker ended the session");
  return true;
}

// ---- Standing things ---------------------------------------------------------------------------

bool Session::on_done(const Record& record, Monotonic) {
  const auto asked = asked_.extract(record.number);
  if (asked.empty()) return true;  // UNSUBSCRIBE, or what was withdrawn meanwhile.
  const std::shared_ptr<Standing> standing = asked.mapped();
  const bool first = !std::exchange(standing->ever_confirmed, true);
  const OnDone confirmed = std::exchange(standing->confirmed, {});
  if (first && confirmed && !standing->withdrawn) confirmed({});
  remade(record.number);
  return true;
}

void Session::remade(std::uint64_t correlation) {
  if (remaking_.erase(correlation) == 0 || !remaking_.empty()) return;
  SessionEvent event;
  event.state = SessionState::connected;
  event.error = std::exchange(remake_error_, {});
  event.resubscribed = !event.error;
  announce(std::move(event));
}

bool Session::on_denied_record(const Record& record, Monotonic) {
  const auto denied = read_denied(record.body);
  if (!denied) return false;
  if (denied->count > 0) return deny_items(record, *denied);
  deny_standing(record.number, to_error(denied->code, denied->reason));
  return true;
}

void Session::deny_standing(std::uint64_t correlation, Error error) {
  const auto asked = asked_.extract(correlation);
  if (asked.empty()) {
    // The permission of something confirmed was taken away. It is asked for again in the next
    // session.
    const auto is_it = [&](const auto& standing) { return standing->correlation == correlation; };
    const auto found = std::ranges::find_if(standings_, is_it);
    if (found == standings_.end()) return;
    announce_trouble(std::move(error).while_doing(
        fmt::format("{} {}", verb_of((*found)->kind), (*found)->pattern)));
    return;
  }
  const std::shared_ptr<Standing> standing = asked.mapped();
  error = std::move(error).while_doing(
      fmt::format("{} {}", verb_of(standing->kind), standing->pattern));
  if (standing->ever_confirmed) {
    remake_error_ = std::move(error);
  } else if (!standing->withdrawn) {
    forget(standing);
    if (const OnDone confirmed = std::exchange(standing->confirmed, {}))
      confirmed(fail(std::move(error)));
    else
      announce_trouble(std::move(error));
  }
  remade(correlation);
}

bool Session::on_presence(const Record& record, Monotonic) {
  std::vector<std::string> names;
  for (std::string_view rest = record.body; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  const std::string topic(record.topic);
  const Targets standings = standings_;  // Callbacks may change them.
  for (const auto& standing : standings) {
    if (standing->kind == Kind::watch && standing->pattern == topic && !standing->withdrawn)
      standing->changed(names);
  }
  return true;
}

// ---- What others published ---------------------------------------------------------------------

std::shared_ptr<const Session::Targets> Session::targets_of(std::string_view topic) {
  constexpr std::size_t topics_kept_max = 4096;
  if (const auto known = targets_by_topic_.find(topic); known != targets_by_topic_.end())
    return known->second;
  auto targets = std::make_shared<Targets>();
  for (const auto& standing : standings_) {
    if (standing->kind == Kind::subscribe && matches(standing->pattern, topic))
      targets->push_back(standing);
  }
  if (targets_by_topic_.size() >= topics_kept_max) targets_by_topic_.clear();
  targets_by_topic_.emplace(topic, targets);
  return targets;
}

bool Session::on_deliver(const Record& record, Monotonic) {
  const auto deliver = read_deliver(record.body);
  if (!deliver) return false;
  const auto count = count_items(deliver->items);
  if (!count) return false;
  counters_.delivered += *count;

  const std::uint64_t life = life_;
  const std::shared_ptr<const Targets> targets = targets_of(record.topic);
  Delivery delivery{.topic = record.topic,
                    .sender = record.name,
                    .sequence = record.number,
                    .time = Instant{deliver->time_ns},
                    .epoch = deliver->epoch,
                    .payload = {}};
  ItemReader items(deliver->items);
  for (auto item = items.next(); item; item = items.next(), ++delivery.sequence) {
    delivery.payload = *item;
    for (const auto& target : *targets) {
      if (!target->withdrawn) target->deliver(delivery);
      if (life_ != life) return true;
    }
  }
  consumed(record, *count);
  return true;
}

bool Session::on_gap(const Record& record, Monotonic) {
  const auto gap = read_gap(record.body);
  if (!gap) return false;
  ++counters_.gaps;
  counters_.gap_items += gap->count;
  const std::uint64_t life = life_;
  const GapNotice notice{.topic = record.topic,
                         .sender = record.name,
                         .first = record.number,
                         .last = gap->last,
                         .count = gap->count,
                         .reason = to_string(gap->reason)};
  const std::shared_ptr<const Targets> targets = targets_of(record.topic);
  for (const auto& target : *targets) {
    if (target->gap && !target->withdrawn) target->gap(notice);
    if (life_ != life) return true;
  }
  consumed(record, 1);
  return true;
}

// ---- What became of what we published ----------------------------------------------------------

bool Session::on_ack(const Record& record, Monotonic) {
  const auto count = read_u32(record.body);
  if (!count) return false;
  const std::uint64_t life = life_;
  for (std::uint32_t left = *count; left > 0;) {
    if (acks_.empty() || acks_.front().sequence > record.number) return false;
    const PendingAck ack = acks_.pop_front();
    if (ack.resolved) continue;
    --left;
    ack.accepted({});
    if (life_ != life) return true;
  }
  return true;
}

bool Session::deny_items(const Record& record, const Denied& denied) {
  if (denied.count > next_sequence_ || record.number > next_sequence_ - denied.count) return false;
  counters_.denied += denied.count;
  const Error error =
      to_error(denied.code, denied.reason).while_doing(fmt::format("publish to {}", record.topic));

  // The callbacks may publish, which adds at the end, or close, which ends this life.
  const std::uint64_t life = life_;
  const std::uint64_t end = record.number + denied.count;
  std::uint64_t unclaimed = denied.count;
  std::size_t low = 0;
  for (std::size_t high = acks_.size(); low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    if (acks_[middle].sequence < record.number)
      low = middle + 1;
    else
      high = middle;
  }
  for (std::size_t i = low; i < acks_.size() && acks_[i].sequence < end; ++i) {
    if (std::exchange(acks_[i].resolved, true)) continue;
    --unclaimed;
    const OnDone accepted = std::exchange(acks_[i].accepted, {});
    accepted(fail(error));
    if (life_ != life) return true;
  }
  while (!acks_.empty() && acks_.front().resolved) acks_.pop_front();
  if (unclaimed == 0) return true;
  if (const auto callback = on_denied) callback(record.topic, unclaimed, error);
  return true;
}

bool Session::on_credit(const Record& record, Monotonic) {
  const auto messages = read_u32(record.body);
  if (!messages) return false;
  outbox_.grant(record.number, *messages);
  return true;
}

// ---- Requests ----------------------------------------------------------------------------------

bool Session::on_request(const Record& record, Monotonic) {
  const auto request = read_request_delivery(record.body);
  if (!request) return false;
  const std::uint64_t life = life_;
  asked_of_us_.insert(record.number);
  const std::shared_ptr<Standing> server = server_of(record.topic);
  if (server == nullptr) {
    const Error error{ErrorKind::unavailable,
                      "no_responder",
                      fmt::format("{} does not serve {} any more", own_name_, record.topic),
                      {}};
    answer(life, record.number, true, encode_error(error));
  } else {
    auto state = std::make_unique<Responder::State>();
    state->session = weak_from_this();
    state->life = life;
    state->number = record.number;
    state->name = record.topic;
    state->sender = record.name;
    state->epoch = request->epoch;
    server->handle(request->payload, Responder(std::move(state)));
  }
  if (life_ == life) consumed(record, 1);
  return true;
}

std::shared_ptr<Standing> Session::server_of(std::string_view name) const {
  const auto serves = [&](const auto& standing) {
    return standing->kind == Kind::serve && matches(standing->pattern, name);
  };
  const auto found = std::ranges::find_if(standings_, serves);
  return found == standings_.end() ? nullptr : *found;
}

bool Session::on_cancelled(const Record& record, Monotonic) {
  asked_of_us_.erase(record.number);
  return true;
}

bool Session::on_reply(const Record& record, Monotonic) {
  const auto reply = read_reply(record.body);
  if (!reply) return false;
  const std::uint64_t life = life_;
  if (reply->is_error)
    finish_request(record.number, fail(decode_error(reply->payload)));
  else
    finish_request(record.number, std::string(reply->payload));
  if (life_ == life) consumed(record, 1);
  return true;
}

bool Session::on_failed(const Record& record, Monotonic) {
  const auto failed = read_refused(record.body);
  if (!failed) return false;
  finish_request(record.number, fail(to_error(failed->code, failed->reason)));
  return true;
}

bool Session::on_pong(const Record&, Monotonic) { return true; }

}  // namespace guild::bus
