// TOML at the edge: toml++ throws and has a large header, so only the .cpp files that read a TOML
// file include this one (they need toml_dep). Files: guild.toml (common/host) and
// authorized_clients.toml (keys). Error code toml_syntax, kind invalid, naming line and column.
// Source: https://toml.io/en/v1.0.0
#pragma once

#include <fmt/format.h>

#include <toml++/toml.h>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/text.hpp"

namespace guild {

/// `file_name` stands in the error, as `file_name:line:column`.
inline Result<toml::table> parse_toml(std::string_view text, std::string_view file_name) {
  try {
    return toml::parse(text, file_name);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    return fail(ErrorKind::invalid, "toml_syntax",
                fmt::format("{}:{}:{}: {}", file_name, at.line, at.column,
                            escape_to_ascii(error.description())),
                "mend that line; nothing was changed");
  }
}

/// `text` as a TOML basic string, quotes included; controls as \uXXXX. `text` is valid UTF-8.
inline std::string toml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20U || byte == 0x7FU) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// What a person calls the type of `node`: "a string", "an integer".
inline std::string_view toml_type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date and time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

}  // namespace guild
