// Text with bounds: UTF-8 checks, escaping for terminals, names, the nearest known word.
// Sizes are bytes. What comes from outside goes through one of these before it is shown: a terminal
// acts on control characters, and a cut must not split a character. Source: RFC 3629.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild {

/// Valid UTF-8 (no overlong forms, no surrogates), RFC 3629.
bool is_utf8(std::string_view text);
/// The longest prefix of at most `size_max` bytes that does not split a character.
std::string_view utf8_prefix(std::string_view text, std::size_t size_max);
/// Plain ASCII for a console: controls as \n \t \x1b, other bytes beyond ASCII as \xHH.
std::string escape_to_ascii(std::string_view text);
/// Controls (C0, DEL, C1) escaped, valid UTF-8 kept, invalid bytes as \xHH.
std::string escape_controls(std::string_view text);

/// Foreign text for an error message: in double quotes, cut at 64 bytes, escaped to ASCII.
std::string quoted(std::string_view text);

/// A name on the bus and in file names: 1 to 64 of a-z 0-9 - _ and starting with a letter.
/// Error code: name_format, with `what` ("client name") in the message.
Result<void> check_name(std::string_view what, std::string_view name);

/// The candidate with the smallest edit distance, if at most 3 and under half its length; else "".
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// A UTF-8 string of at most `Max` bytes with no NUL, checked by the message codec where it enters.
template <std::size_t Max>
struct Text {
  static constexpr std::size_t size_max = Max;
  std::string value;

  Text() = default;
  Text(std::string text)
      : value(std::move(text)) {}          // NOLINT: converts freely, checked at the edge
  Text(const char* text) : value(text) {}  // NOLINT
  operator const std::string&() const { return value; }  // NOLINT
  bool empty() const { return value.empty(); }
  std::string_view view() const { return value; }

  friend bool operator==(const Text&, const Text&) = default;
  friend auto operator<=>(const Text&, const Text&) = default;
};

}  // namespace guild
