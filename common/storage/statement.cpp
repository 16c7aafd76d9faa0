#include <sqlite3.h>

#include "common/storage/state.hpp"

namespace guild::storage {
namespace {

// SQLITE_TRANSIENT, without its C cast: SQLite takes a copy.
const auto copied = reinterpret_cast<sqlite3_destructor_type>(-1);

}  // namespace

Statement::Statement(Connection& connection, sqlite3_stmt* statement, sqlite3_stmt** slot)
    : connection_(&connection),
      statement_(statement),
      slot_(slot),
      generation_(connection.state().generation) {}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      slot_(std::exchange(other.slot_, nullptr)),
      generation_(other.generation_),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  if (slot_ == nullptr || is_stale()) {
    sqlite3_finalize(statement_);
    return;
  }
  reset();
  *slot_ = statement_;
}

bool Statement::is_stale() const { return generation_ != connection_->state().generation; }

void Statement::note_bind(int code) {
  if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

Statement& Statement::bind(int index, std::int64_t value) {
  note_bind(sqlite3_bind_int64(statement_, index, value));
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL, not the empty text.
  const char* data = text.data() == nullptr ? "" : text.data();
  note_bind(sqlite3_bind_text64(statement_, index, data, text.size(), copied, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int index, BytesView blob) {
  note_bind(blob.empty()
                ? sqlite3_bind_zeroblob(statement_, index, 0)
                : sqlite3_bind_blob64(statement_, index, blob.data(), blob.size(), copied));
  return *this;
}

Statement& Statement::bind(int index, std::nullptr_t) {
  note_bind(sqlite3_bind_null(statement_, index));
  return *this;
}

Error Statement::failure(int code) const {
  const Words words =
      sqlite3_bind_parameter_count(statement_) > 0 ? Words::fixed : Words::of_sqlite;
  return connection_->state().failure(code, in_brief(sqlite3_sql(statement_)), words);
}

Result<bool> Statement::step() {
  if (is_stale()) return fail(failure(SQLITE_MISUSE));
  if (bind_error_ != SQLITE_OK) return fail(failure(bind_error_));
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(failure(code));
}

Result<void> Statement::run() {
  while (true) {
    GUILD_TRY(const bool row, step());
    if (!row) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_error_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_, column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

BytesView Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

}  // namespace guild::storage
