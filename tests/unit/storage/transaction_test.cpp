// Transactions: whole or not at all, retried whole, and never on a handle that failed.
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests/unit/storage/faulty_disk.hpp"
#include "tests/unit/storage/scratch.hpp"

namespace guild::storage::test {
namespace {

using std::chrono::milliseconds;

Result<void> insert(Connection& connection, int id) {
  return connection.execute("INSERT INTO t (id, body) VALUES (?1, ?2)", id, row_body(id));
}

std::unexpected<Error> refusal() { return fail(ErrorKind::invalid, "refused", "not this one"); }

/// A page of the table's b-tree, past its first: a full scan meets it, a search for row 1 does not.
void damage_middle(const std::filesystem::path& path) {
  scribble(path, page_bytes * 10 + 100, "damage");
}

Result<std::int64_t> scan(Connection& connection) {
  GUILD_TRY(const auto sum, connection.query_integer("SELECT sum(length(body)) FROM t"));
  return sum.value_or(0);
}

/// One megabyte, mounted on a folder until the end, where that is allowed.
class Tmpfs {
 public:
  explicit Tmpfs(std::filesystem::path on)
      : path_(std::move(on)),
        is_mounted_(mount("guild-test", path_.c_str(), "tmpfs", 0, "size=1m") == 0) {}
  ~Tmpfs() {
    if (is_mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  Tmpfs(const Tmpfs&) = delete;
  Tmpfs& operator=(const Tmpfs&) = delete;

  bool is_mounted() const { return is_mounted_; }
  bool grow() const {
    return mount("guild-test", path_.c_str(), "tmpfs", MS_REMOUNT, "size=8m") == 0;
  }

 private:
  std::filesystem::path path_;
  bool is_mounted_;
};

struct Filled {
  explicit Filled(int rows = 300, FaultyDisk& faulty = FaultyDisk::install()) : disk(faulty) {
    fill(*opened(path), rows);
    OpenOptions options = options_for(path);
    options.retry = time.retry();
    connection = opened(options);
  }
  ~Filled() { disk.heal(); }
  Filled(const Filled&) = delete;
  Filled& operator=(const Filled&) = delete;

  FaultyDisk& disk;
  Folder folder;
  std::filesystem::path path = folder.path("a.db");
  FakeTime time;
  std::unique_ptr<Connection> connection;
};

}  // namespace

TEST_CASE("a transaction whose work fails leaves nothing") {
  Filled file(10);
  const auto done = file.connection->transaction([](Connection& at) -> Result<void> {
    GUILD_CHECK(insert(at, 11));
    return refusal();
  });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "refused");
  CHECK(count_rows(*file.connection) == 10);
  CHECK(file.connection->counters().retries == 0);
}

TEST_CASE("what is attempted in a transaction is undone alone, with what was attempted in it") {
  Filled file(10);
  const auto done = file.connection->transaction([](Connection& at) -> Result<void> {
    GUILD_CHECK(insert(at, 11));
    const auto outer = at.attempt([](Connection& within) -> Result<void> {
      GUILD_CHECK(insert(within, 12));
      GUILD_TRY(const auto inner,
                within.attempt([](Connection& deep) { return insert(deep, 12); }));
      CHECK(inner->code == "constraint");
      GUILD_TRY(const auto fine, within.attempt([](Connection& deep) { return insert(deep, 13); }));
      CHECK_FALSE(fine);
      return refusal();
    });
    REQUIRE(outer);
    CHECK(outer->value().code == "refused");
    return insert(at, 14);
  });
  REQUIRE(done);
  CHECK(count_rows(*file.connection) == 12);
}

TEST_CASE("what the disk refuses in an attempt is the transaction's, not the work's") {
  Filled file;
  file.disk.main_reads = 1;
  int runs = 0;
  const auto done = file.connection->transaction([&runs](Connection& at) -> Result<void> {
    ++runs;
    GUILD_TRY(const auto refused, at.attempt([](Connection& within) -> Result<void> {
      GUILD_CHECK(scan(within));
      return {};
    }));
    CHECK_FALSE(refused);
    return {};
  });
  CHECK(done);
  CHECK(runs == 2);
}

TEST_CASE("a transaction waits for another connection's lock and then commits once") {
  Filled file(10);
  const auto other = opened(file.path);
  must(other->execute_script("BEGIN IMMEDIATE"));
  file.time.on_pause = [&](std::size_t pause) {
    if (pause == 3) must(other->execute_script("COMMIT"));
  };
  int runs = 0;
  must(file.connection->transaction([&](Connection& at) {
    ++runs;
    return insert(at, 11);
  }));
  CHECK(runs == 1);
  CHECK(count_rows(*file.connection) == 11);
  CHECK(file.time.pauses.size() == 3);
  CHECK(file.connection->counters().retries == 3);
  CHECK(file.connection->counters().busy == 3);
  CHECK(file.connection->counters().reconnects == 0);
}

TEST_CASE("pauses double up to their limit, each between half and all of its length") {
  for (const double chance : {0.0, 0.5, 0.999}) {
    CAPTURE(chance);
    Filled file(10);
    file.time.chance = chance;
    const auto other = opened(file.path);
    must(other->execute_script("BEGIN IMMEDIATE"));
    CHECK_FALSE(file.connection->transaction([](Connection& at) { return insert(at, 11); }));
    Duration whole = milliseconds{2};
    for (std::size_t i = 0; i + 1 < file.time.pauses.size(); ++i) {
      CHECK(file.time.pauses[i] >= whole / 2);
      CHECK(file.time.pauses[i] < whole);
      whole = std::min<Duration>(whole * 2, milliseconds{250});
    }
  }
}

TEST_CASE("the budget is ten seconds, to the nanosecond, and then the error is clear") {
  Filled file(10);
  const auto other = opened(file.path);
  must(other->execute_script("BEGIN IMMEDIATE"));
  int runs = 0;
  const auto done = file.connection->transaction([&](Connection&) -> Result<void> {
    ++runs;
    return {};
  });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "busy");
  CHECK(done.error().kind == ErrorKind::unavailable);
  CHECK(done.error().message.find("tries in 10s") != std::string::npos);
  CHECK(file.time.slept() == std::chrono::seconds{10});
  CHECK(runs == 0);
}

TEST_CASE("SQLite's own waiting counts towards the budget") {
  Filled file(10);
  OpenOptions options = options_for(file.path);
  options.busy_timeout_ms = 10'000;
  options.retry = file.time.retry();
  options.retry.budget = milliseconds{1};
  const auto connection = opened(options);
  std::int64_t inside = -1;
  must(connection->transaction([&](Connection& at) -> Result<void> {
    GUILD_TRY(const auto timeout, at.query_integer("PRAGMA busy_timeout"));
    inside = timeout.value_or(-1);
    return {};
  }));
  CHECK(inside == 1);  // What is left of the budget, not ten seconds on top of it.
  CHECK(must(connection->query_integer("PRAGMA busy_timeout")) == 10'000);
}

TEST_CASE("a lock held by another process is waited for too") {
  Filled file(10);
  int ready[2];
  int release[2];
  REQUIRE(pipe(ready) == 0);
  REQUIRE(pipe(release) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto other = Connection::open(options_for(file.path));
    char byte = other && (*other)->execute_script("BEGIN IMMEDIATE") ? 'r' : 'x';
    if (write(ready[1], &byte, 1) != 1 || read(release[0], &byte, 1) != 1) _exit(1);
    _exit((*other)->execute_script("COMMIT") ? 0 : 1);
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  REQUIRE(byte == 'r');
  int status = -1;
  file.time.on_pause = [&](std::size_t pause) {
    if (pause != 2) return;
    REQUIRE(write(release[1], "g", 1) == 1);
    REQUIRE(waitpid(child, &status, 0) == child);
  };
  must(file.connection->transaction([](Connection& at) { return insert(at, 11); }));
  CHECK(status == 0);
  CHECK(file.time.pauses.size() == 2);
  for (const int fd : {ready[0], ready[1], release[0], release[1]}) close(fd);
}

TEST_CASE("after an I/O error in its work a transaction is run again on a fresh handle") {
  Filled file;
  const auto old_generation = file.connection->counters().reconnects;
  int runs = 0;
  std::int64_t sum = 0;
  must(file.connection->transaction([&](Connection& at) -> Result<void> {
    if (++runs == 1) file.disk.main_reads = 1;
    GUILD_CHECK(insert(at, 1000 + runs));
    GUILD_TRY(sum, scan(at));
    return {};
  }));
  CHECK(runs == 2);
  CHECK(sum > 0);
  CHECK(file.connection->counters().reconnects == old_generation + 1);
  CHECK(file.time.pauses.empty());
  // The first run's row went with the first run.
  CHECK(must(file.connection->query_integer("SELECT count(*) FROM t WHERE id > 1000")) == 1);
}

TEST_CASE("a page that is damaged for a moment is read by the second run") {
  Filled file;
  const std::string good = bytes_of(file.path).substr(page_bytes * 10 + 100, 6);
  damage_middle(file.path);
  int runs = 0;
  must(file.connection->transaction([&](Connection& at) -> Result<void> {
    if (++runs == 2) scribble(file.path, page_bytes * 10 + 100, good);
    GUILD_CHECK(scan(at));
    return {};
  }));
  CHECK(runs == 2);
  CHECK(file.connection->counters().reconnects == 1);
}

TEST_CASE("a page that stays damaged is reported, after one reopen, and the rest is still served") {
  Filled file;
  damage_middle(file.path);
  int runs = 0;
  const auto done = file.connection->transaction([&](Connection& at) -> Result<void> {
    ++runs;
    GUILD_CHECK(scan(at));
    return {};
  });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "corrupt");
  CHECK(done.error().message.find("HMAC") != std::string::npos);
  CHECK(done.error().next_step.find("backup") != std::string::npos);
  CHECK(runs == 2);
  CHECK(file.connection->counters().reconnects == 1);
  // SQLCipher would answer "out of memory" to everything on the old handle.
  CHECK(must(file.connection->query_integer("SELECT count(*) FROM t WHERE id = 1")) == 1);
}

TEST_CASE("inside a transaction nothing reopens, and what follows the damage repeats its cause") {
  Filled file;
  damage_middle(file.path);
  std::vector<std::string> codes;
  CHECK_FALSE(file.connection->transaction([&](Connection& at) -> Result<void> {
    const sqlite3* handle = at.handle();
    const auto first = scan(at);
    const auto second = at.query_integer("SELECT count(*) FROM t WHERE id = 1");
    CHECK(at.handle() == handle);
    REQUIRE_FALSE(first);
    codes.push_back(first.error().code);
    if (!second) codes.push_back(second.error().code);
    return fail(first.error());
  }));
  for (const std::string& code : codes) CHECK(code == "corrupt");
}

TEST_CASE("work that passes over a damaged page does not commit") {
  Filled file;
  damage_middle(file.path);
  const auto done = file.connection->transaction([&](Connection& at) -> Result<void> {
    GUILD_CHECK(insert(at, 1001));
    (void)scan(at);
    return {};
  });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "corrupt");
  CHECK(must(file.connection->query_integer("SELECT count(*) FROM t WHERE id = 1001")) == 0);
}

TEST_CASE("a reopen never makes a new file where the old one was") {
  Filled file;
  damage_middle(file.path);
  CHECK_FALSE(scan(*file.connection));
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(file.path.string() + suffix);
  const auto done = scan(*file.connection);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "file_missing");
  CHECK_FALSE(std::filesystem::exists(file.path));
}

