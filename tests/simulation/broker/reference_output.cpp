// Reference: what the broker says.
#include <algorithm>

#include "common/base/bytes.hpp"
#include "common/bus/topic.hpp"
#include "keys/roles.hpp"
#include "tests/simulation/broker/reference.hpp"
#include "tests/simulation/law.hpp"

namespace guild::simulation {

using broker::SessionId;
using bus::Kind;

void Reference::output(SessionId id, std::string_view frame) {
  Peer& peer = find(id);
  demand(!peer.over, "something was sent to {} after the end of its session", peer.name());
  demand(!frame.empty() && frame.size() <= bus::frame_bytes_max, "a frame of {} bytes",
         frame.size());
  bus::FrameReader reader(frame);
  while (const auto record = reader.next()) on_sent(id, peer, *record);
  demand(reader.ok(), "a frame to {} that cannot be read", peer.name());
}

void Reference::on_sent(SessionId id, Peer& peer, const Record& record) {
  switch (record.kind) {
    case Kind::welcome:
      return sent_welcome(peer, record);
    case Kind::refused:
      return sent_refused(id, peer, record);
    case Kind::done:
      demand(!peer.answers.empty() && peer.answers.front().done &&
                 peer.answers.front().number == record.number &&
                 peer.answers.front().pattern == record.topic,
             "{} got DONE for {}, which is not the next answer due", peer.name(), record.topic);
      return peer.answers.pop_front();
    case Kind::denied:
      return sent_denied(peer, record);
    case Kind::deliver:
      return sent_deliver(peer, record);
    case Kind::ack:
      return sent_ack(peer, record);
    case Kind::gap:
      return sent_gap(peer, record);
    case Kind::credit_grant:
      return sent_grant(peer, record);
    case Kind::request_delivery:
      return sent_request(id, peer, record);
    case Kind::reply_delivery:
      spend(peer, record, {}, 1);
      return calls_.sent_reply(id, record);
    case Kind::failed:
      return calls_.sent_failed(id, record);
    case Kind::cancelled:
      return calls_.sent_cancelled(id, record);
    case Kind::presence:
      return sent_presence(peer, record);
    default:
      demand(false, "the broker does not send kind {}", static_cast<unsigned>(record.kind));
  }
}

void Reference::sent_welcome(Peer& peer, const Record& record) {
  const auto welcome = bus::read_welcome(record.body);
  demand(welcome.has_value() && peer.open, "{} got a WELCOME that is not its due", peer.name());
  demand(record.name == peer.name(), "{} was called {}", peer.name(), record.name);
  demand(welcome->epoch <= epoch_ && welcome->instance == options_.instance,
         "{} got another broker's WELCOME", peer.name());
}

void Reference::sent_refused(SessionId id, Peer& peer, const Record& record) {
  const auto refused = bus::read_refused(record.body);
  demand(refused.has_value(), "a REFUSED that cannot be read");
  switch (refused->code) {
    case bus::Code::revoked:
      ++seen_.refused_revoked;
      return demand(!listed(peer.identity) || !still_permitted(peer) ||
                        !all_that_waits_is_permitted(id, peer),
                    "{} was revoked and its line allows all that it holds", peer.name());
    case bus::Code::shutting_down:
      return demand(draining_, "{} was sent away by a broker that stays", peer.name());
    case bus::Code::slow_consumer:
      ++seen_.refused_slow;
      return check_slow(id, peer);
    default:
      demand(false, "{} was refused: {}, {}", peer.name(), bus::to_string(refused->code),
             refused->reason);
  }
}

/// Whoever is told that its queue is full has at least so much waiting.
void Reference::check_slow(SessionId id, const Peer& peer) const {
  constexpr std::size_t entry_bytes_max = 200;
  std::size_t messages = peer.due.size() + calls_.waiting_for(id), bytes = 0;
  for (const Peer::Due& due : peer.due) bytes += due.item->payload.size() + entry_bytes_max;
  const broker::Limits& limits = options_.limits;
  demand(messages > limits.queue_messages_max || bytes > limits.queue_bytes_max ||
             messages > limits.gaps_max,
         "{} was refused as too slow with {} messages waiting", peer.name(), messages);
}

// ---- Answers to a publisher --------------------------------------------------------------------

void Reference::sent_denied(Peer& peer, const Record& record) {
  const auto denied = bus::read_denied(record.body);
  demand(denied.has_value(), "a DENIED that cannot be read");
  ++seen_.denied;
  if (denied->count != 0) return pay_verdicts(peer, record.number, denied->count, false);
  demand(!peer.answers.empty() && !peer.answers.front().done &&
             peer.answers.front().number == record.number &&
             peer.answers.front().pattern == record.topic,
         "{} was denied {}, which is not the next answer due", peer.name(), record.topic);
  peer.answers.pop_front();
}

void Reference::sent_ack(Peer& peer, const Record& record) {
  const auto count = bus::read_u32(record.body);
  demand(count.has_value() && *count > 0 && *count <= record.number, "an ACK of nothing");
  pay_verdicts(peer, record.number - *count + 1, *count, true);
}

void Reference::pay_verdicts(Peer& peer, std::uint64_t first, std::uint64_t count, bool accepted) {
  for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
    demand(!peer.verdicts.empty() && peer.verdicts.front().sequence == sequence &&
               peer.verdicts.front().accepted == accepted,
           "{} was told that {} is {}, which is not the next answer due", peer.name(), sequence,
           accepted ? "accepted" : "denied");
    peer.verdicts.pop_front();
  }
}

