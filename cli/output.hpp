// Output: data on stdout, talk on stderr. With --json data is one JSON object a line and an error
// is one JSON object on stderr; otherwise lines and tables for people, plain ASCII, with colour
// only on a terminal. What cannot be written (a full disk, a reader that left) is found out by
// `finish`.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.hpp"

namespace guild::cli {

enum class Colour { none, red, green, yellow, dim };

enum class Align { left, right };
struct Column {
  std::string title;
  Align align = Align::left;
};
struct Cell {
  std::string text;
  Colour colour = Colour::none;

  Cell(std::string of, Colour in = Colour::none) : text(std::move(of)), colour(in) {}  // NOLINT
  Cell(std::string_view of) : text(of) {}                                              // NOLINT
  Cell(const char* of) : text(of) {}                                                   // NOLINT
};
using Row = std::vector<Cell>;

/// Text in a terminal's colour.
std::string painted(Colour colour, std::string_view text);
/// Columns two spaces apart, titles first. Cells are escaped to ASCII. No trailing spaces.
std::string format_table(const std::vector<Column>& columns, const std::vector<Row>& rows,
                         bool coloured);
/// "guild: the broker does not answer at …" and, when there is one, "next: …" or "usage: …".
std::string format_error(const Error& error);
/// `text` with all controls but line ends and tabs escaped.
std::string without_controls(std::string_view text);
/// 1536 → "1.5 KiB"
std::string format_bytes(std::int64_t bytes);

class Output {
 public:
  /// Both must outlive it.
  Output(std::FILE* data, std::FILE* talk);

  void set_json(bool json) { json_ = json; }
  bool json() const { return json_; }
  bool data_is_terminal() const { return data_is_terminal_; }
  bool talk_is_terminal() const { return talk_is_terminal_; }

  /// One line of data, as it stands.
  void line(std::string_view text);
  /// Data as it stands, without a line's end.
  void raw(std::string_view bytes);
  /// Foreign text that comes in pieces: as it stands, but on a terminal without what would steer
  /// it.
  void stream(std::string_view text);
  void table(const std::vector<Column>& columns, const std::vector<Row>& rows);
  /// Hands what was written so far to the reader.
  void flush();

  /// One line on stderr, escaped to ASCII; written at once.
  void say(std::string_view text);
  void error(const Error& error);
  /// Over what was last told, on a terminal; nothing elsewhere.
  void overwrite(std::string_view text);

  /// `text` coloured for stdout, or as it is when that is not a terminal.
  std::string paint(Colour colour, std::string_view text) const;

  /// Flushes both; the error of the first write that failed (system_error, disk_full).
  Result<void> finish();

 private:
  void write(std::FILE* file, std::string_view text);
  void clear_overwritten();

  std::FILE* data_;
  std::FILE* talk_;
  bool json_ = false;
  bool data_is_terminal_, talk_is_terminal_;
  std::size_t overwritten_ = 0;  ///< Columns of an unfinished line on stderr.
  int first_problem_ = 0;        ///< errno of the first write that failed.
};

}  // namespace guild::cli