TEST_CASE("a statement from before a reopen fails, though its old handle could go on") {
  Filled file;
  Statement early = must(file.connection->prepare("SELECT id FROM t ORDER BY id"));
  REQUIRE(must(early.step()));
  file.disk.main_reads = 1;
  CHECK_FALSE(scan(*file.connection));
  CHECK(must(file.connection->query_integer("SELECT 1")) == 1);
  REQUIRE(file.connection->counters().reconnects == 1);
  CHECK_FALSE(early.step());
}

TEST_CASE("a reopen uses the key that a rekey gave") {
  Filled file;
  must(file.connection->rekey(other_key()));
  damage_middle(file.path);
  CHECK_FALSE(scan(*file.connection));
  CHECK(must(file.connection->query_integer("SELECT count(*) FROM t WHERE id = 1")) == 1);
  CHECK(file.connection->counters().reconnects == 1);
}

// SQLCipher itself would answer OK to the next two, and the old key would be thrown away.
TEST_CASE("a rekey on a full disk is told as failed, and the old key holds") {
  Filled file;
  file.disk.wal_writes_full = 1;
  const auto done = file.connection->rekey(other_key());
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "rekey_failed");
  CHECK(count_rows(*file.connection) == 300);
  file.connection.reset();
  CHECK(count_rows(*opened(file.path)) == 300);
}

