// What the broker tells of itself: `guild bus stats`, `clients`, `monitor`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "cli/bus.hpp"
#include "cli/session.hpp"
#include "common/bus/topic.hpp"
#include "common/messages/broker.hpp"

namespace guild::cli {
namespace {

std::string counted(const std::map<std::string, std::int64_t>& by_reason) {
  std::string text;
  for (const auto& [reason, count] : by_reason)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, reason);
  return text.empty() ? "0" : text;
}

void show(Context& context, const messages::BusStats& stats) {
  std::vector<Row> rows;
  for (const auto& row : stats.rows)
    rows.push_back({row.client, row.topic, fmt::to_string(row.published),
                    fmt::to_string(row.delivered), fmt::to_string(row.queued),
                    fmt::to_string(row.in_flight), counted(row.dropped)});
  context.out.table({{"CLIENT"},
                     {"TOPIC"},
                     {"PUBLISHED", Align::right},
                     {"DELIVERED", Align::right},
                     {"QUEUED", Align::right},
                     {"IN FLIGHT", Align::right},
                     {"DROPPED"}},
                    rows);
  context.out.say(fmt::format("broker {}: {} sessions, epoch {}, denied {}", stats.instance,
                              stats.sessions, stats.epoch, counted(stats.denied_by_reason)));
}

Result<Exit> stats(Context& context) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto stats, session.ask<messages::BusStats>("broker/stats", messages::Nothing{},
                                                              context.timeout_or(answer_limit)));
  if (context.json())
    context.out.line(messages::encode(stats));
  else
    show(context, stats);
  return Exit::ok;
}

Result<messages::BusClients> ask_clients(Context& context, Session& session) {
  return session.ask<messages::BusClients>("broker/clients", messages::Nothing{},
                                           context.timeout_or(answer_limit));
}

Row row_of(const messages::BusClient& client) {
  return {client.session,
          client.role,
          to_rfc3339(client.connected_at),
          fmt::to_string(client.queued_messages),
          format_bytes(client.queued_bytes),
          fmt::to_string(fmt::join(client.subscriptions, " ")),
          fmt::to_string(fmt::join(client.serves, " "))};
}

Result<Exit> clients(Context& context) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto answer, ask_clients(context, session));
  std::vector<Row> rows;
  for (const auto& client : answer.clients) {
    if (context.json())
      context.out.line(messages::encode(client));
    else
      rows.push_back(row_of(client));
  }
  if (!context.json())
    context.out.table({{"SESSION"},
                       {"ROLE"},
                       {"SINCE"},
                       {"QUEUED", Align::right},
                       {"BYTES", Align::right},
                       {"SUBSCRIBED"},
                       {"SERVES"}},
                      rows);
  return Exit::ok;
}

std::string line_of(const messages::BusDenied& denied) {
  const std::string who = denied.client.empty() ? (denied.key.empty() ? "somebody without a key"
                                                                      : "the key " + denied.key)
                                                : denied.client;
  return fmt::format("{}  denied  {}  {} {}: {}{}", to_rfc3339(denied.time), who, denied.operation,
                     denied.topic, denied.reason,
                     denied.count > 1 ? fmt::format(" ({} times)", denied.count) : "");
}

std::string line_of(const messages::BusClientEvent& event) {
  return fmt::format("{}  client  {}  {}", to_rfc3339(event.time), event.client,
                     event.event == messages::BusClientChange::connected ? "connected"
                     : event.event == messages::BusClientChange::left    ? "left"
                                                                         : "revoked");
}

std::string line_of(const messages::BusHeader& header) {
  const bool is_publish = header.operation == messages::BusOperation::publish;
  return fmt::format("{}  {}  {}  {}  {} of {}, from {}", to_rfc3339(header.time),
                     is_publish ? "message" : "request", header.sender, header.topic, header.count,
                     format_bytes(header.bytes), header.sequence);
}

void show(Context& context, const messages::BusDenied& denied) {
  context.out.line(escape_to_ascii(line_of(denied)));
}
void show(Context& context, const messages::BusClientEvent& event) {
  context.out.line(escape_to_ascii(line_of(event)));
}
void show(Context& context, const messages::BusTraffic& traffic) {
  for (const auto& header : traffic.headers) context.out.line(escape_to_ascii(line_of(header)));
  if (traffic.omitted_messages != 0)
    context.out.line(fmt::format("and {} more messages, {}", traffic.omitted_messages,
                                 format_bytes(traffic.omitted_bytes)));
}

/// Events are the broker's own, so one that cannot be read is told, not hidden.
template <class Event>
void show_event(Context& context, const bus::Delivery& delivery) {
  const auto event = messages::decode<Event>(delivery.payload);
  if (!event)
    context.out.say(
        fmt::format("{}: an event that cannot be read: {}", delivery.topic, event.error().message));
  else if (context.json())
    context.out.line(
        fmt::format(R"({{"topic":"{}","event":{}}})", delivery.topic, delivery.payload));
  else
    show(context, *event);
}

struct MonitorArguments {
  std::string pattern;
};

template <class Event>
Result<void> follow(Context& context, Session& session, std::string_view topic) {
  return session.client().subscribe_and_wait(
      topic, [&context](const bus::Delivery& delivery) { show_event<Event>(context, delivery); },
      context.timeout_or(answer_limit));
}

/// The broker has put on record who looks at what before this answers.
Result<void> follow_traffic(Context& context, Session& session, const std::string& pattern) {
  GUILD_TRY(const auto started,
            session.ask<messages::BusMonitorStarted>(
                "broker/monitor", messages::BusMonitor{pattern}, context.timeout_or(answer_limit)));
  return follow<messages::BusTraffic>(context, session, started.topic);
}

Result<Exit> monitor(Context& context, const MonitorArguments& arguments) {
  if (!arguments.pattern.empty()) GUILD_CHECK(bus::check_pattern(arguments.pattern));
  GUILD_TRY(Session session, Session::open(context));
  GUILD_CHECK(follow<messages::BusDenied>(context, session, "bus/denied"));
  GUILD_CHECK(follow<messages::BusClientEvent>(context, session, "bus/clients"));
  if (!arguments.pattern.empty()) GUILD_CHECK(follow_traffic(context, session, arguments.pattern));
  GUILD_TRY(const auto here, ask_clients(context, session));
  context.out.say(
      fmt::format("watching refusals and clients{}; {} sessions now",
                  arguments.pattern.empty() ? "" : " and the headers of " + arguments.pattern,
                  here.clients.size()));
  const auto end = std::chrono::steady_clock::now() + context.timeout_or(answer_limit);
  for (;;) {
    session.client().pump();
    context.out.flush();
    const Duration left =
        context.has_timeout() ? end - std::chrono::steady_clock::now() : longest_limit;
    if (left <= Duration::zero()) return Exit::ok;
    session.wait_once(left);
  }
}

}  // namespace

void add_bus_watch(Command& bus) {
  bus.add("stats", "what was published, delivered, queued and dropped, by client and topic")
      .runs(stats);
  bus.add("clients", "who is connected, subscribed and serving").runs(clients);
  const auto monitored = std::make_shared<MonitorArguments>();
  bus.add("monitor", "refusals, coming and going, and the headers of traffic, as they happen")
      .may_take("PATTERN", monitored->pattern, "whose traffic; none if left out. It is audited")
      .runs([monitored](Context& context) { return monitor(context, *monitored); });
}

}  // namespace guild::cli