void Reference::sent_grant(Peer& peer, const Record& record) {
  const std::int64_t messages = bus::read_u32(record.body).value();
  const auto bytes = static_cast<std::int64_t>(record.number);
  peer.window_messages += messages;
  peer.window_bytes += bytes;
  peer.granted_messages += messages;
  peer.granted_bytes += bytes;
  demand(peer.granted_messages <= peer.spent_messages && peer.granted_bytes <= peer.spent_bytes,
         "{} got back more credit than it spent", peer.name());
}

// ---- What a subscriber gets --------------------------------------------------------------------

/// Credit goes below zero by one record at most.
void Reference::spend(Peer& peer, const Record& record, std::string topic, std::uint64_t messages) {
  const bool is_delivery = record.kind == Kind::deliver || record.kind == Kind::gap;
  demand(peer.credit_messages > (is_delivery ? peer.kept_messages : 0) &&
             peer.credit_bytes > (is_delivery ? peer.kept_bytes : 0),
         "{} was sent more than it can take", peer.name());
  peer.credit_messages -= static_cast<std::int64_t>(messages);
  peer.credit_bytes -= static_cast<std::int64_t>(bus::record_header_bytes + record.topic.size() +
                                                 record.name.size() + record.body.size());
  if (!topic.empty())
    counts_[{peer.name(), topic}].in_flight += static_cast<std::int64_t>(messages);
  peer.in_flight.push_back({std::move(topic), messages});
}

void Reference::sent_request(SessionId id, Peer& peer, const Record& record) {
  demand(listed(peer.identity) && may_serve(peer.name(), record.topic),
         "{} got a request for {} after the list stopped allowing that", peer.name(), record.topic);
  spend(peer, record, {}, 1);
  calls_.sent_request(id, record);
}

void Reference::sent_deliver(Peer& peer, const Record& record) {
  const auto deliver = bus::read_deliver(record.body);
  demand(deliver.has_value(), "a DELIVER that cannot be read");
  demand(listed(peer.identity) && may_subscribe(peer.name(), record.topic),
         "{} got {} after the list stopped allowing that", peer.name(), record.topic);
  std::uint64_t sequence = record.number;
  bus::ItemReader reader(deliver->items);
  while (const auto payload = reader.next()) {
    demand(!peer.due.empty(), "{} got {} of {} on {}, and nothing is due", peer.name(), sequence,
           record.name, record.topic);
    const Item& item = *peer.due.front().item;
    demand(item.payload == *payload && item.sequence == sequence && item.topic == record.topic,
           "{} got {} of {} on {}, and {} of {} on {} is due", peer.name(), sequence, record.name,
           record.topic, item.sequence, item.sender, item.topic);
    demand(item.sender == record.name, "{} is stamped as {}'s and is {}'s", sequence, record.name,
           item.sender);
    demand(item.time_ns == deliver->time_ns && item.epoch == deliver->epoch,
           "{} of {} does not have the stamp of its acceptance", sequence, record.name);
    peer.due.pop_front();
    ++sequence;
    ++seen_.delivered;
  }
  demand(reader.ok(), "a DELIVER whose items cannot be read");
  peer.delivered += sequence - record.number;
  spend(peer, record, std::string(record.topic), sequence - record.number);
}

