#include "common/base/bytes.hpp"

#include "common/base/assert.hpp"

namespace guild {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view z85_digits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::uint8_t no_digit = 0xFF;

using DigitTable = std::array<std::uint8_t, 256>;

constexpr DigitTable make_table(std::string_view digits) {
  DigitTable table{};
  for (std::uint8_t& value : table) value = no_digit;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    table[static_cast<std::uint8_t>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr DigitTable make_hex_table() {
  DigitTable table = make_table(hex_digits);
  for (std::uint8_t i = 0; i < 6; ++i) {
    table[static_cast<std::uint8_t>('A' + i)] = static_cast<std::uint8_t>(10 + i);
  }
  return table;
}

constexpr DigitTable hex_values = make_hex_table();
constexpr DigitTable z85_values = make_table(z85_digits);

std::uint8_t value_of(const DigitTable& table, char digit) {
  return table[static_cast<std::uint8_t>(digit)];
}

// The digit itself stays out of the message: the text may be a key.
std::unexpected<Error> bad_digit(std::string_view base, std::size_t position) {
  return fail(
      ErrorKind::invalid, std::string(base) + "_digit",
      "character " + std::to_string(position + 1) + " is not a " + std::string(base) + " digit");
}

/// The 32 bits of five Z85 digits, or more than 32 bits when a digit is none or they are too large.
std::uint64_t z85_group(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char digit : digits) {
    const std::uint8_t part = value_of(z85_values, digit);
    if (part == no_digit) return UINT64_MAX;
    value = value * 85 + part;
  }
  return value;
}

void append_big_endian(Bytes& to, std::uint64_t word) {
  for (unsigned shift = 32; shift > 0;) {
    shift -= 8;
    to.push_back(static_cast<std::uint8_t>(word >> shift));
  }
}

}  // namespace

std::string to_hex(BytesView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text.push_back(hex_digits[byte >> 4U]);
    text.push_back(hex_digits[byte & 15U]);
  }
  return text;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return fail(ErrorKind::invalid, "hex_length",
                "hex text has an odd number of digits: " + std::to_string(text.size()));
  }
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::uint8_t high = value_of(hex_values, text[i]);
    const std::uint8_t low = value_of(hex_values, text[i + 1]);
    if (high == no_digit) return bad_digit("hex", i);
    if (low == no_digit) return bad_digit("hex", i + 1);
    bytes.push_back(static_cast<std::uint8_t>(high << 4U | low));
  }
  return bytes;
}

std::string to_z85(BytesView bytes) {
  GUILD_ASSERT(bytes.size() % 4 == 0);
  std::string text(bytes.size() / 4 * 5, '0');
  for (std::size_t group = 0; group < bytes.size() / 4; ++group) {
    std::uint32_t word = 0;
    for (const std::uint8_t byte : bytes.subspan(group * 4, 4)) word = word << 8U | byte;
    for (std::size_t place = 5; place-- > 0; word /= 85) {
      text[group * 5 + place] = z85_digits[word % 85];
    }
  }
  return text;
}

Result<Bytes> from_z85(std::string_view text) {
  if (text.size() % 5 != 0) {
    return fail(ErrorKind::invalid, "z85_length",
                "Z85 text comes in groups of 5 characters, got " + std::to_string(text.size()));
  }
  Bytes bytes;
  bytes.reserve(text.size() / 5 * 4);
  for (std::size_t i = 0; i < text.size(); i += 5) {
    const std::uint64_t word = z85_group(text.substr(i, 5));
    if (word > UINT32_MAX) {
      return fail(ErrorKind::invalid, "z85_digit",
                  "characters " + std::to_string(i + 1) + " to " + std::to_string(i + 5) +
                      " are not a Z85 group");
    }
    append_big_endian(bytes, word);
  }
  return bytes;
}

}  // namespace guild
