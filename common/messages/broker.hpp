// The broker's own messages. Served as `broker/<verb>`; events on `bus/denied` and `bus/clients`.
// Figures are of one life of the broker and exact: see the conservation law at BusStatsRow.
// Lists are bounded; what a page leaves out the next one has.
#pragma once

#include <map>
#include <string>

#include "common/messages/codec.hpp"
#include "common/messages/types.hpp"

namespace guild::messages {

/// Event on `bus/denied`: refusals of one reason, client or key, and second.
struct BusDenied {
  std::string reason;  ///< A code name of docs/protocol.md, or key_unlisted.
  std::string client;  ///< Empty when the key is on no list.
  std::string key;     ///< Public key, hex; empty when none was offered.
  std::string
      operation;  ///< "connect", "publish", "subscribe", "request", "serve", "watch", "frame"
  std::string topic;
  std::int64_t count = 0;
  Instant time;
};
BOOST_DESCRIBE_STRUCT(BusDenied, (), (reason, client, key, operation, topic, count, time))

/// Event on `bus/clients`.
enum class BusClientChange { connected, left, revoked };
BOOST_DESCRIBE_ENUM(BusClientChange, connected, left, revoked)
struct BusClientEvent {
  std::string client;
  BusClientChange event = BusClientChange::connected;
  Instant time;
};
BOOST_DESCRIBE_STRUCT(BusClientEvent, (), (client, event, time))

/// `broker/clients` (Nothing) → BusClients.
struct BusClient {
  std::string name, role, session;  ///< session: "name#serial"
  Instant connected_at;
  List<std::string, 1'000> subscriptions, serves;
  std::int64_t queued_messages = 0, queued_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(BusClient, (),
                      (name, role, session, connected_at, subscriptions, serves, queued_messages,
                       queued_bytes))
struct BusClients {
  List<BusClient, 10'000> clients;
  /// What did not fit into one reply.
  std::int64_t omitted = 0, omitted_patterns = 0;
};
BOOST_DESCRIBE_STRUCT(BusClients, (), (clients, omitted, omitted_patterns))

/// `broker/stats` (Nothing) → BusStats. For every row: published = accepted from this client on
/// this topic; expected = those times the subscribers at that moment = delivered + queued +
/// in_flight + dropped.
struct BusStatsRow {
  std::string client;  ///< The publisher for published; the subscriber for the rest.
  std::string topic;
  std::int64_t published = 0, routed = 0, delivered = 0, queued = 0, in_flight = 0;
  std::map<std::string, std::int64_t> dropped;  ///< By reason.
};
BOOST_DESCRIBE_STRUCT(BusStatsRow, (),
                      (client, topic, published, routed, delivered, queued, in_flight, dropped))
struct BusStats {
  std::string instance;
  std::int64_t epoch = 0, sessions = 0, denied = 0, frames_in = 0, frames_out = 0, late_replies = 0;
  std::map<std::string, std::int64_t> denied_by_reason;
  List<BusStatsRow, 100'000> rows;
};
BOOST_DESCRIBE_STRUCT(BusStats, (),
                      (instance, epoch, sessions, denied, frames_in, frames_out, late_replies,
                       denied_by_reason, rows))

}  // namespace guild::messages
