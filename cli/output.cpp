#include "cli/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/messages/codec.hpp"

namespace guild::cli {
namespace {

std::string_view colour_code(Colour colour) {
  switch (colour) {
    case Colour::red:
      return "31";
    case Colour::green:
      return "32";
    case Colour::yellow:
      return "33";
    case Colour::dim:
      return "2";
    case Colour::none:
      break;
  }
  return "0";
}

std::string pad(std::string_view text, std::size_t width, Align align) {
  return align == Align::left ? fmt::format("{:<{}}", text, width)
                              : fmt::format("{:>{}}", text, width);
}

/// Cells become ASCII, and as many as there are columns.
std::vector<Row> printable(const std::vector<Column>& columns, const std::vector<Row>& rows) {
  std::vector<Row> printable(1);
  for (const Column& column : columns) printable[0].emplace_back(column.title);
  for (const Row& row : rows) {
    Row& escaped = printable.emplace_back();
    for (const Cell& cell : row) escaped.emplace_back(escape_to_ascii(cell.text), cell.colour);
    escaped.resize(columns.size(), Cell(""));
  }
  return printable;
}

}  // namespace

std::string painted(Colour colour, std::string_view text) {
  if (colour == Colour::none) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", colour_code(colour), text);
}

std::string format_table(const std::vector<Column>& columns, const std::vector<Row>& rows,
                         bool coloured) {
  const std::vector<Row> shown = printable(columns, rows);
  std::vector<std::size_t> widths(columns.size());
  for (const Row& row : shown) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].text.size());
  }
  std::string text;
  for (const Row& row : shown) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = pad(row[i].text, widths[i], columns[i].align);
      line += (i > 0 ? "  " : "") + (coloured ? painted(row[i].colour, cell) : cell);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string format_error(const Error& error) {
  std::string text = "guild: " + escape_to_ascii(error.message) + '\n';
  if (error.next_step.empty()) return text;
  const std::string step = escape_to_ascii(error.next_step);
  return text + (step.starts_with("usage: ") ? "" : "next: ") + step + '\n';
}

std::string without_controls(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\n\t"), text.size());
    safe += escape_controls(text.substr(0, end));
    if (end < text.size()) safe += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return safe;
}

std::string format_bytes(std::int64_t bytes) {
  static constexpr std::array<std::string_view, 5> units = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  std::int64_t whole = bytes, rest = 0;
  std::size_t unit = 0;
  for (;; ++unit) {
    rest = whole % 1024;
    whole /= 1024;
    if (whole < 1024 || unit + 1 == units.size()) break;
  }
  return fmt::format("{}.{} {}", whole, rest * 10 / 1024, units[unit]);
}

Output::Output(std::FILE* data, std::FILE* talk)
    : data_(data),
      talk_(talk),
      data_is_terminal_(::isatty(::fileno(data)) == 1),
      talk_is_terminal_(::isatty(::fileno(talk)) == 1) {}

void Output::write(std::FILE* file, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file) == text.size() || first_problem_ != 0) return;
  first_problem_ = errno;
}

void Output::line(std::string_view text) {
  clear_overwritten();
  write(data_, text);
  write(data_, "\n");
}

void Output::raw(std::string_view bytes) {
  clear_overwritten();
  write(data_, bytes);
}

void Output::stream(std::string_view text) {
  if (data_is_terminal_)
    raw(without_controls(text));
  else
    raw(text);
}

void Output::table(const std::vector<Column>& columns, const std::vector<Row>& rows) {
  raw(format_table(columns, rows, data_is_terminal_));
}

void Output::flush() {
  if (std::fflush(data_) != 0 && first_problem_ == 0) first_problem_ = errno;
}

void Output::say(std::string_view text) {
  clear_overwritten();
  flush();  // So that what is told stands after the data it tells of.
  write(talk_, escape_to_ascii(text) + '\n');
  std::fflush(talk_);
}

void Output::error(const Error& error) {
  clear_overwritten();
  flush();
  write(talk_, json_ ? messages::encode_error(error) + '\n' : format_error(error));
  std::fflush(talk_);
}

void Output::overwrite(std::string_view text) {
  if (!talk_is_terminal_) return;
  const std::string shown = escape_to_ascii(text);
  write(talk_, fmt::format("\r{:<{}}", shown, overwritten_));
  std::fflush(talk_);
  overwritten_ = shown.size();
}

void Output::clear_overwritten() {
  if (overwritten_ == 0) return;
  write(talk_, fmt::format("\r{:<{}}\r", "", overwritten_));
  std::fflush(talk_);
  overwritten_ = 0;
}

std::string Output::paint(Colour colour, std::string_view text) const {
  return data_is_terminal_ ? painted(colour, text) : std::string(text);
}

Result<void> Output::finish() {
  clear_overwritten();
  flush();
  std::fflush(talk_);
  if (first_problem_ == 0) return {};
  return fail(system_error("write the output", first_problem_));
}

}  // namespace guild::cli
