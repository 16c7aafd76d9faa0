#include "tests/simulation/ledger/dump.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/simulation/law.hpp"

namespace guild::simulation {
namespace {

struct Column {
  std::string_view table, name;
};
constexpr std::array chosen_anew = {Column{"standing", "id_key"}, Column{"id_hashes", "hashes"},
                                    Column{"guild_migrations", "applied_at_ns"}};

class Query {
 public:
  Query(sqlite3* file, const std::string& sql) {
    const int code = sqlite3_prepare_v2(file, sql.c_str(), -1, &statement_, nullptr);
    demand(code == SQLITE_OK, "{}: {}", sql, sqlite3_errmsg(file));
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() { sqlite3_finalize(statement_); }

  bool step() {
    const int code = sqlite3_step(statement_);
    demand(code == SQLITE_ROW || code == SQLITE_DONE, "a row cannot be read: {}",
           sqlite3_errmsg(sqlite3_db_handle(statement_)));
    return code == SQLITE_ROW;
  }
  int columns() const { return sqlite3_column_count(statement_); }
  std::string name(int column) const { return sqlite3_column_name(statement_, column); }
  std::string value(int column) const {
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_NULL:
        return "null";
      case SQLITE_INTEGER:
        return std::to_string(sqlite3_column_int64(statement_, column));
      case SQLITE_TEXT:
        return "'" + std::string(bytes(column)) + "'";
      default:
        return "x" + to_hex(as_bytes(bytes(column)));
    }
  }
  int size(int column) const { return sqlite3_column_bytes(statement_, column); }

 private:
  std::string_view bytes(int column) const {
    const auto* const data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    if (data == nullptr) return {};
    return {data, static_cast<std::size_t>(size(column))};
  }

  sqlite3_stmt* statement_ = nullptr;
};

bool is_chosen_anew(std::string_view table, std::string_view column) {
  return std::ranges::any_of(
      chosen_anew, [&](const Column& one) { return one.table == table && one.name == column; });
}

}  // namespace

std::string dump_of(storage::Connection& file, Dump kind) {
  std::vector<std::string> tables;
  for (Query query(file.handle(),
                   "SELECT name, '' FROM sqlite_schema WHERE type = 'table' ORDER BY name");
       query.step();) {
    const std::string quoted = query.value(0);
    tables.push_back(quoted.substr(1, quoted.size() - 2));
  }
  std::string dump;
  for (const std::string& table : tables) {
    dump += table + "\n";
    for (Query query(file.handle(), "SELECT * FROM " + table); query.step(); dump += "\n") {
      dump += "  ";
      for (int i = 0; i < query.columns(); ++i) {
        const bool is_left_out = kind == Dump::repeatable && is_chosen_anew(table, query.name(i));
        dump += is_left_out ? std::to_string(query.size(i)) + " bytes" : query.value(i);
        dump += " | ";
      }
    }
  }
  return dump;
}

std::string first_difference(std::string_view expected, std::string_view found) {
  const auto both = std::ranges::mismatch(expected, found);
  const auto line = [](std::string_view text, std::ptrdiff_t at) {
    const auto place = std::min(static_cast<std::size_t>(at), text.size());
    const std::size_t begin = place == 0 ? 0 : text.rfind('\n', place - 1) + 1;
    return text.substr(begin, std::min(text.find('\n', begin) - begin, std::size_t{400}));
  };
  return fmt::format("expected: {}\nfound:    {}", line(expected, both.in1 - expected.begin()),
                     line(found, both.in2 - found.begin()));
}

}  // namespace guild::simulation
