#include "common/storage/connection.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "common/storage/state.hpp"

namespace guild::storage {
namespace {

using Instant = std::chrono::steady_clock::time_point;

double real_chance() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>{0.0, 1.0}(generator);
}

Retry with_defaults(Retry retry) {
  if (!retry.now) retry.now = [] { return std::chrono::steady_clock::now(); };
  if (!retry.sleep) retry.sleep = [](Duration pause) { std::this_thread::sleep_for(pause); };
  if (!retry.chance) retry.chance = real_chance;
  return retry;
}

/// The waiting of one transaction, from its first try until the budget is used up.
class Backoff {
 public:
  explicit Backoff(const Retry& retry)
      : retry_(retry), end_(retry.now() + retry.budget), pause_(retry.first_pause) {}

  /// False: no time is left.
  bool wait() {
    const Duration left = remaining();
    if (left <= Duration::zero()) return false;
    ++waits_;
    const double part = 0.5 + retry_.chance() / 2;
    const Duration pause{static_cast<Duration::rep>(static_cast<double>(pause_.count()) * part)};
    retry_.sleep(std::min(pause, left));
    pause_ = std::min(pause_ * 2, retry_.longest_pause);
    return true;
  }
  Duration remaining() const { return std::max<Duration>(end_ - retry_.now(), Duration::zero()); }
  int tries() const { return waits_ + 1; }

 private:
  const Retry& retry_;
  Instant end_;
  Duration pause_;
  int waits_ = 0;
};

int busy_timeout_within(Duration left, int most_ms) {
  const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(left_ms, most_ms));
}

Error gave_up(Error error, const Backoff& backoff, const Retry& retry) {
  error.message +=
      fmt::format(" (gave up after {} tries in {})", backoff.tries(), to_text(retry.budget));
  return error;
}

/// Codes after which COMMIT has certainly not happened. Any other, first of all a failed fsync, may
/// have left a whole commit frame in the WAL, which a restart would bring back.
bool certainly_undid(int code) {
  static constexpr std::array undone{SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_CONSTRAINT,
                                     SQLITE_INTERRUPT};
  return std::ranges::find(undone, code & 0xff) != undone.end();
}

Error outcome_unknown(const Error& cause) {
  return {ErrorKind::failed, "outcome_unknown",
          cause.message + ", so it is unknown what the file holds",
          "end the process; its next start finds out from the file"};
}

constexpr const char* begin_write = "BEGIN IMMEDIATE";
constexpr const char* begin_read = "BEGIN DEFERRED";

bool only_spaces(std::string_view sql) {
  return sql.find_first_not_of(" \n\t\r;") == std::string_view::npos;
}

/// While it lives, the text that runs cannot end the transaction it runs in.
class TransactionGuard {
 public:
  TransactionGuard(sqlite3* handle, bool in_transaction)
      : handle_(in_transaction ? handle : nullptr) {
    if (handle_ != nullptr) sqlite3_set_authorizer(handle_, refuse, nullptr);
  }
  TransactionGuard(const TransactionGuard&) = delete;
  TransactionGuard& operator=(const TransactionGuard&) = delete;
  ~TransactionGuard() {
    if (handle_ != nullptr) sqlite3_set_authorizer(handle_, nullptr, nullptr);
  }

 private:
  static int refuse(void*, int action, const char*, const char*, const char*, const char*) {
    return action == SQLITE_TRANSACTION ? SQLITE_DENY : SQLITE_OK;
  }

  sqlite3* handle_;
};

}  // namespace

Connection::Connection(OpenOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::open(OpenOptions options) {
  options.retry = with_defaults(std::move(options.retry));
  std::unique_ptr<Connection> connection(new Connection(std::move(options)));
  const Retry& retry = connection->state().options.retry;
  Backoff backoff(retry);
  while (true) {
    const Result<void> opened = connection->state().open(State::Create::yes);
    if (opened) return connection;
    if (opened.error().code != "busy") return fail(opened.error());
    if (!backoff.wait()) return fail(gave_up(opened.error(), backoff, retry));
  }
}

sqlite3* Connection::handle() { return state_->handle; }
const std::filesystem::path& Connection::path() const { return state_->options.path; }
const Connection::Counters& Connection::counters() const { return state_->counters; }
std::int64_t Connection::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(state_->handle);
}
std::int64_t Connection::changes() const { return sqlite3_changes64(state_->handle); }

