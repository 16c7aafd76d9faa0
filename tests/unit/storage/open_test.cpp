// Opening: what is created, what is proven, what is refused and left as it was.
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "common/storage/migrations.hpp"
#include "tests/unit/storage/scratch.hpp"

namespace guild::storage::test {
namespace {

constexpr std::string_view magic = "SQLite format 3";
constexpr std::string_view payload = "a payload that must not be in clear";

unsigned mode_of(const std::filesystem::path& path) {
  struct stat found{};
  REQUIRE(stat(path.c_str(), &found) == 0);
  return found.st_mode & 0777U;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A plaintext file, as any other program would make it.
void make_plaintext(const std::filesystem::path& path) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)", nullptr,
                       nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  REQUIRE(contains(bytes_of(path), magic));
}

std::int64_t pragma(Connection& connection, std::string_view name) {
  return must(connection.query_integer(name)).value();
}

void check_keeps_key_secret(const Error& error) {
  const std::string hex = to_hex(test_key().reveal());
  for (const std::string_view part : {std::string_view(hex), std::string_view(hex).substr(0, 8)}) {
    CHECK_FALSE(contains(error.message, part));
    CHECK_FALSE(contains(error.next_step, part));
  }
}

}  // namespace

TEST_CASE("what was written is there after a reopen") {
  const Folder folder;
  fill(*opened(folder.path("a.db")), 100);
  const auto again = opened(folder.path("a.db"));
  REQUIRE(count_rows(*again) == 100);
}

TEST_CASE("a new file and its side files are for the owner only") {
  const Folder folder;
  const auto connection = opened(folder.path("a.db"));
  fill(*connection, 10);
  for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) {
    CAPTURE(name);
    CHECK(mode_of(folder.path(name)) == 0600U);
  }
}

TEST_CASE("the pragmas of the contract hold") {
  const Folder folder;
  OpenOptions options = options_for(folder.path("a.db"));
  options.busy_timeout_ms = 10'000;
  options.cache_kib = 777;
  options.wal_autocheckpoint_pages = 55;
  const auto connection = opened(options);
  CHECK(pragma(*connection, "PRAGMA busy_timeout") == 10'000);
  CHECK(pragma(*connection, "PRAGMA synchronous") == 2);
  CHECK(pragma(*connection, "PRAGMA foreign_keys") == 1);
  CHECK(pragma(*connection, "PRAGMA trusted_schema") == 0);
  CHECK(pragma(*connection, "PRAGMA cache_size") == -777);
  CHECK(pragma(*connection, "PRAGMA wal_autocheckpoint") == 55);
  Statement journal = must(connection->prepare("PRAGMA journal_mode"));
  REQUIRE(must(journal.step()));
  CHECK(journal.text(0) == "wal");
}

TEST_CASE("a pragma that does not take is refused, not passed over") {
  const Folder folder;
  OpenOptions options = options_for(folder.path("a.db"));
  options.busy_timeout_ms = -5;  // SQLite makes this 0.
  const Error error = refused(options);
  CHECK(error.code == "pragma_refused");
  CHECK(contains(error.message, "PRAGMA busy_timeout is 0, not -5"));
}

TEST_CASE("neither SQLite's mark nor the payload is in clear on disk") {
  const Folder folder;
  const auto connection = opened(folder.path("a.db"));
  fill(*connection, 500);
  must(connection->execute("INSERT INTO t (id, body) VALUES (?1, ?2)", 9999, payload));
  for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) {
    CAPTURE(name);
    const std::string bytes = bytes_of(folder.path(name));
    CHECK_FALSE(contains(bytes, magic));
    CHECK_FALSE(contains(bytes, payload));
    CHECK_FALSE(contains(bytes, "the body of row"));
    CHECK_FALSE(contains(bytes, "CREATE TABLE"));
  }
  must(connection->execute_script("PRAGMA wal_checkpoint(TRUNCATE)"));
  const std::string bytes = bytes_of(folder.path("a.db"));
  CHECK(bytes.size() > 20 * page_bytes);
  CHECK_FALSE(contains(bytes, payload));
}