TEST_CASE("a rekey while another connection writes is told as failed, and the old key holds") {
  Filled file;
  const auto other = opened(file.path);
  must(other->execute_script("BEGIN IMMEDIATE"));
  const auto done = file.connection->rekey(other_key());
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "rekey_failed");
  must(other->execute_script("COMMIT"));
  must(file.connection->transaction([](Connection& at) { return insert(at, 1001); }));
  CHECK(count_rows(*other) == 301);
}

TEST_CASE("a full disk undoes the transaction whole, and the next may succeed") {
  Filled file(10);
  file.disk.wal_writes_full = 1;
  const auto done = file.connection->transaction([](Connection& at) { return insert(at, 11); });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "disk_full");
  CHECK(done.error().kind == ErrorKind::exhausted);
  CHECK(done.error().next_step.find("free space") != std::string::npos);
  CHECK(count_rows(*file.connection) == 10);
  CHECK(file.connection->counters().retries == 0);
  must(file.connection->transaction([](Connection& at) { return insert(at, 11); }));
  file.connection.reset();
  CHECK(count_rows(*opened(file.path)) == 11);
}

TEST_CASE("a disk that is full at a checkpoint costs nothing that was committed") {
  Filled file(10);
  file.disk.main_writes_full = 1'000'000;
  must(file.connection->execute_script("PRAGMA wal_autocheckpoint=1"));
  must(file.connection->transaction([](Connection& at) { return insert(at, 11); }));
  file.disk.heal();
  CHECK(count_rows(*file.connection) == 11);
}

