#include "verifier/text.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>

namespace guild::verifier {
namespace {

constexpr std::size_t shown_size_max = 64;
constexpr std::int64_t units_per_one = 100'000'000;
constexpr std::size_t places_max = 8;
constexpr std::size_t places_min = 2;

std::uint8_t byte_of(char c) { return static_cast<std::uint8_t>(c); }

/// What a first byte says: how many follow, and where the second one must lie.
struct Lead {
  std::size_t followers = 0;
  std::uint8_t second_min = 0x80, second_max = 0xBF;
};

std::optional<Lead> lead_of(std::uint8_t first) {
  if (first < 0x80) return Lead{};
  if (first < 0xC2) return {};
  if (first < 0xE0) return Lead{.followers = 1};
  if (first == 0xE0) return Lead{.followers = 2, .second_min = 0xA0};
  if (first == 0xED) return Lead{.followers = 2, .second_max = 0x9F};
  if (first < 0xF0) return Lead{.followers = 2};
  if (first == 0xF0) return Lead{.followers = 3, .second_min = 0x90};
  if (first < 0xF4) return Lead{.followers = 3};
  if (first == 0xF4) return Lead{.followers = 3, .second_max = 0x8F};
  return {};
}

/// Bytes of the character that `text` begins with; 0 when it begins with none.
std::size_t character_size(std::string_view text) {
  const auto lead = lead_of(byte_of(text.front()));
  if (!lead || lead->followers >= text.size()) return 0;
  for (std::size_t i = 1; i <= lead->followers; ++i) {
    const std::uint8_t low = i == 1 ? lead->second_min : std::uint8_t{0x80};
    const std::uint8_t high = i == 1 ? lead->second_max : std::uint8_t{0xBF};
    if (byte_of(text[i]) < low || byte_of(text[i]) > high) return 0;
  }
  return lead->followers + 1;
}

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_hex(std::string& text, std::uint8_t byte) {
  text += hex_digits[byte >> 4U];
  text += hex_digits[byte & 0x0FU];
}

bool is_printable(char c) { return byte_of(c) >= 0x20 && byte_of(c) < 0x7F; }

void append_json(std::string& into, std::string_view character) {
  const char c = character.front();
  if (c == '"' || c == '\\') into += '\\';
  if (byte_of(c) >= 0x20) {
    into += character;
    return;
  }
  into += "\\u00";
  append_hex(into, byte_of(c));
}

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How many `=` it ends with: at most two.
std::size_t padding_of(std::string_view base64) {
  if (base64.ends_with("==")) return 2;
  return base64.ends_with('=') ? 1 : 0;
}

std::optional<std::uint8_t> hex_value(char digit) {
  const std::size_t place = hex_digits.find(digit);
  if (place == std::string_view::npos) return {};
  return static_cast<std::uint8_t>(place);
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string shown(std::string_view text) {
  std::string safe = "\"";
  for (const char c : text.substr(0, shown_size_max)) {
    if (is_printable(c) && c != '"' && c != '\\') {
      safe += c;
    } else {
      safe += "\\x";
      append_hex(safe, byte_of(c));
    }
  }
  if (text.size() > shown_size_max) safe += "...";
  return safe += '"';
}

std::string json_string(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) {
      json += "\xEF\xBF\xBD";
    } else {
      append_json(json, text.substr(0, size));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return json += '"';
}

std::string to_hex(Bytes bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) append_hex(hex, byte);
  return hex;
}

bool from_hex(std::string_view hex, std::span<std::uint8_t> into) {
  if (hex.size() != into.size() * 2) return false;
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto high = hex_value(hex[2 * i]);
    const auto low = hex_value(hex[2 * i + 1]);
    if (!high || !low) return false;
    into[i] = static_cast<std::uint8_t>((*high << 4U) | *low);
  }
  return true;
}

std::string to_base64(Bytes bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // Its NUL.
  return text;
}

// Not libsodium's decoder: it takes some bytes above 0x7F for digits (1.0.18), and so has two
// spellings for one value.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view base64) {
  if (base64.size() % 4 != 0) return {};
  const std::size_t padding = padding_of(base64);
  std::vector<std::uint8_t> bytes;
  bytes.reserve(base64.size() / 4 * 3);
  std::uint32_t bits = 0;
  std::size_t held = 0;
  for (const char digit : base64.substr(0, base64.size() - padding)) {
    const std::size_t value = base64_digits.find(digit);
    if (value == std::string_view::npos) return {};
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> held));
    bits &= (1U << held) - 1;
  }
  if (bits != 0) return {};
  return bytes;
}

bool from_base64(std::string_view base64, std::span<std::uint8_t> into) {
  const auto bytes = from_base64(base64);
  if (!bytes || bytes->size() != into.size()) return false;
  std::ranges::copy(*bytes, into.begin());
  return true;
}

std::optional<std::int64_t> parse_decimal(std::string_view text) {
  const bool is_digits =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_digits || (text.size() > 1 && text.front() == '0')) return {};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

std::string amount_text(std::int64_t units) {
  // The smallest amount has no positive counterpart, so its size is taken without a sign.
  const std::uint64_t size =
      units < 0 ? 0 - static_cast<std::uint64_t>(units) : static_cast<std::uint64_t>(units);
  constexpr auto one = static_cast<std::uint64_t>(units_per_one);
  std::string places = std::to_string(size % one);
  places.insert(0, places_max - places.size(), '0');
  while (places.size() > places_min && places.back() == '0') places.pop_back();
  return (units < 0 ? "-" : "") + std::to_string(size / one) + "." + places;
}

std::optional<std::string_view> Lines::next() {
  const std::size_t end = rest_.find('\n');
  if (end == std::string_view::npos) return {};
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return line;
}

}  // namespace guild::verifier
