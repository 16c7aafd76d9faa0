// Connection: one SQLCipher file, opened and proven encrypted (DESIGN §4's order), and the
// statements on it. One thread at a time. Errors carry the codes below; nothing here throws or
// logs, and no error holds the key or a bound value. Codes: wrong_key (also a damaged first page),
// not_encrypted, cipher_missing, file_missing, schema_newer, schema_older, migration_changed,
// corrupt, not_a_database, disk_full, busy, io_error, outcome_unknown, constraint, read_only,
// no_memory, pragma_refused, sql. README.md says what each means for the caller. Source:
// https://www.zetetic.net/sqlcipher/sqlcipher-api/ , https://sqlite.org/c3ref/intro.html
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/assert.hpp"
#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "common/base/time.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace guild::storage {

enum class Mode {
  read_write,  ///< Creates the file when missing; the daemon that holds the lock, and nobody else.
  read_only,   ///< query_only: never creates, migrates or recovers. What the CLI reads with.
};

/// How long a transaction is tried. Time and chance come in here, so that tests need not wait.
struct Retry {
  Duration budget = std::chrono::seconds{10};  ///< In all, SQLite's own busy waits included.
  Duration first_pause = std::chrono::milliseconds{2};      ///< Doubles with each try…
  Duration longest_pause = std::chrono::milliseconds{250};  ///< …up to here.
  // Empty: the steady clock, a real sleep, a real generator.
  std::function<std::chrono::steady_clock::time_point()> now = {};
  std::function<void(Duration)> sleep = {};
  std::function<double()> chance =
      {};  ///< In [0, 1); a pause is between half and all of its length.
};

struct OpenOptions {
  std::filesystem::path path;
  Secret32 key;
  Mode mode = Mode::read_write;
  std::int64_t cache_kib = 8192;
  int busy_timeout_ms = 10'000;
  int wal_autocheckpoint_pages = 1000;
  Retry retry = {};
};

class Connection;

/// A prepared statement, cached by its Connection. Bind by position from 1; `step` answers whether
/// a row is there. Destruction resets it. Text and blob views are valid until the next step or
/// reset. Bound text and blobs are copied. After its connection was reopened every step fails.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, BytesView blob);
  Statement& bind(int index, std::nullptr_t);
  template <std::integral Integer>
  Statement& bind(int index, Integer value) {
    GUILD_ASSERT(std::in_range<std::int64_t>(value));
    return bind(index, static_cast<std::int64_t>(value));
  }
  /// NULL when empty.
  template <class Value>
  Statement& bind(int index, const std::optional<Value>& value) {
    return value ? bind(index, *value) : bind(index, nullptr);
  }
  /// Binds all, in order, from index 1.
  template <class... Values>
  Statement& bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  /// True: a row is there. False: done. A bind that failed is reported here.
  Result<bool> step();
  /// Steps to the end; for statements whose rows do not matter.
  Result<void> run();
  /// Ready for other values; keeps nothing bound.
  void reset();

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  BytesView blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class Connection;
  Statement(Connection& connection, sqlite3_stmt* statement, sqlite3_stmt** slot);
  bool is_stale() const;
  Error failure(int code) const;
  void note_bind(int code);

  Connection* connection_;
  sqlite3_stmt* statement_;
  sqlite3_stmt** slot_;       ///< Where the cache wants it back; null when it was prepared apart.
  std::uint64_t generation_;  ///< Of the open file it belongs to.
  int bind_error_ = 0;
};

class Connection {
 public:
  /// Opens, keys, sets and checks every pragma, proves encryption. Does not migrate. A new file is
  /// readable by its owner only. A file that is refused is left as it was.
  static Result<std::unique_ptr<Connection>> open(OpenOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// A cached statement for `sql`, which is a constant of the program, never built from input.
  /// The same text may be in use only once at a time (nested use is prepared apart).
  Result<Statement> prepare(std::string_view sql);
  /// prepare, bind all, run.
  template <class... Values>
  Result<void> execute(std::string_view sql, const Values&... values) {
    GUILD_TRY(Statement statement, prepare(sql));
    statement.bind_all(values...);
    return statement.run();
  }
  /// The first column of the first row, or nothing when there is no row or it is NULL.
  template <class... Values>
  Result<std::optional<std::int64_t>> query_integer(std::string_view sql, const Values&... values) {
    GUILD_TRY(Statement statement, prepare(sql));
    statement.bind_all(values...);
    GUILD_TRY(const bool row, statement.step());
    if (!row || statement.is_null(0)) return std::optional<std::int64_t>{};
    return std::optional<std::int64_t>{statement.integer(0)};
  }
  /// Several statements at once, for migrations and pragmas; never with a secret in the text.
  Result<void> execute_script(const std::string& sql);

  std::int64_t last_insert_rowid() const;
  std::int64_t changes() const;
  const std::filesystem::path& path() const;

  /// Runs `work` in BEGIN IMMEDIATE … COMMIT. Busy, locked: the whole of it again, exponential
  /// backoff with jitter, until the retry budget (10 s) is used up. A damaged page, "not a
  /// database" or an I/O error after an earlier good read: closes, reopens once, and runs the whole
  /// of it again. Any other failure rolls back and is returned. `work` may run several times, so it
  /// must not act outside the transaction. A transaction in a transaction is our bug
  /// (GUILD_ASSERT). A disk that fails at COMMIT itself leaves it unknown whether the transaction
  /// will be there after a restart; then nothing is retried, and everything from there on answers
  /// `outcome_unknown`: exit and replay.
  Result<void> transaction(const std::function<Result<void>(Connection&)>& work);
  /// As above, deferred and read only: one consistent snapshot for several reads. Inside a
  /// transaction it just runs `work`, which sees that transaction.
  Result<void> snapshot(const std::function<Result<void>(Connection&)>& work);

  /// Inside a transaction: when `work` fails for reasons of its own it is undone alone (savepoint),
  /// and its error is what this answers; nothing when it was done. An Error in place of that is the
  /// file's: the transaction cannot go on.
  Result<std::optional<Error>> attempt(const std::function<Result<void>(Connection&)>& work);

  /// Encrypts the whole file anew. Not inside a transaction; needs room for a second copy in the
  /// WAL.
  Result<void> rekey(const Secret32& key);

  /// How often transactions were retried and the file reopened; for metrics.
  struct Counters {
    std::uint64_t transactions = 0, retries = 0, reconnects = 0, busy = 0;
  };
  const Counters& counters() const;

  /// Null while a reopen has failed; another one after a reopen.
  sqlite3* handle();

  struct State;  ///< Of this room only (state.hpp).
  State& state() { return *state_; }

 private:
  explicit Connection(OpenOptions options);
  std::unique_ptr<State> state_;
};

/// SQLCipher's page HMAC check (`cipher_integrity_check`), then SQLite's whole integrity check:
/// empty when sound, else what it found. Safe on a file that others write.
Result<std::vector<std::string>> check_integrity(Connection& connection);
/// "wal", for reports.
Result<std::string> journal_mode(Connection& connection);

}  // namespace guild::storage
