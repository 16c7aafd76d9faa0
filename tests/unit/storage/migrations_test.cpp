// Migrations: forward only, whole or not at all, and the text that ran is the text that is known.
#include <fstream>
#include <iterator>

#include "common/storage/migrations.hpp"
#include "tests/unit/storage/migrations.hpp"  // Made by scripts/embed_migrations.
#include "tests/unit/storage/scratch.hpp"

namespace guild::storage::test {
namespace {

constexpr std::array steps{
    Migration{1, "0001_a", "CREATE TABLE a (x INTEGER) STRICT;\nINSERT INTO a VALUES (1);"},
    Migration{2, "0002_b", "CREATE TABLE b (y INTEGER) STRICT;"},
    Migration{3, "0003_c", "INSERT INTO a VALUES (2); -- the end"},
};
constexpr std::span<const Migration> all{steps};

std::vector<std::string> tables(Connection& connection) {
  std::vector<std::string> names;
  Statement statement =
      must(connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"));
  while (must(statement.step())) names.emplace_back(statement.text(0));
  return names;
}

/// Two tables of its own and the record.
const std::vector<std::string> migrated{"a", "b", "guild_migrations"};

struct Opened {
  Folder folder;
  std::filesystem::path path = folder.path("a.db");
  std::unique_ptr<Connection> connection = opened(path);
};

}  // namespace

TEST_CASE("an empty file gets every migration, once") {
  Opened file;
  CHECK(must(schema_version(*file.connection)) == 0);
  CHECK(must(migrate(*file.connection, all)) == 3);
  CHECK(must(schema_version(*file.connection)) == 3);
  CHECK(tables(*file.connection) == migrated);
  CHECK(must(migrate(*file.connection, all)) == 0);
  CHECK(must(file.connection->query_integer("SELECT sum(x) FROM a")) == 3);
}

TEST_CASE("nothing is written when there is nothing to do") {
  Opened file;
  must(migrate(*file.connection, all));
  const std::string wal = bytes_of(file.path.string() + "-wal");
  CHECK(must(migrate(*opened(file.path), all)) == 0);
  CHECK(bytes_of(file.path.string() + "-wal") == wal);
}

TEST_CASE("a file that is up to date is not waited for while another writes") {
  Opened file;
  must(migrate(*file.connection, all));
  const auto other = opened(file.path);
  must(other->execute_script("BEGIN IMMEDIATE"));
  CHECK(must(migrate(*file.connection, all)) == 0);
  CHECK(file.connection->counters().busy == 0);
}

TEST_CASE("an older file is brought up, and keeps what it had") {
  Opened file;
  CHECK(must(migrate(*file.connection, all.first(1))) == 1);
  must(file.connection->execute("INSERT INTO a VALUES (?1)", 40));
  CHECK(must(migrate(*file.connection, all)) == 2);
  CHECK(must(file.connection->query_integer("SELECT sum(x) FROM a")) == 43);
}

TEST_CASE("a newer file is refused and left alone") {
  Opened file;
  must(migrate(*file.connection, all));
  const std::string wal = bytes_of(file.path.string() + "-wal");
  const auto done = migrate(*file.connection, all.first(2));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "schema_newer");
  CHECK(done.error().message.find("is at 3, this program knows 2") != std::string::npos);
  CHECK_FALSE(done.error().next_step.empty());
  CHECK(bytes_of(file.path.string() + "-wal") == wal);
}

TEST_CASE("a migration whose text changed after it ran is refused, even by a space") {
  Opened file;
  must(migrate(*file.connection, all));
  auto edited = steps;
  edited[1].sql = "CREATE TABLE b (y INTEGER) STRICT; ";
  const auto done = migrate(*file.connection, edited);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "migration_changed");
  CHECK(done.error().message.find("0002_b") != std::string::npos);
}

TEST_CASE("a record that someone edited is refused") {
  Opened file;
  must(migrate(*file.connection, all.first(2)));
  must(file.connection->execute("UPDATE guild_migrations SET number = ?1 WHERE number = 2", 3));
  const auto done = migrate(*file.connection, all);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "migration_changed");
}

TEST_CASE("a migration that fails half-way leaves nothing, of itself or those before it") {
  Opened file;
  auto broken = steps;
  broken[2].sql = "INSERT INTO a VALUES (2); CREATE TABLE c (z); INSERT INTO nowhere VALUES (3);";
  const auto done = migrate(*file.connection, broken);
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("migration 0003_c") != std::string::npos);
  CHECK(done.error().message.find("statement 3") != std::string::npos);
  CHECK(done.error().message.find("nowhere") != std::string::npos);
  CHECK(tables(*file.connection).empty());
  CHECK(must(schema_version(*file.connection)) == 0);
  CHECK(must(migrate(*file.connection, all)) == 3);
}

TEST_CASE("a migration cannot end the transaction it runs in") {
  for (const std::string_view word : {"COMMIT", "ROLLBACK", "BEGIN"}) {
    CAPTURE(std::string(word));
    Opened file;
    const std::string sql = "CREATE TABLE c (z); " + std::string(word) + "; CREATE TABLE d (z);";
    const std::array escaping{steps[0], Migration{2, "0002_escape", sql}};
    CHECK_FALSE(migrate(*file.connection, escaping));
    CHECK(tables(*file.connection).empty());
  }
}

TEST_CASE("VACUUM has no place in a migration") {
  Opened file;
  CHECK_FALSE(migrate(*file.connection, std::array{Migration{1, "0001_vacuum", "VACUUM;"}}));
  CHECK(must(schema_version(*file.connection)) == 0);
}

TEST_CASE("a reader reads the version and never migrates") {
  Opened file;
  must(migrate(*file.connection, all.first(2)));
  const auto reader = opened(file.path, Mode::read_only);
  CHECK(must(schema_version(*reader)) == 2);
  const auto done = migrate(*reader, all);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "read_only");
  CHECK(must(schema_version(*file.connection)) == 2);
}

TEST_CASE("a reader asks for exactly its schema") {
  Opened file;
  must(migrate(*file.connection, all.first(2)));
  const auto reader = opened(file.path, Mode::read_only);
  CHECK(require_schema(*reader, all.first(2)));
  const auto older = require_schema(*reader, all);
  REQUIRE_FALSE(older);
  CHECK(older.error().code == "schema_older");
  const auto newer = require_schema(*reader, all.first(1));
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code == "schema_newer");
}

TEST_CASE("embedded migrations are the files, byte for byte, and run") {
  constexpr auto& embedded = guild::storage_test::migrations;
  const std::array files{GUILD_TEST_MIGRATIONS};
  REQUIRE(embedded.size() == files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    CAPTURE(files[i]);
    CHECK(embedded[i].number == static_cast<std::int64_t>(i) + 1);
    CHECK(embedded[i].name == std::filesystem::path(files[i]).stem().string());
    CHECK((embedded[i].sql == bytes_of(files[i])));
  }
  CHECK(embedded[2].sql.size() > 65'536);  // More than compilers must take in one literal.
  Opened file;
  CHECK(must(migrate(*file.connection, embedded)) == 3);
  CHECK(must(file.connection->query_integer("SELECT count(*) FROM accounts")) == 2000);
}

}  // namespace guild::storage::test
