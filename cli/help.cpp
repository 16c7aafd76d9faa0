#include "cli/help.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/parse.hpp"

namespace guild::cli {
namespace {

std::string with_value(std::string_view name, std::string_view value) {
  return value.empty() ? std::string(name) : fmt::format("{} {}", name, value);
}

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string in_columns(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string text;
  for (const auto& [left, right] : rows) text += fmt::format("  {:<{}}  {}\n", left, width, right);
  return text;
}

std::string section(std::string_view title, const Rows& rows) {
  return rows.empty() ? "" : fmt::format("\n{}\n{}", title, in_columns(rows));
}

Rows children_of(const Command& command) {
  Rows rows;
  for (const auto& child : command.children()) {
    if (!child->is_hidden()) rows.emplace_back(child->name(), child->help());
  }
  return rows;
}

Rows arguments_of(const Command& command) {
  Rows rows;
  for (const Argument& argument : command.arguments())
    rows.emplace_back(with_value(argument.name, argument.value), argument.help);
  return rows;
}

Rows globals_as_rows() {
  Rows rows;
  for (const GlobalOption& option : global_options)
    rows.emplace_back(with_value(option.name, option.value), option.help);
  return rows;
}

}  // namespace

std::string usage_line(const Command& command) {
  std::string line = command.path();
  if (!command.is_leaf()) return line + (command.parent() == nullptr ? " NOUN VERB" : " VERB");
  for (const Argument& argument : command.arguments()) {
    const std::string shown = with_value(argument.name, argument.value);
    line += argument.required ? ' ' + shown : fmt::format(" [{}]", shown);
  }
  if (command.words() != nullptr) line += " -- " + command.words_name();
  return line;
}

std::string help_text(const Command& command) {
  return fmt::format("{}\n\nusage: {}\n{}{}{}", command.help(), usage_line(command),
                     section("verbs:", children_of(command)),
                     section("arguments:", arguments_of(command)),
                     section("everywhere:", globals_as_rows()));
}

}  // namespace guild::cli
