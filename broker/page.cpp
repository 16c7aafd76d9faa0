#include "broker/page.hpp"

#include <algorithm>
#include <string>

#include "broker/traffic.hpp"

namespace guild::broker {
namespace {

using messages::BusClient;
using messages::BusStatsRow;

/// More than the JSON of a row's names of fields and numbers, of a client's, of a pattern's quotes.
constexpr std::size_t row_bytes = 320, client_bytes = 320, pattern_bytes = 8;
/// Names and topics may need escapes.
constexpr std::size_t escape_factor = 2;

std::size_t size_of(const BusStatsRow& row) {
  return row_bytes + escape_factor * (row.client.size() + row.topic.size());
}

std::size_t size_of(const BusClient& client) {
  std::size_t size = client_bytes + escape_factor * (2 * client.name.size() + client.role.size());
  for (const auto* list : {&client.subscriptions, &client.serves})
    for (const std::string& pattern : *list) size += pattern_bytes + escape_factor * pattern.size();
  return size;
}

void add(BusStatsRow& to, const BusStatsRow& row) {
  to.published += row.published;
  to.routed += row.routed;
  to.delivered += row.delivered;
  to.queued += row.queued;
  to.in_flight += row.in_flight;
  for (const auto& [reason, count] : row.dropped) to.dropped[reason] += count;
}

}  // namespace

void fit(messages::BusStats& stats, std::size_t bytes_max) {
  auto& rows = stats.rows;
  std::ranges::sort(rows, std::greater<>(),
                    [](const BusStatsRow& row) { return row.published + row.routed; });
  BusStatsRow rest{.client = std::string(Traffic::rest_client),
                   .topic = std::string(ClientTraffic::rest_topic),
                   .dropped = {}};
  std::size_t size = 4 * row_bytes;  // For the rest of the message.
  std::size_t kept = 0;
  while (kept < rows.size() && (size += size_of(rows[kept])) <= bytes_max) ++kept;
  if (kept == rows.size()) return;
  for (std::size_t i = kept; i < rows.size(); ++i) add(rest, rows[i]);
  rows.resize(kept);
  rows.push_back(std::move(rest));
}

void fit(messages::BusClients& clients, std::size_t bytes_max) {
  const auto total = [&] {
    std::size_t size = 0;
    for (const BusClient& client : clients.clients) size += size_of(client);
    return size;
  };
  constexpr std::size_t patterns_shown = 8;
  if (total() > bytes_max)
    for (BusClient& client : clients.clients)
      for (auto* list : {&client.subscriptions, &client.serves})
        if (list->size() > patterns_shown) {
          clients.omitted_patterns += static_cast<std::int64_t>(list->size() - patterns_shown);
          list->resize(patterns_shown);
        }
  std::size_t size = total();
  while (size > bytes_max) {
    size -= size_of(clients.clients.back());
    clients.clients.pop_back();
    ++clients.omitted;
  }
}

}  // namespace guild::broker
