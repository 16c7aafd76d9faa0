// Statements: values in and out, the cache, and what their errors may say.
#include <sqlite3.h>

#include "tests/unit/storage/scratch.hpp"

namespace guild::storage::test {
namespace {

int prepared_count(Connection& connection) {
  int count = 0;
  for (sqlite3_stmt* at = sqlite3_next_stmt(connection.handle(), nullptr); at != nullptr;
       at = sqlite3_next_stmt(connection.handle(), at))
    ++count;
  return count;
}

struct Opened {
  Folder folder;
  std::unique_ptr<Connection> connection = opened(folder.path("a.db"));
};

}  // namespace

TEST_CASE("every kind of value comes back as it went in") {
  Opened file;
  const Bytes blob{0, 1, 255, 0};
  Statement statement = must(file.connection->prepare("SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"));
  statement.bind_all(std::int64_t{-5}, std::string("t\0xt", 4), BytesView(blob), nullptr,
                     std::string_view{}, BytesView{}, std::optional<std::int64_t>{},
                     std::optional<std::string>{"there"});
  REQUIRE(must(statement.step()));
  CHECK(statement.integer(0) == -5);
  CHECK(statement.text(1) == std::string_view("t\0xt", 4));
  CHECK(std::ranges::equal(statement.blob(2), blob));
  CHECK(statement.is_null(3));
  CHECK_FALSE(statement.is_null(4));
  CHECK(statement.text(4).empty());
  CHECK_FALSE(statement.is_null(5));
  CHECK(statement.blob(5).empty());
  CHECK(statement.is_null(6));
  CHECK(statement.text(7) == "there");
  CHECK_FALSE(must(statement.step()));
}

TEST_CASE("integers of every width bind, up to the ends of the range") {
  Opened file;
  Statement statement = must(file.connection->prepare("SELECT ?1, ?2, ?3, ?4"));
  statement.bind(1, 0).bind(2, std::uint8_t{200}).bind(3, std::size_t{1} << 40U);
  statement.bind(4, std::numeric_limits<std::int64_t>::min());
  REQUIRE(must(statement.step()));
  CHECK(statement.integer(0) == 0);
  CHECK(statement.integer(1) == 200);
  CHECK(statement.integer(2) == std::int64_t{1} << 40);
  CHECK(statement.integer(3) == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("a bind that failed is told by the step") {
  Opened file;
  Statement statement = must(file.connection->prepare("SELECT ?1"));
  statement.bind(2, 7);
  const auto stepped = statement.step();
  REQUIRE_FALSE(stepped);
  CHECK(stepped.error().code == "sql");
  statement.reset();
  statement.bind(1, 7);
  CHECK(must(statement.step()));
}

TEST_CASE("a statement is prepared once, and keeps nothing bound") {
  Opened file;
  fill(*file.connection, 5);
  const int before = prepared_count(*file.connection);
  for (int row = 1; row <= 5; ++row)
    CHECK(must(file.connection->query_integer("SELECT id FROM t WHERE id = ?1", row)) == row);
  CHECK(prepared_count(*file.connection) == before + 1);
  Statement statement = must(file.connection->prepare("SELECT id FROM t WHERE id = ?1"));
  CHECK_FALSE(must(statement.step()));
}

TEST_CASE("the same text may be in use twice at a time") {
  Opened file;
  fill(*file.connection, 3);
  constexpr std::string_view sql = "SELECT id FROM t ORDER BY id";
  must(file.connection->execute(sql));  // Now it is in the cache.
  Statement outer = must(file.connection->prepare(sql));
  int pairs = 0;
  while (must(outer.step())) {
    Statement inner = must(file.connection->prepare(sql));
    while (must(inner.step())) ++pairs;
  }
  CHECK(pairs == 9);
}

TEST_CASE("a constraint says which, and never the value") {
  Opened file;
  fill(*file.connection, 3);
  const auto inserted =
      file.connection->execute("INSERT INTO t (id, body) VALUES (?1, ?2)", 1, "a secret value");
  REQUIRE_FALSE(inserted);
  CHECK(inserted.error().code == "constraint");
  CHECK(inserted.error().kind == ErrorKind::conflict);
  CHECK(inserted.error().message.find("t.id") != std::string::npos);
  CHECK(inserted.error().message.find("secret") == std::string::npos);
}

TEST_CASE("an error of a statement with values never quotes them") {
  Opened file;
  must(file.connection->execute_script("CREATE VIRTUAL TABLE words USING fts5(body)"));
  // SQLite itself would say: fts5: syntax error near "secret" or: no such column: secret.
  for (const std::string_view query : {"\"secret", "secret:x", "AND secret"}) {
    const auto found =
        file.connection->query_integer("SELECT rowid FROM words WHERE words MATCH ?1", query);
    REQUIRE_FALSE(found);
    CAPTURE(found.error().text());
    CHECK(found.error().text().find("secret") == std::string::npos);
    CHECK(found.error().message.find("SELECT rowid FROM words") != std::string::npos);
  }
}

TEST_CASE("a mistake in our own SQL says what and where") {
  Opened file;
  const auto prepared = file.connection->prepare("SELECT x FROM nowhere");
  REQUIRE_FALSE(prepared);
  CHECK(prepared.error().code == "sql");
  CAPTURE(prepared.error().message);
  CHECK(prepared.error().message.find("no such table: nowhere") != std::string::npos);
}

TEST_CASE("a double-quoted word is a name, never a text") {
  Opened file;
  CHECK_FALSE(file.connection->prepare("SELECT \"typo\""));
}

TEST_CASE("full-text search kept by triggers works with an untrusted schema") {
  Opened file;
  must(file.connection->execute_script(
      "CREATE TABLE lines (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;"
      "CREATE VIRTUAL TABLE found USING fts5(body, content='lines', content_rowid='id');"
      "CREATE TRIGGER lines_insert AFTER INSERT ON lines BEGIN"
      "  INSERT INTO found(rowid, body) VALUES (new.id, new.body);"
      "END;"));
  must(file.connection->execute("INSERT INTO lines (body) VALUES (?1)", "the quick brown fox"));
  CHECK(must(file.connection->query_integer("SELECT rowid FROM found WHERE found MATCH ?1",
                                            "quick")) == 1);
}

TEST_CASE("a script runs to its first failure and says which statement it was") {
  Opened file;
  const auto ran = file.connection->execute_script(
      "-- a comment\nCREATE TABLE a (x);\n;\nCREATE TABLE a (x);\nCREATE TABLE b (x);\n-- end");
  REQUIRE_FALSE(ran);
  CHECK(ran.error().message.find("table a already exists") != std::string::npos);
  CHECK(must(file.connection->query_integer("SELECT count(*) FROM sqlite_schema")) == 1);
}

TEST_CASE("foreign keys are enforced") {
  Opened file;
  must(file.connection->execute_script(
      "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
      "CREATE TABLE child (parent INTEGER NOT NULL REFERENCES parent (id));"));
  const auto inserted = file.connection->execute("INSERT INTO child VALUES (?1)", 7);
  REQUIRE_FALSE(inserted);
  CHECK(inserted.error().code == "constraint");
}

}  // namespace guild::storage::test
