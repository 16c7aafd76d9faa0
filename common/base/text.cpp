#include "common/base/text.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace guild {
namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t quoted_bytes_max = 64;
constexpr std::size_t distance_max = 3;

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

bool is_continuation(std::uint8_t byte) { return (byte & 0xC0U) == 0x80U; }

/// Bytes that a character with this first byte has; 0 when none begins so.
std::size_t length_announced(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

// RFC 3629's table: the second byte rules out overlong forms, surrogates and all past U+10FFFF.
bool second_byte_fits(std::uint8_t first, std::uint8_t second) {
  switch (first) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second <= 0x9F;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second <= 0x8F;
    default:
      return true;
  }
}

/// Bytes of the character at the start of `text` (not empty); 0 when there is no valid one.
std::size_t character_length(std::string_view text) {
  const std::size_t length = length_announced(byte_at(text, 0));
  if (length <= 1) return length;
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(byte_at(text, i))) return 0;
  }
  return second_byte_fits(byte_at(text, 0), byte_at(text, 1)) ? length : 0;
}

void append_escaped(std::string& to, std::uint8_t byte) {
  switch (byte) {
    case '\n':
      to += "\\n";
      return;
    case '\r':
      to += "\\r";
      return;
    case '\t':
      to += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(to), "\\x{:02x}", byte);
  }
}

bool is_printable_ascii(std::uint8_t byte) { return byte >= 0x20 && byte < 0x7F; }

/// U+0080 to U+009F: some terminals obey them like an escape sequence.
bool is_c1_control(std::string_view character) {
  return character.size() == 2 && byte_at(character, 0) == 0xC2 && byte_at(character, 1) < 0xA0;
}

void append_character(std::string& to, std::string_view character) {
  if (is_c1_control(character)) {
    fmt::format_to(std::back_inserter(to), "\\u{:04x}", byte_at(character, 1));
  } else if (character.size() > 1 || is_printable_ascii(byte_at(character, 0))) {
    to += character;
  } else {
    append_escaped(to, byte_at(character, 0));
  }
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), is_name_byte);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

// Lengths too far apart are skipped first: foreign words may be long, and the distance is
// quadratic.
bool lengths_are_near(std::string_view a, std::string_view b) {
  return std::max(a.size(), b.size()) - std::min(a.size(), b.size()) <= distance_max;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string_view utf8_prefix(std::string_view text, std::size_t size_max) {
  if (text.size() <= size_max) return text;
  const std::size_t reach = std::min<std::size_t>(size_max, 3);
  for (std::size_t back = 0; back <= reach; ++back) {
    const std::size_t start = size_max - back;
    if (is_continuation(byte_at(text, start))) continue;
    const bool split = length_announced(byte_at(text, start)) > back;
    return text.substr(0, split ? start : size_max);
  }
  return text.substr(0, size_max);
}

std::string escape_to_ascii(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (is_printable_ascii(byte)) {
      escaped.push_back(c);
    } else {
      append_escaped(escaped, byte);
    }
  }
  return escaped;
}

std::string escape_controls(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) {
      append_escaped(escaped, byte_at(text, 0));
    } else {
      append_character(escaped, text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return escaped;
}

std::string quoted(std::string_view text) {
  const std::string_view shown = utf8_prefix(text, quoted_bytes_max);
  return '"' + escape_to_ascii(shown) + (shown.size() < text.size() ? "...\"" : "\"");
}

Result<void> check_name(std::string_view what, std::string_view name) {
  if (is_name(name)) return {};
  return fail(ErrorKind::invalid, "name_format", fmt::format("{} is not a {}", quoted(name), what),
              "use 1 to 64 of a-z 0-9 - _, starting with a letter");
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = distance_max + 1;
  for (const std::string_view candidate : candidates) {
    if (!lengths_are_near(word, candidate)) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance * 2 < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace guild
