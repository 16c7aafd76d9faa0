// The broker's own messages. Served as `broker/<verb>`; events on `bus/denied`, `bus/clients`,
// `bus/status`, `bus/audit` and `bus/traffic/<monitor>`.
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
  /// "connect", "publish", "subscribe", "request", "reply", "serve", "watch", "frame"
  std::string operation;
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
  std::int64_t queued_messages = 0, queued_bytes = 0;  ///< Of what it subscribes to.
  std::int64_t queued_calls = 0;                       ///< Requests and replies.
  bool is_paced = false;  ///< Waits for credit, so that others are not in its flood.
};
BOOST_DESCRIBE_STRUCT(BusClient, (),
                      (name, role, session, connected_at, subscriptions, serves, queued_messages,
                       queued_bytes, queued_calls, is_paced))
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

/// Event on `bus/status`, every second. Sums over all clients and topics of this life of the
/// broker: routed = delivered + waiting + dropped, waiting being queued or in flight.
struct BusStatus {
  std::string instance;
  std::int64_t epoch = 0, sessions = 0, requests_waiting = 0, monitors = 0;
  std::int64_t published = 0, routed = 0, delivered = 0, waiting = 0;
  std::map<std::string, std::int64_t> dropped;  ///< By reason.
  std::int64_t denied = 0, late_replies = 0, frames_in = 0, frames_out = 0, rss_bytes = 0;
  std::int64_t held_back = 0;  ///< Times that a busy client waited for credit, for others' sake.
  Instant time;
};
BOOST_DESCRIBE_STRUCT(BusStatus, (),
                      (instance, epoch, sessions, requests_waiting, monitors, published, routed,
                       delivered, waiting, dropped, denied, late_replies, frames_in, frames_out,
                       rss_bytes, held_back, time))

/// `broker/monitor` (BusMonitor) → BusMonitorStarted. From then on the headers of what is published
/// and requested under `pattern` come as BusTraffic on `topic`, until nobody subscribes to it.
/// Errors: topic_invalid, too_many_monitors.
struct BusMonitor {
  std::string pattern;
};
BOOST_DESCRIBE_STRUCT(BusMonitor, (), (pattern))
struct BusMonitorStarted {
  std::int64_t monitor = 0;
  std::string topic;
};
BOOST_DESCRIBE_STRUCT(BusMonitorStarted, (), (monitor, topic))

enum class BusOperation { publish, request };
BOOST_DESCRIBE_ENUM(BusOperation, publish, request)
/// Consecutive messages of one sender on one topic, never their content.
struct BusHeader {
  BusOperation operation = BusOperation::publish;
  std::string topic, sender;
  std::int64_t sequence = 0;  ///< Of the first; of a request its correlation.
  std::int64_t count = 0, bytes = 0;
  Instant time;
};
BOOST_DESCRIBE_STRUCT(BusHeader, (), (operation, topic, sender, sequence, count, bytes, time))
/// Event on `bus/traffic/<monitor>`: up to ten a second, with what did not fit counted.
struct BusTraffic {
  std::int64_t monitor = 0;
  List<BusHeader, 500> headers;
  std::int64_t omitted_messages = 0, omitted_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(BusTraffic, (), (monitor, headers, omitted_messages, omitted_bytes))

/// Event on `bus/audit`: who looked at others' traffic.
enum class BusAction { monitor_started, monitor_ended };
BOOST_DESCRIBE_ENUM(BusAction, monitor_started, monitor_ended)
struct BusAudit {
  std::string client;
  BusAction action = BusAction::monitor_started;
  std::string pattern;
  Instant time;
};
BOOST_DESCRIBE_STRUCT(BusAudit, (), (client, action, pattern, time))

}  // namespace guild::messages
