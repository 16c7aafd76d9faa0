#include "tests/property/ledger/rows.hpp"

#include <sqlite3.h>

#include <stdexcept>

namespace guild::ledgerd {
namespace {

class Query {
 public:
  Query(storage::Connection& file, const std::string& sql) : file_(file.handle()) {
    if (sqlite3_prepare_v2(file_, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK)
      throw std::runtime_error(sql + ": " + sqlite3_errmsg(file_));
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() { sqlite3_finalize(statement_); }

  void bind(const Row& row) {
    for (const Cell& cell : row) bind(cell);
  }
  bool step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW || code == SQLITE_DONE) return code == SQLITE_ROW;
    throw std::runtime_error(sqlite3_errmsg(file_));
  }
  /// False: a constraint refuses it.
  bool run() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_DONE) return sqlite3_changes(file_) == 1;
    if ((code & 0xff) == SQLITE_CONSTRAINT) return false;
    throw std::runtime_error(sqlite3_errmsg(file_));
  }
  int columns() const { return sqlite3_column_count(statement_); }
  std::string name(int column) const { return sqlite3_column_name(statement_, column); }
  Cell cell(int column) const {
    const auto* const data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_NULL:
        return {};
      case SQLITE_INTEGER:
        return {.kind = Cell::Kind::integer,
                .integer = sqlite3_column_int64(statement_, column),
                .bytes = {}};
      case SQLITE_TEXT:
        return {.kind = Cell::Kind::text, .integer = 0, .bytes = std::string(data, size)};
      default:
        return {.kind = Cell::Kind::blob,
                .integer = 0,
                .bytes = data == nullptr ? std::string() : std::string(data, size)};
    }
  }

 private:
  void bind(const Cell& cell) {
    const int at = ++bound_;
    const auto size = static_cast<int>(cell.bytes.size());
    switch (cell.kind) {
      case Cell::Kind::null:
        sqlite3_bind_null(statement_, at);
        return;
      case Cell::Kind::integer:
        sqlite3_bind_int64(statement_, at, cell.integer);
        return;
      case Cell::Kind::text:
        sqlite3_bind_text(statement_, at, cell.bytes.data(), size, SQLITE_TRANSIENT);
        return;
      case Cell::Kind::blob:
        sqlite3_bind_blob(statement_, at, cell.bytes.empty() ? "" : cell.bytes.data(), size,
                          SQLITE_TRANSIENT);
        return;
    }
  }

  sqlite3* file_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

/// "a IS ? AND b IS ?", "a = ?, b = ?", "?, ?".
std::string list(const Table& table, std::string_view each, std::string_view between) {
  std::string text;
  for (const std::string& column : table.columns) {
    if (!text.empty()) text += between;
    if (each != "?") text += column;
    text += each;
  }
  return text;
}

}  // namespace

Table read_table(storage::Connection& file, const std::string& name) {
  Table table{.name = name, .columns = {}, .rows = {}};
  Query query(file, "SELECT * FROM " + name + " ORDER BY 1, 2");
  for (int i = 0; i < query.columns(); ++i) table.columns.push_back(query.name(i));
  while (query.step()) {
    Row& row = table.rows.emplace_back();
    for (int i = 0; i < query.columns(); ++i) row.push_back(query.cell(i));
  }
  return table;
}

bool insert_row(storage::Connection& file, const Table& table, const Row& row) {
  Query query(file, "INSERT INTO " + table.name + " VALUES (" + list(table, "?", ", ") + ")");
  query.bind(row);
  return query.run();
}

bool delete_row(storage::Connection& file, const Table& table, const Row& row) {
  Query query(file, "DELETE FROM " + table.name + " WHERE " + list(table, " IS ?", " AND "));
  query.bind(row);
  return query.run();
}

bool replace_row(storage::Connection& file, const Table& table, const Row& old_row,
                 const Row& new_row) {
  Query query(file, "UPDATE " + table.name + " SET " + list(table, " = ?", ", ") + " WHERE " +
                        list(table, " IS ?", " AND "));
  query.bind(new_row);
  query.bind(old_row);
  return query.run();
}

void run_sql(storage::Connection& file, const std::string& sql) {
  char* problem = nullptr;
  if (sqlite3_exec(file.handle(), sql.c_str(), nullptr, nullptr, &problem) == SQLITE_OK) return;
  const std::string text = problem == nullptr ? "" : problem;
  sqlite3_free(problem);
  throw std::runtime_error(sql + ": " + text);
}

}  // namespace guild::ledgerd