/// Its own run of this program (see meson.build), so that a skip is reported as one.
TEST_CASE("a really full disk, a tmpfs of one megabyte", "[.tmpfs]") {
  const Folder folder;
  const Tmpfs tmpfs(folder.path());
  if (!tmpfs.is_mounted()) {
    std::filesystem::remove(folder.path());
    std::fputs("SKIPPED: mounting a tmpfs needs root; the full disk was only simulated\n", stderr);
    std::_Exit(77);
  }
  std::unique_ptr<Connection> connection = opened(folder.path("a.db"));
  fill(*connection, 10);
  Result<void> done;
  int rows = 10;
  while (done && rows < 100'000)
    done = connection->transaction([&](Connection& at) -> Result<void> {
      for (int id = rows + 1; id <= rows + 100; ++id) GUILD_CHECK(insert(at, id));
      rows += 100;
      return {};
    });
  CHECK_FALSE(done);
  if (!done) CHECK(done.error().code == "disk_full");
  CHECK(count_rows(*connection) == rows - 100);
  // Making room is all it takes.
  REQUIRE(tmpfs.grow());
  const auto after = connection->transaction([&](Connection& at) { return insert(at, rows + 1); });
  CHECK(after);
  CHECK(must(check_integrity(*connection)).empty());
}

TEST_CASE("a disk that fails at COMMIT makes the outcome unknown, for good") {
  Filled file(10);
  int runs = 0;
  file.disk.wal_syncs = 1;
  const auto done = file.connection->transaction([&](Connection& at) {
    ++runs;
    return insert(at, 11);
  });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "outcome_unknown");
  CHECK(runs == 1);
  const auto next = file.connection->transaction([](Connection& at) { return insert(at, 12); });
  REQUIRE_FALSE(next);
  CHECK(next.error().code == "outcome_unknown");
  CHECK(file.connection->counters().reconnects == 0);
  // The next start finds one whole state or the other.
  file.connection.reset();
  const std::int64_t rows = count_rows(*opened(file.path));
  CHECK((rows == 10 || rows == 11));
}