/// A GAP stands where its first item would: nothing that came before is still to come.
void Reference::sent_gap(Peer& peer, const Record& record) {
  const auto gap = bus::read_gap(record.body);
  demand(gap.has_value(), "a GAP that cannot be read");
  demand(!peer.due.empty(), "{} got a GAP, and nothing is due", peer.name());
  const auto first = peer.due.front().item;
  demand(first->sequence == record.number && first->topic == record.topic &&
             first->sender == record.name,
         "{} got a GAP at {} of {} on {}, and {} of {} on {} is due", peer.name(), record.number,
         record.name, record.topic, first->sequence, first->sender, first->topic);
  std::uint64_t lost = 0, last = 0;
  std::erase_if(peer.due, [&](const Peer::Due& due) {
    const bool is_its = due.item->publisher == first->publisher &&
                        due.item->topic == first->topic && due.item->sequence <= gap->last;
    if (!is_its) return false;
    demand(due.overflow == broker::Overflow::drop_oldest, "{} on {} was dropped and may not be",
           due.item->sequence, due.item->topic);
    ++lost;
    last = due.item->sequence;
    return true;
  });
  demand(lost == gap->count && last == gap->last && gap->reason == bus::Code::dropped_oldest,
         "{} was told of {} lost items up to {}; {} are missing up to {}", peer.name(), gap->count,
         gap->last, lost, last);
  counts_[{peer.name(), std::string(record.topic)}].lost += static_cast<std::int64_t>(lost);
  spend(peer, record, {}, 1);
  ++seen_.gaps;
}

/// In order for each topic; one change may be told of several, in any order.
void Reference::sent_presence(Peer& peer, const Record& record) {
  const auto due = std::ranges::find(peer.presence, record.topic, &Peer::Presence::topic);
  demand(due != peer.presence.end(), "{} was told who hears {} without need", peer.name(),
         record.topic);
  demand(due->correlation == record.number && due->names == record.body,
         "{} was told that '{}' hear {}, and it is '{}'", peer.name(), record.body, record.topic,
         due->names);
  peer.presence.erase(due);
  ++seen_.presence;
}

// ---- Rounds ------------------------------------------------------------------------------------

void Reference::end_of_round(const broker::Core& core) {
  demand(core.epoch() == epoch_, "epoch {} after {} changes", core.epoch(), epoch_ - 1);
  std::map<std::string, const Peer*> by_label;
  for (const auto& [id, peer] : peers_) {
    if (peer.over) continue;
    check_paid(peer);
    if (peer.open) by_label.emplace(peer.identity.label, &peer);
  }
  const auto told = core.clients();
  demand(told.clients.size() == by_label.size(), "{} sessions are open, {} should be",
         told.clients.size(), by_label.size());
  for (const auto& client : told.clients) check_queue(client, *by_label.at(client.session));
  calls_.end_of_round();
  demand(core.late_replies() == calls_.late, "{} late replies are counted, {} came",
         core.late_replies(), calls_.late);
}

void Reference::check_paid(const Peer& peer) const {
  demand(peer.answers.empty() && peer.verdicts.empty() && peer.presence.empty(),
         "{} was not answered", peer.name());
  demand(!peer.open || (listed(peer.identity) && still_permitted(peer)),
         "{} is still here, and the list does not allow what it holds", peer.name());
  demand(peer.due.empty() || peer.credit_messages <= peer.kept_messages ||
             peer.credit_bytes <= peer.kept_bytes,
         "{} has credit, and {} items are not sent", peer.name(), peer.due.size());
}

