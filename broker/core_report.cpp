// Core: what it tells of itself.
#include "broker/core.hpp"
#include "common/base/bytes.hpp"

namespace guild::broker {
namespace {

std::int64_t whole(std::uint64_t count) { return static_cast<std::int64_t>(count); }

/// Without those that never happened.
std::map<std::string, std::int64_t> by_reason(const std::array<std::uint64_t, loss_kinds>& losses) {
  std::map<std::string, std::int64_t> told;
  for (std::size_t i = 0; i < loss_kinds; ++i)
    if (losses[i] != 0)
      told[std::string(bus::to_string(code_of(static_cast<Loss>(i))))] = whole(losses[i]);
  return told;
}

messages::BusStatsRow row_of(std::string_view client, std::string_view topic, const Row& row) {
  return {.client = std::string(client),
          .topic = std::string(topic),
          .published = whole(row.published),
          .routed = whole(row.routed),
          .delivered = whole(row.delivered),
          .queued = whole(row.queued),
          .in_flight = whole(row.in_flight),
          .dropped = by_reason(row.dropped)};
}

messages::BusClient client_of(const Session& session, std::string_view role) {
  messages::BusClient client;
  client.name = session.name();
  client.role = role;
  client.session = session.identity.label;
  client.connected_at = session.opened_at;
  client.subscriptions.assign(session.subscriptions.begin(), session.subscriptions.end());
  client.serves.assign(session.served.begin(), session.served.end());
  client.queued_messages = whole(session.outlet.queue().messages());
  client.queued_bytes = whole(session.outlet.queue().bytes());
  client.queued_calls = whole(session.outlet.calls().size());
  client.is_paced = session.pace.waits;
  return client;
}

}  // namespace

messages::BusStats Core::stats() const {
  messages::BusStats stats;
  stats.instance = to_hex(options_.instance);
  stats.epoch = permissions_.epoch();
  stats.sessions = whole(sessions_open_);
  stats.denied = whole(denials_.total());
  stats.frames_in = whole(frames_in_);
  stats.frames_out = whole(room_.frames_out);
  stats.late_replies = whole(calls_.late_replies());
  for (const auto& [reason, count] : denials_.by_reason())
    stats.denied_by_reason[reason] = whole(count);
  for (const auto& [name, client] : traffic_.clients())
    for (const auto& [topic, row] : client->rows()) stats.rows.push_back(row_of(name, topic, row));
  return stats;
}

messages::BusStatus Core::status() const {
  messages::BusStatus status;
  status.instance = to_hex(options_.instance);
  status.epoch = permissions_.epoch();
  status.sessions = whole(sessions_open_);
  status.requests_waiting = whole(calls_.waiting());
  status.monitors = whole(taps_.size());
  const Totals& totals = traffic_.totals();
  status.published = whole(totals.published);
  status.routed = whole(totals.routed);
  status.delivered = whole(totals.delivered);
  status.waiting = whole(totals.waiting());
  status.dropped = by_reason(totals.dropped);
  status.denied = whole(denials_.total());
  status.late_replies = whole(calls_.late_replies());
  status.held_back = whole(pace_.held_back());
  status.frames_in = whole(frames_in_);
  status.frames_out = whole(room_.frames_out);
  return status;
}

messages::BusClients Core::clients() const {
  messages::BusClients clients;
  for (const auto& [id, session] : sessions_.all())
    if (session->state == Session::State::open)
      clients.clients.push_back(client_of(*session, permissions_.role_of(session->name())));
  return clients;
}

}  // namespace guild::broker