TEST_CASE("a transaction ended inside its own work is an error") {
  Filled file(10);
  const auto done = file.connection->transaction([](Connection& at) -> Result<void> {
    GUILD_CHECK(insert(at, 11));
    return at.execute("ROLLBACK");
  });
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("ended inside its work") != std::string::npos);
  CHECK(count_rows(*file.connection) == 10);
}

TEST_CASE("a foreign key that fails at COMMIT is an answer, not a lost file") {
  Filled file(10);
  must(file.connection->execute_script(
      "CREATE TABLE child (t INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)"));
  const auto done = file.connection->transaction(
      [](Connection& at) { return at.execute("INSERT INTO child VALUES (?1)", 999); });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "constraint");
  must(file.connection->transaction([](Connection& at) { return insert(at, 11); }));
}

TEST_CASE("a snapshot does not move while others write") {
  Filled file(10);
  const auto other = opened(file.path);
  std::vector<std::int64_t> seen;
  must(file.connection->snapshot([&](Connection& at) -> Result<void> {
    seen.push_back(count_rows(at));
    GUILD_CHECK(other->transaction([](Connection& there) { return insert(there, 11); }));
    seen.push_back(count_rows(at));
    return {};
  }));
  CHECK(seen == std::vector<std::int64_t>{10, 10});
  CHECK(count_rows(*file.connection) == 11);
}

TEST_CASE("a snapshot that writes is refused, and writes nothing") {
  Filled file(10);
  const auto done = file.connection->snapshot([](Connection& at) { return insert(at, 11); });
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "read_only");
  CHECK(count_rows(*file.connection) == 10);
}

TEST_CASE("a snapshot inside a transaction sees that transaction") {
  Filled file(10);
  std::int64_t seen = 0;
  must(file.connection->transaction([&](Connection& at) -> Result<void> {
    GUILD_CHECK(insert(at, 11));
    return at.snapshot([&](Connection& inner) -> Result<void> {
      seen = count_rows(inner);
      return {};
    });
  }));
  CHECK(seen == 11);
}

TEST_CASE("a sound file passes the integrity check, a damaged page is found by number") {
  Filled file;
  CHECK(must(check_integrity(*file.connection)).empty());
  damage_middle(file.path);
  const auto found = must(check_integrity(*file.connection));
  REQUIRE(found.size() == 1);
  CHECK(found[0].find("page 11") != std::string::npos);
}

TEST_CASE("a file cut short is refused as corrupt") {
  Filled file;
  file.connection.reset();
  std::filesystem::resize_file(file.path, page_bytes * 10);
  CHECK(refused(options_for(file.path)).code == "corrupt");
}

TEST_CASE("a file of zeros, as some file systems leave after a power cut, is not taken for new") {
  Filled file;
  file.connection.reset();
  const std::string zeros(static_cast<std::size_t>(page_bytes), '\0');
  scribble(file.path, 0, zeros);
  CHECK(refused(options_for(file.path)).code == "wrong_key");
  CHECK(bytes_of(file.path).substr(0, zeros.size()) == zeros);
}

TEST_CASE("pages swapped within a file are found: the HMAC covers the page number") {
  Filled file;
  file.connection.reset();
  const std::string bytes = bytes_of(file.path);
  const auto page = [&](std::size_t number) {
    return bytes.substr(static_cast<std::size_t>(page_bytes) * (number - 1),
                        static_cast<std::size_t>(page_bytes));
  };
  scribble(file.path, page_bytes * 9, page(12));
  scribble(file.path, page_bytes * 11, page(10));
  const auto connection = opened(file.path);
  CHECK(must(check_integrity(*connection)).size() == 2);
}

}  // namespace guild::storage::test
