// Core: what it tells of itself.
#include "broker/core.hpp"
#include "common/base/bytes.hpp"

namespace guild::broker {
namespace {

std::int64_t whole(std::uint64_t count) { return static_cast<std::int64_t>(count); }

messages::BusStatsRow row_of(std::string_view client, std::string_view topic, const Row& row) {
  messages::BusStatsRow told{.client = std::string(client),
                             .topic = std::string(topic),
                             .published = whole(row.published),
                             .routed = whole(row.routed),
                             .delivered = whole(row.delivered),
                             .queued = whole(row.queued),
                             .in_flight = whole(row.in_flight),
                             .dropped = {}};
  for (std::size_t i = 0; i < loss_kinds; ++i)
    if (row.dropped[i] != 0)
      told.dropped[std::string(bus::to_string(code_of(static_cast<Loss>(i))))] =
          whole(row.dropped[i]);
  return told;
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

messages::BusClients Core::clients() const {
  messages::BusClients clients;
  for (const auto& [id, session] : sessions_.all())
    if (session->state == Session::State::open)
      clients.clients.push_back(client_of(*session, permissions_.role_of(session->name())));
  return clients;
}

}  // namespace guild::broker
