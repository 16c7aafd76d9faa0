// Refusals and audits on disk: all of them up to the bound, the newest kept, the loss of one told
// once.
#include "broker/event_store.hpp"

#include <catch2/catch.hpp>

#include "broker/migrations.hpp"
#include "tests/unit/base/scratch_folder.hpp"

namespace guild::broker {
namespace {

const Secret32 key = Secret32::random();

std::unique_ptr<storage::Connection> open(const std::filesystem::path& folder) {
  auto connection = storage::Connection::open({.path = folder / "broker.db", .key = key});
  REQUIRE(connection);
  REQUIRE(storage::migrate(**connection, migrations));
  return std::move(*connection);
}

messages::BusDenied denial(std::int64_t number) {
  return {.reason = "key_unlisted",
          .client = "",
          .key = "00ff",
          .operation = "connect",
          .topic = "",
          .count = number,
          .time = Instant{number}};
}

TEST_CASE("refusals are there after the store was closed") {
  const ScratchFolder folder;
  {
    EventStore store(open(folder.path()));
    for (std::int64_t i = 1; i <= 50; ++i) store.add(denial(i));
    store.drain();
    CHECK(store.lost() == 0);
  }
  const auto connection = open(folder.path());
  CHECK(connection->query_integer("SELECT count(*) FROM denials").value() == 50);
  CHECK(connection->query_integer("SELECT max(count) FROM denials").value() == 50);
}

TEST_CASE("who monitored what is there after the store was closed") {
  const ScratchFolder folder;
  {
    EventStore store(open(folder.path()));
    messages::BusAudit audit{.client = "operator",
                             .action = messages::BusAction::monitor_started,
                             .pattern = "apps/**",
                             .time = Instant{5}};
    store.add(audit);
    audit.action = messages::BusAction::monitor_ended;
    store.add(audit);
    store.drain();
    CHECK(store.lost() == 0);
  }
  const auto connection = open(folder.path());
  CHECK(connection
            ->query_integer("SELECT count(*) FROM audits WHERE client = 'operator' AND pattern ="
                            " 'apps/**' AND action = 'monitor_started'")
            .value() == 1);
  CHECK(connection->query_integer("SELECT count(*) FROM audits").value() == 2);
}

TEST_CASE("the newest stay within the bound") {
  const ScratchFolder folder;
  {
    const auto connection = open(folder.path());
    // As if that many had been written: one row, far along.
    REQUIRE(
        connection->execute("INSERT INTO denials VALUES (1, 1, 'a', '', '', 'connect', '', 1)"));
    REQUIRE(connection->execute("INSERT INTO denials VALUES (?, 2, 'b', '', '', 'connect', '', 1)",
                                EventStore::rows_max));
  }
  EventStore store(open(folder.path()));
  store.add(denial(7));
  store.drain();
  const auto connection = open(folder.path());
  CHECK(connection->query_integer("SELECT min(id) FROM denials").value() == EventStore::rows_max);
  CHECK(connection->query_integer("SELECT max(id) FROM denials").value() ==
        EventStore::rows_max + 1);
}

TEST_CASE("a refusal that cannot be stored is counted, and costs nothing else") {
  const ScratchFolder folder;
  auto connection = open(folder.path());
  REQUIRE(connection->execute_script("DROP TABLE denials"));
  EventStore store(std::move(connection));
  store.add(denial(1));
  store.add(denial(2));
  store.drain();
  CHECK(store.lost() == 2);
}

}  // namespace
}  // namespace guild::broker
