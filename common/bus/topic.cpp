#include "common/bus/topic.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "common/base/text.hpp"

namespace guild::bus {
namespace {

/// Cuts the first level off `rest`; the last one leaves `rest` empty.
std::string_view take_level(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  return level;
}

std::unexpected<Error> refuse(std::string_view what, std::string_view text, std::string rule) {
  return fail(
      ErrorKind::invalid, "topic_invalid",
      fmt::format("{} \"{}\": {}", what, escape_to_ascii(utf8_prefix(text, topic_bytes_max)), rule),
      "levels are separated by single slashes, as in ledger/entry/bot-7");
}

/// The code point of the character at `at` in valid UTF-8, and its size.
std::pair<std::uint32_t, std::size_t> character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const std::uint32_t lead = byte(0);
  const auto tail = [&](std::size_t i) { return byte(i) & 0x3FU; };
  if (lead < 0x80U) return {lead, 1};
  if (lead < 0xE0U) return {((lead & 0x1FU) << 6U) | tail(1), 2};
  if (lead < 0xF0U) return {((lead & 0x0FU) << 12U) | (tail(1) << 6U) | tail(2), 3};
  return {((lead & 0x07U) << 18U) | (tail(1) << 12U) | (tail(2) << 6U) | tail(3), 4};
}

bool is_control(std::uint32_t c) { return c < 0x20U || (c >= 0x7FU && c < 0xA0U); }

/// Unicode's White_Space beyond the controls.
bool is_space(std::uint32_t c) {
  return c == 0x20U || c == 0xA0U || c == 0x1680U || (c >= 0x2000U && c <= 0x200AU) ||
         c == 0x2028U || c == 0x2029U || c == 0x202FU || c == 0x205FU || c == 0x3000U;
}

Result<void> check_characters(std::string_view what, std::string_view text) {
  if (!is_utf8(text)) return refuse(what, text, "it is not UTF-8");
  for (std::size_t at = 0; at < text.size();) {
    const auto [character, size] = character_at(text, at);
    if (is_control(character))
      return refuse(what, text, fmt::format("a control character at byte {}", at));
    if (is_space(character)) return refuse(what, text, fmt::format("white space at byte {}", at));
    at += size;
  }
  return {};
}

enum class Wildcards { refused, allowed };

/// What nearly every topic is: printable ASCII, no wildcard, no empty level, within the limits. In
/// one pass, since a publisher may name a new topic with every message; of others it says nothing.
bool is_plain(std::string_view text) {
  constexpr char first_printable = '!', last_printable = '~';
  std::size_t levels = 1;
  char before = '/';
  for (const char c : text) {
    if (c < first_printable || c > last_printable || c == '*') return false;
    if (c == '/' && before == '/') return false;
    if (c == '/') ++levels;
    before = c;
  }
  return before != '/' && levels <= topic_levels_max && text.size() <= topic_bytes_max;
}

Result<void> check_levels(std::string_view what, std::string_view text, Wildcards wildcards) {
  std::size_t levels = 0;
  for (std::size_t at = 0;;) {
    const std::size_t slash = text.find('/', at);
    const bool last = slash == std::string_view::npos;
    const std::string_view level = text.substr(at, last ? slash : slash - at);
    ++levels;
    if (level.empty()) return refuse(what, text, fmt::format("level {} is empty", levels));
    if (levels > topic_levels_max)
      return refuse(what, text, fmt::format("more than {} levels", topic_levels_max));
    if (level.find('*') != std::string_view::npos) {
      if (wildcards == Wildcards::refused)
        return refuse(what, text, fmt::format("a wildcard at level {}", levels));
      if (level != "*" && level != "**")
        return refuse(
            what, text,
            fmt::format("a wildcard is a whole level, * or **; level {} is neither", levels));
      if (level == "**" && !last)
        return refuse(what, text, fmt::format("** at level {} is not the last level", levels));
    }
    if (last) return {};
    at = slash + 1;
  }
}

Result<void> check(std::string_view what, std::string_view text, Wildcards wildcards) {
  if (is_plain(text)) return {};
  if (text.empty()) return refuse(what, text, "it is empty");
  if (text.size() > topic_bytes_max)
    return refuse(what, text, fmt::format("{} bytes, at most {}", text.size(), topic_bytes_max));
  GUILD_CHECK(check_characters(what, text));
  return check_levels(what, text, wildcards);
}

}  // namespace

Result<void> check_topic(std::string_view topic) {
  return check("topic", topic, Wildcards::refused);
}

Result<void> check_pattern(std::string_view pattern) {
  return check("pattern", pattern, Wildcards::allowed);
}

bool matches(std::string_view pattern, std::string_view topic) {
  while (!pattern.empty() && !topic.empty()) {
    const std::string_view wanted = take_level(pattern);
    if (wanted == "**") return true;
    const std::string_view level = take_level(topic);
    if (wanted != "*" && wanted != level) return false;
  }
  return pattern.empty() && topic.empty();
}

bool covers(std::string_view wide, std::string_view narrow) {
  const std::size_t narrow_size = narrow.size();
  std::size_t level_number = 0;
  while (!wide.empty() && !narrow.empty()) {
    const std::string_view outer = take_level(wide);
    if (outer == "**") return true;
    const std::size_t offset = narrow_size - narrow.size();
    const std::string_view inner = take_level(narrow);
    ++level_number;
    // `**` where the limits leave room for one level only is a `*`.
    const bool one_level_left = level_number == topic_levels_max ||
                                offset + std::string_view("a/b").size() > topic_bytes_max;
    if (inner == "**" && !one_level_left) return false;
    if (outer == "*") continue;
    if (inner == "*" || inner == "**" || inner != outer) return false;
  }
  return wide.empty() && narrow.empty();
}

}  // namespace guild::bus
