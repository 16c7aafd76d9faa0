// Bytes as text: hex (lower case; secrets on disk use it, no shell or .env can mangle it) and Z85
// (RFC 32/Z85 of the ZeroMQ project). Decoding refuses anything but exact, whole input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace guild {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(BytesView bytes);
/// Error codes: hex_length, hex_digit. Accepts both cases.
Result<Bytes> from_hex(std::string_view text);
/// Exactly `N` bytes, or hex_length.
template <std::size_t N>
Result<std::array<std::uint8_t, N>> from_hex_exactly(std::string_view text) {
  GUILD_TRY(Bytes bytes, from_hex(text));
  if (bytes.size() != N) {
    return fail(
        ErrorKind::invalid, "hex_length",
        "expected " + std::to_string(2 * N) + " hex digits, got " + std::to_string(text.size()));
  }
  std::array<std::uint8_t, N> exact{};
  for (std::size_t i = 0; i < N; ++i) exact[i] = bytes[i];
  return exact;
}

/// Z85 of `bytes`, whose size must be a multiple of 4 (a GUILD_ASSERT: callers hold fixed sizes).
std::string to_z85(BytesView bytes);
/// Error codes: z85_length, z85_digit.
Result<Bytes> from_z85(std::string_view text);

/// Little-endian loads and stores for wire and leaf formats; unaligned is fine.
template <class Integer>
Integer load_le(const void* from) {
  Integer value{};
  const auto* bytes = static_cast<const std::uint8_t*>(from);
  for (std::size_t i = sizeof(Integer); i-- > 0;)
    value = static_cast<Integer>((static_cast<std::uint64_t>(value) << 8U) | bytes[i]);
  return value;
}
template <class Integer>
void store_le(void* to, Integer value) {
  auto* bytes = static_cast<std::uint8_t*>(to);
  auto rest = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    bytes[i] = static_cast<std::uint8_t>(rest);
    rest >>= 8U;
  }
}

}  // namespace guild
