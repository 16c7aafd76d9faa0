#include "common/storage/migrations.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/hash.hpp"

namespace guild::storage {
namespace {

constexpr const char* create_table =
    "CREATE TABLE IF NOT EXISTS guild_migrations ("
    "number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, "
    "applied_at_ns INTEGER NOT NULL) STRICT";

/// A gap would make "the last one" ambiguous; a misnumbered list is our bug.
void assert_numbered(std::span<const Migration> migrations) {
  std::int64_t expected = 0;
  for (const Migration& migration : migrations) GUILD_ASSERT(migration.number == ++expected);
}

Result<bool> has_table(Connection& connection) {
  GUILD_TRY(const auto found,
            connection.query_integer(
                "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'guild_migrations'"));
  return found.has_value();
}

std::unexpected<Error> newer(const Connection& connection, std::int64_t has, std::size_t known) {
  return fail(ErrorKind::conflict, "schema_newer",
              fmt::format("{}: its schema is at {}, this program knows {}",
                          connection.path().string(), has, known),
              "run the version that wrote the file, or a later one");
}

std::unexpected<Error> changed(const Connection& connection, const Migration& migration) {
  return fail(ErrorKind::conflict, "migration_changed",
              fmt::format("{}: migration {} ran with other text than this program has",
                          connection.path().string(), migration.name),
              "put its text back, and write what is new as the next migration");
}

Result<void> compare(const Connection& connection, const Migration& migration, BytesView recorded) {
  if (std::ranges::equal(recorded, sha256(as_bytes(migration.sql)))) return {};
  return changed(connection, migration);
}

/// Checks what the file has against `migrations`; answers how many it has.
Result<std::size_t> recorded_count(Connection& connection, std::span<const Migration> migrations) {
  GUILD_TRY(const std::int64_t version, schema_version(connection));
  if (std::cmp_greater(version, migrations.size()))
    return newer(connection, version, migrations.size());
  if (version == 0) return 0;
  GUILD_TRY(Statement statement,
            connection.prepare("SELECT number, sha256 FROM guild_migrations ORDER BY number"));
  std::size_t count = 0;
  while (true) {
    GUILD_TRY(const bool row, statement.step());
    if (!row) return count;
    const Migration& migration = migrations[count++];
    // A missing number means that someone edited the record.
    if (statement.integer(0) != migration.number) return changed(connection, migration);
    GUILD_CHECK(compare(connection, migration, statement.blob(1)));
  }
}

Result<void> record(Connection& connection, const Migration& migration) {
  const Digest digest = sha256(as_bytes(migration.sql));
  return connection.execute(
      "INSERT INTO guild_migrations (number, name, sha256, applied_at_ns) VALUES (?1, ?2, ?3, ?4)",
      migration.number, migration.name, BytesView{digest}, now().ns);
}

Result<void> apply(Connection& connection, const Migration& migration) {
  auto done = connection.execute_script(std::string(migration.sql));
  if (done) done = record(connection, migration);
  if (done) return {};
  return fail(std::move(done).error().while_doing(fmt::format("migration {}", migration.name)));
}

Result<int> apply_missing(Connection& connection, std::span<const Migration> migrations) {
  GUILD_CHECK(connection.execute(create_table));
  GUILD_TRY(const std::size_t count, recorded_count(connection, migrations));
  const auto missing = migrations.subspan(count);
  for (const Migration& migration : missing) GUILD_CHECK(apply(connection, migration));
  return static_cast<int>(missing.size());
}

/// One consistent look at the record.
Result<std::size_t> read_count(Connection& connection, std::span<const Migration> migrations) {
  std::size_t count = 0;
  GUILD_CHECK(connection.snapshot([&](Connection& at) -> Result<void> {
    GUILD_TRY(count, recorded_count(at, migrations));
    return {};
  }));
  return count;
}

}  // namespace

Result<int> migrate(Connection& connection, std::span<const Migration> migrations) {
  assert_numbered(migrations);
  GUILD_TRY(const std::size_t has, read_count(connection, migrations));
  if (has == migrations.size()) return 0;
  int ran = 0;
  GUILD_CHECK(connection.transaction([&](Connection& at) -> Result<void> {
    GUILD_TRY(ran, apply_missing(at, migrations));
    return {};
  }));
  return ran;
}

Result<std::int64_t> schema_version(Connection& connection) {
  GUILD_TRY(const bool recorded, has_table(connection));
  if (!recorded) return 0;
  GUILD_TRY(const auto last, connection.query_integer("SELECT max(number) FROM guild_migrations"));
  return last.value_or(0);
}

Result<void> require_schema(Connection& connection, std::span<const Migration> migrations) {
  assert_numbered(migrations);
  GUILD_TRY(const std::size_t has, read_count(connection, migrations));
  if (has == migrations.size()) return {};
  return fail(ErrorKind::conflict, "schema_older",
              fmt::format("{}: its schema is at {}, this program needs {}",
                          connection.path().string(), has, migrations.size()),
              "start the daemon that owns the file; it upgrades it");
}

}  // namespace guild::storage