void Reference::check_queue(const messages::BusClient& told, const Peer& peer) const {
  const broker::Limits& limits = options_.limits;
  const auto messages = static_cast<std::size_t>(told.queued_messages);
  const auto bytes = static_cast<std::size_t>(told.queued_bytes);
  std::map<SessionId, std::size_t> held_back;  // Under `block`, by publisher.
  std::size_t blocking = 0;
  for (const Peer::Due& due : peer.due) {
    if (due.overflow != broker::Overflow::block) continue;
    ++held_back[due.item->publisher];
    ++blocking;
  }
  demand(messages <= peer.due.size(), "{} messages are said to wait for {}, {} do", messages,
         peer.name(), peer.due.size());
  // Past its limit by one record, or by what must not be dropped.
  std::int64_t largest = 0;
  for (const auto& [id, each] : peers_) largest = std::max(largest, each.largest_frame_messages);
  const std::size_t past = blocking == 0 ? 0 : limits.windows_past_block * limits.window_messages;
  demand(messages <= limits.queue_messages_max + past + static_cast<std::size_t>(largest),
         "{} messages wait for {}", messages, peer.name());
  if (blocking == 0)
    demand(bytes <= limits.queue_bytes_max, "{} bytes wait for {}", bytes, peer.name());
  for (const auto& [publisher, count] : held_back) {
    const Peer& held = peers_.at(publisher);
    const auto most = static_cast<std::int64_t>(limits.block_messages + limits.window_messages) +
                      held.largest_frame_messages;
    demand(static_cast<std::int64_t>(count) <= most, "{} of {} wait for {}: it is not held back",
           count, held.name(), peer.name());
  }
}

void Reference::compare(const broker::Core& core, bool settled) const {
  const bool folded = options_.limits.rows_max < 1'000;
  std::map<std::pair<std::string, std::string>, Counts> told, expected;
  for (const auto& row : core.stats().rows) {
    std::int64_t dropped = 0;
    for (const auto& [reason, count] : row.dropped) dropped += count;
    demand(row.routed == row.delivered + row.queued + row.in_flight + dropped,
           "{} on {}: routed {} is not delivered {}, queued {}, in flight {} and dropped {}",
           row.client, row.topic, row.routed, row.delivered, row.queued, row.in_flight, dropped);
    demand(!settled || row.queued + row.in_flight == 0, "{} on {}: {} wait, {} are in flight",
           row.client, row.topic, row.queued, row.in_flight);
    Counts& counts = told[{row.client, folded ? "" : row.topic}];
    counts.published += row.published;
    counts.routed += row.routed;
    counts.delivered += row.delivered;
    counts.in_flight += row.in_flight;
    counts.lost += dropped + row.queued;
  }
  for (const auto& [key, each] : counts_) {
    Counts& counts = expected[{key.first, folded ? "" : key.second}];
    counts.published += each.published;
    counts.routed += each.routed;
    counts.delivered += each.delivered;
    counts.in_flight += each.in_flight;
    // Lost or waiting: the core may have dropped what its GAP has not told yet.
    counts.lost += settled ? each.lost : each.routed - each.delivered - each.in_flight;
  }
  for (const auto& [key, counts] : expected) {
    const Counts& has = told[key];
    demand(has.published == counts.published && has.routed == counts.routed &&
               has.delivered == counts.delivered && has.in_flight == counts.in_flight &&
               has.lost == counts.lost,
           "{} on '{}': published {} of {}, routed {} of {}, delivered {} of {}, in flight {} of "
           "{}, queued or lost {} of {}",
           key.first, key.second, has.published, counts.published, has.routed, counts.routed,
           has.delivered, counts.delivered, has.in_flight, counts.in_flight, has.lost, counts.lost);
  }
}

Reference::Seen Reference::seen() const {
  Seen seen = seen_;
  seen.replies = calls_.replies;
  seen.failed = calls_.failed;
  seen.cancelled = calls_.cancelled;
  seen.late = calls_.late;
  return seen;
}

Reference::Seen& Reference::Seen::operator+=(const Seen& other) {
  delivered += other.delivered;
  gaps += other.gaps;
  refused_revoked += other.refused_revoked;
  refused_slow += other.refused_slow;
  denied += other.denied;
  replies += other.replies;
  failed += other.failed;
  cancelled += other.cancelled;
  late += other.late;
  presence += other.presence;
  return *this;
}

}  // namespace guild::simulation