Result<Statement> Connection::prepare(std::string_view sql) {
  GUILD_CHECK(state_->ready());
  auto& statements = state_->statements;
  auto cached = statements.find(sql);
  if (cached != statements.end() && cached->second != nullptr)
    return Statement(*this, std::exchange(cached->second, nullptr), &cached->second);

  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(state_->handle, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  if (code != SQLITE_OK) return fail(state_->failure(code, in_brief(sql), Words::of_sqlite));
  // One statement, neither none nor several.
  GUILD_ASSERT(statement != nullptr &&
               only_spaces(sql.substr(static_cast<std::size_t>(rest - sql.data()))));
  if (cached != statements.end() || statements.size() == cached_statements_max)
    return Statement(*this, statement, nullptr);
  cached = statements.emplace(std::string(sql), nullptr).first;
  return Statement(*this, statement, &cached->second);
}

Result<void> Connection::execute_script(const std::string& sql) {
  GUILD_CHECK(state_->ready());
  const TransactionGuard guard(state_->handle, state_->in_transaction);
  int number = 0;
  for (const char* rest = sql.c_str(); !only_spaces(rest);) {
    ++number;
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v2(state_->handle, rest, -1, &statement, &rest);
    if (code == SQLITE_OK && statement == nullptr) continue;  // A comment.
    while (code == SQLITE_OK || code == SQLITE_ROW) code = sqlite3_step(statement);
    const bool is_done = code == SQLITE_DONE;
    Error error;
    if (!is_done)
      error = state_->failure(code, fmt::format("statement {} of the script", number),
                              Words::of_sqlite);
    sqlite3_finalize(statement);
    if (!is_done) return fail(std::move(error));
  }
  return {};
}

Result<void> Connection::transaction(const std::function<Result<void>(Connection&)>& work) {
  return state_->run(*this, begin_write, work);
}

Result<void> Connection::snapshot(const std::function<Result<void>(Connection&)>& work) {
  return state_->in_transaction ? work(*this) : state_->run(*this, begin_read, work);
}

bool Connection::State::is_at_fault() const {
  return met.busy || met.unreadable || sqlite3_get_autocommit(handle) != 0;
}

Result<std::optional<Error>> Connection::attempt(
    const std::function<Result<void>(Connection&)>& work) {
  GUILD_ASSERT(state_->in_transaction);
  GUILD_CHECK(execute("SAVEPOINT attempt"));
  Result<void> outcome = work(*this);
  if (!outcome) {
    if (state_->is_at_fault()) return fail(std::move(outcome).error());
    GUILD_CHECK(execute("ROLLBACK TO attempt"));
  }
  GUILD_CHECK(execute("RELEASE attempt"));
  return outcome ? std::nullopt : std::optional(std::move(outcome).error());
}

Result<void> Connection::rekey(const Secret32& key) {
  GUILD_ASSERT(!state_->in_transaction);
  GUILD_CHECK(state_->ready());
  std::string literal = "x'" + to_hex(key.reveal()) + "'";
  sqlite3_rekey_v2(state_->handle, "main", literal.data(), static_cast<int>(literal.size()));
  wipe(literal.data(), literal.size());
  return state_->settle_key(key);
}

/// SQLCipher 4.14 answers OK to a rekey also when another connection held the lock or the disk was
/// full. Only opening the file tells which key it has.
Result<void> Connection::State::settle_key(const Secret32& key) {
  close();
  const Secret32 old_key = std::exchange(options.key, key);
  Result<void> opened = open(Create::no);
  if (opened) return {};
  if (opened.error().code != "wrong_key") {
    lost = outcome_unknown(opened.error());
    return fail(*lost);
  }
  options.key = old_key;
  GUILD_CHECK(open(Create::no));
  return fail(ErrorKind::failed, "rekey_failed",
              options.path.string() + ": rekey: the file still has its old key",
              "stop whatever else has the file open, make room on its disk, and try again");
}

Error Connection::State::failure(int code, std::string_view action, Words words) {
  met.last_code = code;
  const Remedy remedy = remedy_for(code);
  if (remedy == Remedy::wait) {
    met.busy = true;
    ++counters.busy;
  }
  // After one page failed its check, SQLCipher answers this to everything.
  const bool is_echo = is_suspect && ((code & 0xff) == SQLITE_NOMEM || code == SQLITE_ERROR);
  if (is_echo && met.unreadable) return *met.unreadable;
  Error error = describe(code, handle, options.path, action, words);
  if (remedy == Remedy::reopen) {
    is_suspect = true;
    if (!met.unreadable) met.unreadable = error;
  }
  return error;
}

Result<void> Connection::State::ready() {
  if (lost) return fail(*lost);
  if (in_transaction) return {};
  if (handle != nullptr && !is_suspect) return {};
  ++counters.reconnects;
  close_untouched();
  met = {};
  Result<void> opened = open(Create::no);
  if (!opened) {
    met.busy = opened.error().code == "busy";
    return fail(std::move(opened).error().while_doing("reopen"));
  }
  return {};
}

Result<void> Connection::State::run(Connection& self, const char* begin, const Work& work) {
  GUILD_ASSERT(!in_transaction);
  ++counters.transactions;
  const std::uint64_t reconnects_before = counters.reconnects;
  Backoff backoff(options.retry);
  while (true) {
    Result<void> outcome = try_once(self, begin, work, backoff.remaining());
    if (outcome || lost) return outcome;
    if (met.busy) {
      if (!backoff.wait()) return fail(gave_up(outcome.error(), backoff, options.retry));
    } else if (!is_suspect || counters.reconnects != reconnects_before) {
      return outcome;
    }
    ++counters.retries;
  }
}

Result<void> Connection::State::try_once(Connection& self, const char* begin, const Work& work,
                                         Duration left) {
  GUILD_CHECK(ready());
  met = {};
  sqlite3_busy_timeout(handle, busy_timeout_within(left, options.busy_timeout_ms));
  Result<void> outcome = self.execute(begin);
  if (outcome) outcome = work_through(self, begin, work);
  sqlite3_busy_timeout(handle, options.busy_timeout_ms);
  return outcome;
}

Result<void> Connection::State::work_through(Connection& self, const char* begin,
                                             const Work& work) {
  in_transaction = true;
  Result<void> outcome = work(self);
  if (outcome) outcome = finish(self, begin);
  if (!outcome) roll_back(self);
  in_transaction = false;
  return outcome;
}

/// `work` is content. It may still have passed over a failure that the transaction cannot pass
/// over.
Result<void> Connection::State::finish(Connection& self, const char* begin) {
  if (met.unreadable) return fail(*met.unreadable);
  if (sqlite3_get_autocommit(handle) != 0)
    return fail(failure(SQLITE_ABORT, "the transaction was ended inside its work", Words::fixed));
  if (begin == begin_read && sqlite3_txn_state(handle, "main") == SQLITE_TXN_WRITE)
    return fail(failure(SQLITE_READONLY, "a snapshot only reads", Words::fixed));
  return begin == begin_read ? self.execute("COMMIT") : commit(self);
}

Result<void> Connection::State::commit(Connection& self) {
  Result<void> committed = self.execute("COMMIT");
  if (committed || certainly_undid(met.last_code)) return committed;
  lost = outcome_unknown(committed.error());
  return fail(*lost);
}

void Connection::State::roll_back(Connection& self) {
  // SQLite itself has rolled back after some errors.
  if (lost || sqlite3_get_autocommit(handle) != 0) return;
  const Met cause = met;
  if (!self.execute("ROLLBACK")) is_suspect = true;
  met = cause;
}

namespace {

Result<std::vector<std::string>> rows_of(Connection& connection, std::string_view sql) {
  std::vector<std::string> rows;
  GUILD_TRY(Statement statement, connection.prepare(sql));
  while (true) {
    GUILD_TRY(const bool row, statement.step());
    if (!row) return rows;
    rows.emplace_back(statement.text(0));
  }
}

/// The check reads pages past SQLite's locks, so a page that another process is just writing may
/// look damaged. Damage is what is found twice.
Result<std::vector<std::string>> damaged_pages(Connection& connection) {
  constexpr std::string_view sql = "PRAGMA cipher_integrity_check";
  GUILD_TRY(std::vector<std::string> found, rows_of(connection, sql));
  if (found.empty()) return found;
  GUILD_TRY(const std::vector<std::string> again, rows_of(connection, sql));
  std::erase_if(
      found, [&](const std::string& row) { return std::ranges::find(again, row) == again.end(); });
  return found;
}

bool is_damage(const Error& error) {
  return error.code == "corrupt" || error.code == "not_a_database";
}

}  // namespace

Result<std::vector<std::string>> check_integrity(Connection& connection) {
  GUILD_TRY(std::vector<std::string> found, damaged_pages(connection));
  if (!found.empty()) return found;
  auto rows = rows_of(connection, "PRAGMA integrity_check");
  if (!rows && is_damage(rows.error())) return std::vector{rows.error().message};
  if (rows) std::erase(*rows, "ok");
  return rows;
}

Result<std::string> journal_mode(Connection& connection) {
  GUILD_TRY(std::vector<std::string> rows, rows_of(connection, "PRAGMA journal_mode"));
  GUILD_ASSERT(rows.size() == 1);
  return std::move(rows.front());
}

}  // namespace guild::storage
