// Rows: a table of a database as an attacker sees it who has its key: read whole, changed cell by
// cell, written back by SQL that no constraint stands in the way of.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "common/storage/connection.hpp"

namespace guild::ledgerd {

struct Cell {
  enum class Kind { null, integer, text, blob };
  Kind kind{};
  std::int64_t integer = 0;
  std::string bytes;

  auto operator<=>(const Cell&) const = default;
};
using Row = std::vector<Cell>;

struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<Row> rows;  ///< In the order of the key, which is the first column or two.
};

Table read_table(storage::Connection& file, const std::string& name);
/// False when the file does not take it: there is a row with this key.
bool insert_row(storage::Connection& file, const Table& table, const Row& row);
bool delete_row(storage::Connection& file, const Table& table, const Row& row);
bool replace_row(storage::Connection& file, const Table& table, const Row& old_row,
                 const Row& new_row);
void run_sql(storage::Connection& file, const std::string& sql);

}  // namespace guild::ledgerd
