// What the broker tells of itself fits one reply, and adds up.
#include "broker/page.hpp"

#include <catch2/catch.hpp>

#include "broker/traffic.hpp"
#include "common/messages/codec.hpp"

namespace guild::broker {
namespace {

messages::BusStats stats_of(std::size_t rows, const std::string& topic) {
  messages::BusStats stats;
  for (std::size_t i = 0; i < rows; ++i)
    stats.rows.push_back({.client = "client-" + std::to_string(i % 7),
                          .topic = topic + std::to_string(i),
                          .published = static_cast<std::int64_t>(i),
                          .routed = 10,
                          .delivered = 4,
                          .queued = 3,
                          .in_flight = 2,
                          .dropped = {{"session_ended", 1}}});
  return stats;
}

TEST_CASE("statistics that fit are told whole") {
  messages::BusStats stats = stats_of(100, "t/");
  fit(stats, 900'000);
  CHECK(stats.rows.size() == 100);
}

TEST_CASE("statistics that do not fit keep the busiest rows and add up the rest") {
  // Escaped twofold, as long as topics get.
  messages::BusStats stats = stats_of(20'000, std::string(240, '"'));
  fit(stats, 900'000);
  CHECK(messages::encode(stats).size() < 1'048'576);
  REQUIRE(stats.rows.size() > 100);
  CHECK(stats.rows.front().published == 19'999);
  const auto& rest = stats.rows.back();
  CHECK(rest.client == Traffic::rest_client);
  CHECK(rest.topic == ClientTraffic::rest_topic);
  std::int64_t published = 0, lost = 0;
  for (const auto& row : stats.rows) {
    published += row.published;
    lost += row.dropped.at("session_ended");
  }
  CHECK(published == 19'999LL * 20'000 / 2);
  CHECK(lost == 20'000);
}

TEST_CASE("clients that do not fit lose patterns first, then are counted") {
  messages::BusClients clients;
  for (int i = 0; i < 4'000; ++i) {
    messages::BusClient client;
    client.name = "client-" + std::to_string(i);
    client.role = "client";
    client.session = client.name + "#1";
    for (int k = 0; k < 20; ++k)
      client.subscriptions.push_back("apps/some/topic/" + std::to_string(k));
    clients.clients.push_back(client);
  }
  fit(clients, 900'000);
  CHECK(messages::encode(clients).size() < 1'048'576);
  CHECK(clients.omitted_patterns == 4'000 * 12);
  CHECK(clients.omitted + static_cast<std::int64_t>(clients.clients.size()) == 4'000);
  CHECK(clients.clients.size() > 500);
}

}  // namespace
}  // namespace guild::broker
