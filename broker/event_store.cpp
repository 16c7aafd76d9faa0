#include "broker/event_store.hpp"

#include <fmt/format.h>

#include <boost/describe/enum_to_string.hpp>

#include "common/base/complain.hpp"

namespace guild::broker {
namespace {

constexpr std::size_t waiting_max = 4'096;

Result<void> insert(storage::Connection& connection, const messages::BusDenied& denied) {
  GUILD_CHECK(connection.execute(
      "INSERT INTO denials (time, reason, client, key, operation, topic, count)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)",
      denied.time.ns, std::string_view(denied.reason), std::string_view(denied.client),
      std::string_view(denied.key), std::string_view(denied.operation),
      std::string_view(denied.topic), denied.count));
  // By the primary key: one row goes for one that came.
  return connection.execute("DELETE FROM denials WHERE id <= ?",
                            connection.last_insert_rowid() - EventStore::rows_max);
}

Result<void> insert(storage::Connection& connection, const messages::BusAudit& audit) {
  const std::string_view action = boost::describe::enum_to_string(audit.action, "");
  GUILD_CHECK(connection.execute(
      "INSERT INTO audits (time, client, action, pattern) VALUES (?, ?, ?, ?)", audit.time.ns,
      std::string_view(audit.client), action, std::string_view(audit.pattern)));
  return connection.execute("DELETE FROM audits WHERE id <= ?",
                            connection.last_insert_rowid() - EventStore::rows_max);
}

}  // namespace

EventStore::EventStore(std::unique_ptr<storage::Connection> connection)
    : writer_(std::move(connection), {.waiting_max = waiting_max}) {}

void EventStore::add(const messages::BusDenied& denied) {
  submit([denied](storage::Connection& connection) { return insert(connection, denied); });
}

void EventStore::add(const messages::BusAudit& audit) {
  submit([audit](storage::Connection& connection) { return insert(connection, audit); });
}

void EventStore::submit(std::function<Result<void>(storage::Connection&)> insert) {
  const auto submitted = writer_.submit(std::move(insert), [this](const Result<void>& done) {
    if (!done) lose(done.error());
  });
  if (!submitted) lose(submitted.error());
}

void EventStore::lose(const Error& error) {
  // Once is enough to be told; the count is in the metrics.
  if (lost_.fetch_add(1) == 0)
    complain("broker",
             fmt::format("cannot store an event, and will not say so again: {}", error.text()));
}

}  // namespace guild::broker
