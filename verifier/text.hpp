// Text from outside: strict readers of UTF-8, hex, base64 and decimal, and forms that are safe to
// show. Nothing here trusts a length; every reader takes exactly one spelling of a value, so that
// two texts never say the same. Sources: RFC 3629 (UTF-8), RFC 4648 §4 (base64).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace guild::verifier {

using Bytes = std::span<const std::uint8_t>;

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// No overlong forms, no surrogates.
bool is_utf8(std::string_view text);
/// Foreign text for a message: in double quotes, cut at 64 bytes, all but printable ASCII escaped.
std::string shown(std::string_view text);
/// As a JSON string, in its quotes. What is not UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

std::string to_hex(Bytes bytes);
/// Fills `into` from exactly as many lower-case digits; false when `hex` is anything else.
bool from_hex(std::string_view hex, std::span<std::uint8_t> into);

std::string to_base64(Bytes bytes);
/// Nothing unless padded, without white space, and with no bits left over.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view base64);
/// Fills `into`; false unless `base64` is of exactly so many bytes.
bool from_base64(std::string_view base64, std::span<std::uint8_t> into);

/// 0 to 2^63 - 1, ASCII digits, without leading zeros.
std::optional<std::int64_t> parse_decimal(std::string_view text);

/// Units of 10^-8 with at least two places: -1.00, 0.12345678.
std::string amount_text(std::int64_t units);

/// Takes lines that end with \n off the front of a text.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  /// Without its \n. Nothing at the end, or when the last line has no \n.
  std::optional<std::string_view> next();
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace guild::verifier