TEST_CASE("a wrong key is named as such and touches nothing") {
  const Folder folder;
  fill(*opened(folder.path("a.db")), 100);
  const std::string before = bytes_of(folder.path("a.db"));
  for (const Mode mode : {Mode::read_write, Mode::read_only}) {
    OpenOptions options = options_for(folder.path("a.db"), mode);
    options.key = other_key();
    const Error error = refused(options);
    CHECK(error.code == "wrong_key");
    CHECK(contains(error.message, "wrong key or damaged first page"));
    CHECK_FALSE(error.next_step.empty());
    check_keeps_key_secret(error);
  }
  CHECK(bytes_of(folder.path("a.db")) == before);
}

TEST_CASE("a wrong key does not touch what a crash left in the WAL") {
  const Folder folder;
  {
    const auto connection = opened(folder.path("a.db"));
    fill(*connection, 100);
    for (const char* suffix : {"", "-wal"})
      std::filesystem::copy_file(folder.path(std::string("a.db") + suffix),
                                 folder.path(std::string("crashed.db") + suffix));
  }
  const std::string wal = bytes_of(folder.path("crashed.db-wal"));
  REQUIRE(wal.size() > page_bytes);
  OpenOptions options = options_for(folder.path("crashed.db"));
  options.key = other_key();
  CHECK(refused(options).code == "wrong_key");
  CHECK(bytes_of(folder.path("crashed.db-wal")) == wal);
  CHECK(count_rows(*opened(folder.path("crashed.db"))) == 100);
}

TEST_CASE("a plaintext file under the same name is refused, untouched") {
  const Folder folder;
  make_plaintext(folder.path("a.db"));
  const std::string before = bytes_of(folder.path("a.db"));
  for (const Mode mode : {Mode::read_write, Mode::read_only}) {
    const Error error = refused(options_for(folder.path("a.db"), mode));
    CHECK(error.code == "not_encrypted");
    CHECK(contains(error.message, "a.db"));
    CHECK_FALSE(error.next_step.empty());
    check_keeps_key_secret(error);
  }
  CHECK(bytes_of(folder.path("a.db")) == before);
  CHECK(folder.names() == std::vector<std::string>{"a.db"});
}

TEST_CASE("files that are no database at all are refused, untouched") {
  const Folder folder;
  // SQLite takes a file of one byte for an empty one.
  for (const std::size_t size : {2UZ, 15UZ, 16UZ, 1000UZ, 4096UZ, 9000UZ}) {
    CAPTURE(size);
    std::ofstream(folder.path("a.db")) << std::string(size, 'j');
    const Error error = refused(options_for(folder.path("a.db")));
    CHECK(error.code == "wrong_key");
    check_keeps_key_secret(error);
    CHECK(bytes_of(folder.path("a.db")) == std::string(size, 'j'));
  }
}

TEST_CASE("a damaged first page is refused at once") {
  const Folder folder;
  fill(*opened(folder.path("a.db")), 100);
  scribble(folder.path("a.db"), 200, "damage");
  FakeTime time;
  OpenOptions options = options_for(folder.path("a.db"));
  options.retry = time.retry();
  CHECK(refused(options).code == "wrong_key");
  CHECK(time.pauses.empty());
}

TEST_CASE("an empty file, as an open that crashed leaves it, becomes a database") {
  const Folder folder;
  std::ofstream(folder.path("a.db")).flush();
  const auto connection = opened(folder.path("a.db"));
  fill(*connection, 3);
  CHECK(count_rows(*connection) == 3);
}

TEST_CASE("a folder that is missing is named") {
  const Folder folder;
  const Error error = refused(options_for(folder.path("nowhere") / "a.db"));
  CHECK(error.code == "io_error");
  CHECK(contains(error.message, "nowhere"));
  check_keeps_key_secret(error);
}

TEST_CASE("a path that is a folder is refused") {
  const Folder folder;
  CHECK(refused(options_for(folder.path())).code == "io_error");
}

TEST_CASE("a reader never creates a file") {
  const Folder folder;
  const Error error = refused(options_for(folder.path("a.db"), Mode::read_only));
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(error.code == "file_missing");
  CHECK(folder.names().empty());
}

