// Core: the flow of messages and credit. What decides the speed of the broker is here: a record's
// items are counted, not parsed; its route is the last one's while nothing changed; a run that
// several subscribers can take at once is written once.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "broker/core.hpp"
#include "common/bus/topic.hpp"

namespace guild::broker {
namespace {

/// The bytes of a record on the wire.
std::uint64_t size_of(const bus::Record& record) {
  return bus::record_header_bytes + record.topic.size() + record.name.size() + record.body.size();
}

/// The most items that one DELIVER can hold beside its header, topic, sender and stamp.
constexpr std::size_t deliver_items_max = bus::frame_bytes_max - 400;

constexpr std::size_t item_header_bytes = 4;

struct Items {
  std::uint32_t count = 0;
  bool too_large = false;  ///< One is over the payload's limit.
};

/// Nothing when they are malformed or there is none.
std::optional<Items> look_at(std::string_view items) {
  if (const auto count = bus::count_items(items)) return Items{.count = *count};
  bus::ItemReader reader(items);
  Items seen;
  while (const auto item = reader.next()) {
    ++seen.count;
    seen.too_large = seen.too_large || item->size() > bus::payload_bytes_max;
  }
  if (!reader.ok() || seen.count == 0) return {};
  return seen;
}

/// What one subscriber's share of it counts for.
std::uint64_t work_of(const Run& run) { return run.items.size() + run.count * Pace::item_work; }

/// Cuts off the front of `run` what one DELIVER can hold.
Run take_part(Run& run) {
  Run part = run;
  if (run.items.size() <= deliver_items_max) {
    run.count = 0;
    return part;
  }
  bus::ItemReader reader(run.items);
  std::size_t size = 0;
  part.count = 0;
  while (const auto item = reader.next()) {
    const std::size_t with_item = size + 4 + item->size();
    if (with_item > deliver_items_max) break;
    size = with_item;
    ++part.count;
  }
  part.items = run.items.substr(0, size);
  run.items.remove_prefix(size);
  run.sequence += part.count;
  run.count -= part.count;
  return part;
}

}  // namespace

Core::Handled Core::on_publish(Session& session, const bus::Record& record, const Moment& now) {
  const auto malformed = [](std::string reason) {
    return std::unexpected(Refusal{bus::Code::malformed_frame, std::move(reason)});
  };
  const auto publish = bus::read_publish(record.body);
  if (!publish) return malformed("a PUBLISH has no body");
  const auto items = look_at(publish->items);
  if (!items) return malformed("a PUBLISH's items do not end where its record does");
  const Credit cost{size_of(record), items->count};
  if (!session.inlet.spend(cost))
    return std::unexpected(
        Refusal{bus::Code::credit_exceeded, "more was published than credit allows"});
  if (record.number <= session.last_sequence ||
      record.number > std::numeric_limits<std::uint64_t>::max() - items->count)
    return malformed(fmt::format("sequence {} after {}", record.number, session.last_sequence));
  session.last_sequence = record.number + items->count - 1;

  std::uint64_t work_bytes = cost.bytes + items->count * Pace::item_work;
  if (items->too_large) {
    deny(session, record.number, record.topic, bus::Code::payload_too_large, items->count,
         "an item is over 1,048,576 bytes", "publish", now);
  } else if (!find_publish_route(session, record.topic, items->count, record.number, now)) {
    // Denied.
  } else if (!takes_more(*session.last_publish.topic)) {
    deny(session, record.number, record.topic, bus::Code::too_many, items->count,
         "the queue of a subscriber that may hold up others is full", "publish", now);
  } else {
    session.last_publish.row->publish(items->count);
    Run run{.publisher = session.id,
            .sequence = record.number,
            .count = items->count,
            .topic = record.topic,
            .sender = session.name(),
            .items = publish->items,
            .time_ns = now.wall.ns,
            .epoch = permissions_.epoch()};
    if (session.last_publish.taps != 0)
      taps_.note(session.last_publish.taps,
                 {.operation = messages::BusOperation::publish,
                  .topic = run.topic,
                  .sender = run.sender,
                  .sequence = run.sequence,
                  .count = run.count,
                  .bytes = run.items.size() - item_header_bytes * run.count},
                 now);
    while (run.count != 0) work_bytes += route(session, take_part(run), now);
    if (session.over()) return {};
    if (publish->ack_wanted) session.outlet.ack(record.number, items->count);
  }
  session.inlet.consumed_publish(cost);
  charge(session, work_bytes, now);
  grant(session, now);
  return {};
}

/// Sets session.last_publish for `topic`. False when the record was denied.
bool Core::find_publish_route(Session& session, std::string_view topic, std::uint32_t count,
                              std::uint64_t sequence, const Moment& now) {
  const auto holds = [&](const PublishRoute& route) {
    return route.generation == generation_ && route.epoch == permissions_.epoch() &&
           route.topic->name == topic;
  };
  auto& last = session.last_publish;
  if (holds(last)) return true;
  // Not for who has published on one topic only.
  PublishRoute* place = last.topic == nullptr ? nullptr : &session.recent_routes.place_of(topic);
  if (place != nullptr && holds(*place)) {
    last = *place;
    return true;
  }

  Row* row = session.traffic->find_row(topic);
  const bool known =
      row != nullptr && !row->stands_for_rest && row->publish_epoch == permissions_.epoch();
  if (!known) {
    if (const auto valid = bus::check_topic(topic); !valid) {
      deny(session, sequence, topic, bus::Code::topic_invalid, count, valid.error().message,
           "publish", now);
      return false;
    }
    if (!permissions_.may_publish(session.name(), topic)) {
      deny(session, sequence, topic, bus::Code::no_permission, count,
           "the list does not let you publish this", "publish", now);
      return false;
    }
    row = &session.traffic->row(topic);
    row->publish_epoch = permissions_.epoch();
  }
  Topic& found = routes_.topic(topic);
  last = {generation_, permissions_.epoch(), &found, row, taps_.looking_at(topic)};
  if (place != nullptr) *place = last;
  return true;
}

/// Policy `block` holds back credit, which a publisher that connects again has anew: without this
/// it could fill our memory.
bool Core::takes_more(const Topic& topic) {
  return std::ranges::none_of(topic.targets, [](const Target& target) {
    return target.overflow == Overflow::block && !target.session->over() &&
           target.session->outlet.queue().overrun();
  });
}

/// Answers the work that it became.
std::uint64_t Core::route(Session& publisher, const Run& run, const Moment& now) {
  const Topic& topic = *publisher.last_publish.topic;
  const bool share = run.items.size() >= options_.limits.shared_run_min && topic.targets.size() > 1;
  std::uint64_t bytes = share ? route_shared(run, topic) : 0;
  SharedRun kept;
  for (const Target& target : topic.targets) {
    if (target.session->over()) continue;
    // Those that took the shared frame were counted there.
    if (share && std::ranges::binary_search(shared_targets_, target.session->id)) continue;
    target.row->route(run.count);
    bytes += work_of(run);
    if (target.session->outlet.ready_for_runs())
      target.session->outlet.send_run(run, *target.row);
    else
      queue_for(publisher, target, run, kept, now);
  }
  return bytes;
}

/// One frame for all that can take it now; `shared_targets_` is who did, in order.
std::uint64_t Core::route_shared(const Run& run, const Topic& topic) {
  shared_targets_.clear();
  shared_.clear();
  shared_.deliver_run(run.sequence, run.count, run.topic, run.sender, run.time_ns, run.epoch,
                      run.items);
  for (const Target& target : topic.targets) {
    if (target.session->over() || !target.session->outlet.ready_for_runs()) continue;
    target.row->route(run.count);
    target.session->outlet.account_shared(*target.row, run.count, shared_.size());
    shared_targets_.push_back(target.session->id);
  }
  if (shared_targets_.empty()) return 0;
  wire_.send(shared_targets_, shared_.frame());
  room_.frames_out += shared_targets_.size();
  return shared_targets_.size() * work_of(run);
}

void Core::queue_for(Session& publisher, const Target& target, const Run& run, SharedRun& kept,
                     const Moment& now) {
  if (!kept) kept = std::make_shared<const KeptRun>(run);
  Session& subscriber = *target.session;
  switch (subscriber.outlet.queue_run(kept, *target.row, target.overflow)) {
    case Outlet::Kept::fits:
      break;
    case Outlet::Kept::crowded:
      if (subscriber.crowded_by.insert(publisher.id).second) publisher.inlet.block();
      break;
    case Outlet::Kept::hopeless:
      refuse(subscriber, {bus::Code::slow_consumer, "the queue of this session is full"}, now);
      break;
  }
}

Core::Handled Core::on_credit(Session& session, const bus::Record& record, const Moment& now) {
  const auto messages = bus::read_u32(record.body);
  if (!messages)
    return std::unexpected(Refusal{bus::Code::malformed_frame, "a CREDIT's body has 4 bytes"});
  if (!session.outlet.credit_returned(record.number, *messages))
    return std::unexpected(
        Refusal{bus::Code::credit_exceeded, "more credit was returned than is in flight"});
  session.outlet.send_waiting(
      [&](const WaitingCall& call) { calls_.send_waiting(session, call, now); });
  if (session.outlet.queue().relieved()) relieve(session, now);
  return {};
}

/// Lets go the publishers that waited for this subscriber.
void Core::relieve(Session& session, const Moment& now) {
  for (const SessionId id : session.crowded_by) {
    Session* publisher = sessions_.find(id);
    if (publisher == nullptr || publisher->over()) continue;
    publisher->inlet.unblock();
    grant(*publisher, now);
  }
  session.crowded_by.clear();
}

void Core::charge(Session& session, std::uint64_t work_bytes, const Moment& now) {
  pace_.charge(session.pace, work_bytes, now.steady);
  pace_.note_speech(session.id, session.pace, now.steady);
}

void Core::grant(Session& session, const Moment& now) {
  if (!session.inlet.grant_due()) return;
  const std::uint64_t allowed = pace_.allow(session.id, session.pace, now.steady);
  if (allowed == 0) return;
  const Credit credit = session.inlet.grant(allowed);
  session.outlet.control().credit(bus::Kind::credit_grant, credit.bytes, credit.messages);
}

void Core::grant_to_paced(const Moment& now) {
  for (const SessionId id : pace_.take_due(now.steady)) {
    Session* session = sessions_.find(id);
    if (session == nullptr || session->over()) continue;
    session->pace.waits = false;
    grant(*session, now);
  }
}

Core::Handled Core::on_request(Session& session, const bus::Record& record, const Moment& now) {
  const Credit cost{size_of(record), 1};
  if (!session.inlet.spend(cost))
    return std::unexpected(
        Refusal{bus::Code::credit_exceeded, "more was asked than credit allows"});
  const auto passed = calls_.request(session, record, now);
  if (!passed) return std::unexpected(passed.error());
  if (*passed && !taps_.empty())
    taps_.note(taps_.looking_at(record.topic),
               {.operation = messages::BusOperation::request,
                .topic = record.topic,
                .sender = session.name(),
                .sequence = record.number,
                .count = 1,
                .bytes = record.body.size() - sizeof(std::uint32_t)},  // Without the deadline.
               now);
  session.inlet.consumed_call(cost);
  charge(session, cost.bytes + Pace::item_work, now);
  grant(session, now);
  return {};
}

Core::Handled Core::on_reply(Session& session, const bus::Record& record, const Moment& now) {
  const Credit cost{size_of(record), 1};
  if (!session.inlet.spend(cost))
    return std::unexpected(
        Refusal{bus::Code::credit_exceeded, "more was answered than credit allows"});
  if (auto handled = calls_.reply(session, record, now); !handled) return handled;
  session.inlet.consumed_call(cost);
  charge(session, cost.bytes + Pace::item_work, now);
  grant(session, now);
  return {};
}

Core::Handled Core::on_cancel(Session& session, const bus::Record& record, const Moment&) {
  calls_.cancel(session, record.number);
  return {};
}

}  // namespace guild::broker
