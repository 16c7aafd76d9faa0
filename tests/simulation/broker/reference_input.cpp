// Reference: what the broker is told.
#include <algorithm>

#include "common/bus/topic.hpp"
#include "keys/roles.hpp"
#include "tests/simulation/broker/reference.hpp"
#include "tests/simulation/law.hpp"

namespace guild::simulation {

using broker::SessionId;
using bus::Kind;

namespace {

std::int64_t size_of(const bus::Record& record) {
  return static_cast<std::int64_t>(bus::record_header_bytes + record.topic.size() +
                                   record.name.size() + record.body.size());
}

bool takes_credit(Kind kind) {
  return kind == Kind::publish || kind == Kind::request || kind == Kind::reply;
}

std::int64_t messages_of(const bus::Record& record) {
  if (record.kind != Kind::publish) return 1;
  return bus::count_items(bus::read_publish(record.body).value().items).value();
}

}  // namespace

Reference::Reference(const broker::CoreOptions& options, std::vector<keys::AuthorizedClient> list)
    : options_(options), list_(std::move(list)) {}

// ---- The list ----------------------------------------------------------------------------------

const keys::AuthorizedClient* Reference::line_of(const std::string& name) const {
  const auto found = std::ranges::find(list_, name, &keys::AuthorizedClient::name);
  return found == list_.end() ? nullptr : &*found;
}

bool Reference::listed(const broker::Identity& identity) const {
  const auto* line = line_of(identity.name);
  return line != nullptr && line->public_key == identity.key;
}

bool Reference::may_publish(const std::string& name, std::string_view topic) const {
  const auto* line = line_of(name);
  if (line == nullptr || !keys::may_speak(line->publish, topic)) return false;
  return !topic.starts_with("logs/") || topic.starts_with("logs/" + name + "/");
}

bool Reference::may_subscribe(const std::string& name, std::string_view pattern) const {
  const auto* line = line_of(name);
  return line != nullptr && keys::may_hear(line->subscribe, pattern);
}

bool Reference::may_serve(const std::string& name, std::string_view pattern) const {
  const auto* line = line_of(name);
  return line != nullptr && keys::may_speak(line->serve, pattern);
}

bool Reference::may_watch(const std::string& name, std::string_view topic) const {
  return may_publish(name, topic) || may_subscribe(name, topic);
}

bool Reference::still_permitted(const Peer& peer) const {
  const std::string& name = peer.name();
  return std::ranges::all_of(peer.subscriptions,
                             [&](const auto& held) { return may_subscribe(name, held); }) &&
         std::ranges::all_of(peer.served,
                             [&](const auto& held) { return may_serve(name, held); }) &&
         std::ranges::all_of(peer.watched,
                             [&](const auto& held) { return may_watch(name, held.first); });
}

/// What it has unsubscribed from or serves no more may still wait for its credit.
bool Reference::all_that_waits_is_permitted(SessionId id, const Peer& peer) const {
  const std::string& name = peer.name();
  return std::ranges::all_of(
             peer.due, [&](const auto& due) { return may_subscribe(name, due.item->topic); }) &&
         std::ranges::all_of(calls_.names_waiting_for(id),
                             [&](const auto& served) { return may_serve(name, served); });
}

void Reference::replace_list(std::vector<keys::AuthorizedClient> list) {
  list_ = std::move(list);
  ++epoch_;
}

// ---- Sessions ----------------------------------------------------------------------------------

void Reference::connect(SessionId id, broker::Identity identity) {
  Peer& peer = peers_[id];
  peer.identity = std::move(identity);
  peer.window_messages = options_.limits.window_messages;
  peer.window_bytes = static_cast<std::int64_t>(options_.limits.window_bytes);
}

/// A frame may go while both counts are above zero, and take them below by what it holds.
void Reference::frame_came(SessionId id, std::string_view frame) {
  Peer& peer = find(id);
  std::int64_t messages = 0;
  bus::FrameReader reader(frame);
  while (const auto record = reader.next())
    if (takes_credit(record->kind)) messages += messages_of(*record);
  demand(reader.ok(), "{} sent a frame that cannot be read", peer.name());
  demand(messages == 0 || (peer.window_messages > 0 && peer.window_bytes > 0),
         "{} sent on {} messages and {} bytes of credit", peer.name(), peer.window_messages,
         peer.window_bytes);
  peer.largest_frame_messages = std::max(peer.largest_frame_messages, messages);
}

void Reference::input(SessionId id, std::string_view records, const broker::Moment& now) {
  Peer& peer = find(id);
  bus::FrameReader reader(records);
  while (const auto record = reader.next()) on_record(id, peer, *record, now);
}

void Reference::on_record(SessionId id, Peer& peer, const Record& record,
                          const broker::Moment& now) {
  if (takes_credit(record.kind)) {
    peer.window_messages -= messages_of(record);
    peer.window_bytes -= size_of(record);
    peer.spent_messages += messages_of(record);
    peer.spent_bytes += size_of(record);
  }
  switch (record.kind) {
    case Kind::hello:
      return on_hello(peer, record);
    case Kind::subscribe:
    case Kind::serve:
    case Kind::watch:
    case Kind::unsubscribe:
    case Kind::unserve:
      return on_standing(id, peer, record);
    case Kind::publish:
      return on_publish(id, peer, record, now);
    case Kind::request:
      return on_request(id, peer, record, now.steady);
    case Kind::reply:
      return calls_.reply(id, record.number, peer.name(), bus::read_reply(record.body).value());
    case Kind::cancel:
      return calls_.cancel(id, record.number);
    case Kind::credit:
      return on_credit(peer, record);
    default:
      return;
  }
}

void Reference::on_hello(Peer& peer, const Record& record) {
  if (!listed(peer.identity) || draining_) return;  // What REFUSED says is looked at there.
  const auto hello = bus::read_hello(record.body).value();
  peer.open = true;
  peer.credit_messages = hello.credit_messages;
  peer.credit_bytes = static_cast<std::int64_t>(hello.credit_bytes);
  peer.kept_messages = peer.credit_messages / 4;
  peer.kept_bytes = peer.credit_bytes / 4;
}

void Reference::end(SessionId id) {
  Peer& peer = find(id);
  demand(!peer.over, "the session of {} ended twice", peer.name());
  peer.over = true;
  for (const Peer::Due& due : peer.due) ++counts_[{peer.name(), due.item->topic}].lost;
  for (const Peer::InFlight& sent : peer.in_flight) {
    if (sent.topic.empty()) continue;
    Counts& counts = counts_[{peer.name(), sent.topic}];
    counts.in_flight -= static_cast<std::int64_t>(sent.messages);
    counts.lost += static_cast<std::int64_t>(sent.messages);
  }
  peer.due.clear();
  peer.in_flight.clear();
  for (const auto& [topic, correlation] : std::exchange(peer.watched, {})) {
    const bool watched = std::ranges::any_of(
        peers_, [&](const auto& entry) { return entry.second.watched.contains(topic); });
    if (!watched) watches_.erase(topic);
  }
  peer.served.clear();
  if (!std::exchange(peer.subscriptions, {}).empty()) tell_watchers();
  calls_.end(id);
}

// ---- Subscriptions, served names, watches ------------------------------------------------------

void Reference::on_standing(SessionId, Peer& peer, const Record& record) {
  const std::string pattern(record.topic);
  const broker::Limits& limits = options_.limits;
  bool allowed = true;
  if (record.kind == Kind::subscribe)
    allowed =
        may_subscribe(peer.name(), pattern) && peer.subscriptions.size() < limits.subscriptions_max;
  else if (record.kind == Kind::serve)
    allowed = may_serve(peer.name(), pattern) && peer.served.size() < limits.served_max;
  else if (record.kind == Kind::watch)
    allowed = may_watch(peer.name(), pattern) && peer.watched.size() < limits.watches_max;
  peer.answers.push_back({allowed, record.number, pattern});
  if (!allowed) return;
  if (record.kind == Kind::unsubscribe || record.kind == Kind::unserve)
    drop(peer, record);
  else
    hold(peer, record);
}

void Reference::hold(Peer& peer, const Record& record) {
  const std::string pattern(record.topic);
  const auto add = [&](std::vector<std::string>& held) {
    if (std::ranges::find(held, pattern) == held.end()) held.push_back(pattern);
  };
  if (record.kind == Kind::subscribe) {
    add(peer.subscriptions);
    tell_watchers();
  } else if (record.kind == Kind::serve) {
    add(peer.served);
  } else {
    peer.watched[pattern] = record.number;
    const std::string& names = watches_[pattern] = names_at(pattern);
    peer.presence.push_back({record.number, pattern, names});
  }
}

void Reference::drop(Peer& peer, const Record& record) {
  const bool subscription = record.kind == Kind::unsubscribe;
  std::erase(subscription ? peer.subscriptions : peer.served, record.topic);
  if (subscription) tell_watchers();
}

std::string Reference::names_at(std::string_view topic) const {
  std::set<std::string> names;
  for (const auto& [id, peer] : peers_)
    if (!peer.over && std::ranges::any_of(peer.subscriptions, [&](const auto& pattern) {
          return bus::matches(pattern, topic);
        }))
      names.insert(peer.name());
  return fmt::format("{}", fmt::join(names, "\n"));
}

void Reference::tell_watchers() {
  for (auto& [topic, told] : watches_) {
    std::string names = names_at(topic);
    if (names == told) continue;
    told = std::move(names);
    for (auto& [id, peer] : peers_) {
      const auto watch = peer.watched.find(topic);
      if (!peer.over && watch != peer.watched.end())
        peer.presence.push_back({watch->second, topic, told});
    }
  }
}

// ---- Publishing --------------------------------------------------------------------------------

void Reference::on_publish(SessionId id, Peer& peer, const Record& record,
                           const broker::Moment& now) {
  const auto publish = bus::read_publish(record.body).value();
  const std::uint32_t count = bus::count_items(publish.items).value();
  const bool allowed = may_publish(peer.name(), record.topic) && takes_more(record.topic);
  if (allowed) accept(id, peer, record, publish.items, now);
  if (allowed && !publish.ack_wanted) return;
  for (std::uint32_t i = 0; i < count; ++i) peer.verdicts.push_back({record.number + i, allowed});
}

/// Who may hold up others holds up everybody once its queue is full.
bool Reference::takes_more(std::string_view topic) const {
  return std::ranges::none_of(peers_, [&](const auto& entry) {
    const Peer& peer = entry.second;
    return !peer.over &&
           broker::overflow_for(options_.overflow, topic, peer.name()) == broker::Overflow::block &&
           std::ranges::any_of(peer.subscriptions,
                               [&](const auto& held) { return bus::matches(held, topic); }) &&
           queue_is_full(entry.first);
  });
}

void Reference::accept(SessionId id, Peer& peer, const Record& record, std::string_view items,
                       const broker::Moment& now) {
  std::vector<std::pair<Peer*, broker::Overflow>> targets;
  for (auto& [other, each] : peers_)
    if (!each.over && std::ranges::any_of(each.subscriptions, [&](const auto& pattern) {
          return bus::matches(pattern, record.topic);
        }))
      targets.emplace_back(&each,
                           broker::overflow_for(options_.overflow, record.topic, each.name()));
  std::uint64_t sequence = record.number;
  bus::ItemReader reader(items);
  while (const auto payload = reader.next()) {
    const auto item = std::make_shared<const Item>(Item{.publisher = id,
                                                        .sequence = sequence++,
                                                        .sender = peer.name(),
                                                        .topic = std::string(record.topic),
                                                        .payload = std::string(*payload),
                                                        .time_ns = now.wall.ns,
                                                        .epoch = epoch_});
    accepted_.insert(item->payload);
    for (const auto& [target, overflow] : targets) target->due.push_back({item, overflow});
  }
  const auto count = static_cast<std::int64_t>(sequence - record.number);
  const std::string topic(record.topic);
  counts_[{peer.name(), topic}].published += count;
  for (const auto& [target, overflow] : targets) counts_[{target->name(), topic}].routed += count;
}

void Reference::on_request(SessionId id, const Peer& peer, const Record& record, Time now) {
  const auto request = bus::read_request(record.body).value();
  ReferenceCalls::Asked asked{.requester = id,
                              .correlation = record.number,
                              .name = std::string(record.topic),
                              .sender = peer.name(),
                              .payload = std::string(request.payload),
                              .deadline = now + std::chrono::milliseconds(request.deadline_ms),
                              .candidates = {},
                              .failure = {}};
  for (const auto& [other, each] : peers_)
    if (!each.over && std::ranges::any_of(each.served, [&](const auto& pattern) {
          return bus::matches(pattern, record.topic);
        }))
      asked.candidates.insert(other);
  const auto* line = line_of(peer.name());
  if (line == nullptr || !keys::may_hear(line->request, record.topic))
    asked.failure = bus::Code::no_permission;
  else if (asked.candidates.empty())
    asked.failure = bus::Code::no_responder;
  calls_.request(std::move(asked));
}

void Reference::on_credit(Peer& peer, const Record& record) {
  std::uint64_t left = bus::read_u32(record.body).value();
  peer.credit_messages += static_cast<std::int64_t>(left);
  peer.credit_bytes += static_cast<std::int64_t>(record.number);
  while (left > 0) {
    demand(!peer.in_flight.empty(), "{} returned more credit than it was sent", peer.name());
    Peer::InFlight& oldest = peer.in_flight.front();
    const std::uint64_t processed = std::min(left, oldest.messages);
    left -= processed;
    oldest.messages -= processed;
    if (!oldest.topic.empty()) {
      Counts& counts = counts_[{peer.name(), oldest.topic}];
      counts.in_flight -= static_cast<std::int64_t>(processed);
      counts.delivered += static_cast<std::int64_t>(processed);
    }
    if (oldest.messages == 0) peer.in_flight.pop_front();
  }
}

}  // namespace guild::simulation