TEST_CASE("a reader reads a file that was closed, and the next writer clears up after it") {
  const Folder folder;
  fill(*opened(folder.path("a.db")), 100);
  REQUIRE(folder.names() == std::vector<std::string>{"a.db"});
  const std::string before = bytes_of(folder.path("a.db"));
  CHECK(count_rows(*opened(folder.path("a.db"), Mode::read_only)) == 100);
  CHECK(bytes_of(folder.path("a.db")) == before);
  CHECK(count_rows(*opened(folder.path("a.db"))) == 100);
  CHECK(folder.names() == std::vector<std::string>{"a.db"});
}

TEST_CASE("a reader follows a live writer") {
  const Folder folder;
  const auto writer = opened(folder.path("a.db"));
  fill(*writer, 100);
  const auto reader = opened(folder.path("a.db"), Mode::read_only);
  CHECK(count_rows(*reader) == 100);
  must(writer->execute("DELETE FROM t WHERE id <= 40"));
  CHECK(count_rows(*reader) == 60);
}

TEST_CASE("a reader sees what a crash left in the WAL, and leaves it there") {
  const Folder folder;
  const auto writer = opened(folder.path("a.db"));
  fill(*writer, 100);
  for (const char* suffix : {"", "-wal"})
    std::filesystem::copy_file(folder.path(std::string("a.db") + suffix),
                               folder.path(std::string("b.db") + suffix));
  const std::string file = bytes_of(folder.path("b.db"));
  const std::string wal = bytes_of(folder.path("b.db-wal"));
  CHECK(count_rows(*opened(folder.path("b.db"), Mode::read_only)) == 100);
  CHECK(bytes_of(folder.path("b.db")) == file);
  CHECK(bytes_of(folder.path("b.db-wal")) == wal);
}

TEST_CASE("a reader cannot write") {
  const Folder folder;
  fill(*opened(folder.path("a.db")), 10);
  const auto reader = opened(folder.path("a.db"), Mode::read_only);
  CHECK(pragma(*reader, "PRAGMA query_only") == 1);
  const auto inserted = reader->execute("INSERT INTO t (id, body) VALUES (99, 'x')");
  REQUIRE_FALSE(inserted);
  CHECK(inserted.error().code == "read_only");
  CHECK(count_rows(*reader) == 10);
}

TEST_CASE("an open waits for a lock, by our clock, and then gets in") {
  const Folder folder;
  const auto owner = opened(folder.path("a.db"));
  fill(*owner, 10);
  must(
      owner->execute_script("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; "
                            "INSERT INTO t (id, body) VALUES (11, 'x')"));
  FakeTime time;
  time.on_pause = [&](std::size_t pause) {
    if (pause == 3)
      must(owner->execute_script(
          "COMMIT; PRAGMA locking_mode=NORMAL; SELECT count(*) FROM sqlite_schema"));
  };
  OpenOptions options = options_for(folder.path("a.db"));
  options.retry = time.retry();
  const auto second = opened(options);
  CHECK(time.pauses.size() == 3);
  CHECK(count_rows(*second) == 11);
}

TEST_CASE("an open gives up when the lock outlasts the budget") {
  const Folder folder;
  const auto owner = opened(folder.path("a.db"));
  must(owner->execute_script("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x (y)"));
  FakeTime time;
  OpenOptions options = options_for(folder.path("a.db"));
  options.retry = time.retry();
  const Error error = refused(options);
  CHECK(error.code == "busy");
  CHECK(error.kind == ErrorKind::unavailable);
  CHECK(contains(error.message, "gave up after"));
  CHECK(time.slept() == std::chrono::seconds{10});
}

TEST_CASE("a rekeyed file opens with the new key only") {
  const Folder folder;
  {
    const auto connection = opened(folder.path("a.db"));
    fill(*connection, 200);
    must(connection->rekey(other_key()));
    CHECK(count_rows(*connection) == 200);
  }
  CHECK(refused(options_for(folder.path("a.db"))).code == "wrong_key");
  OpenOptions options = options_for(folder.path("a.db"));
  options.key = other_key();
  CHECK(count_rows(*opened(options)) == 200);
}

}  // namespace guild::storage::test
