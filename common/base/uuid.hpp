// Uuid: 128-bit ids. Version 7 (RFC 9562): 48 bits of Unix milliseconds, then random, so ids sort
// by birth. Ids made by one process in one millisecond also sort (12-bit counter).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace guild {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// A new version 7 id; thread-safe.
  static Uuid make();
  /// The first 16 bytes of SHA-256 of `text`, marked version 8: a name's own id, e.g. H(task,
  /// attempt).
  static Uuid of_name(std::string_view text);
  /// 8-4-4-4-12 hex, or 32 hex digits. Error code: uuid_format.
  static Result<Uuid> parse(std::string_view text);
  std::string text() const;
  bool is_nil() const { return *this == Uuid{}; }

  auto operator<=>(const Uuid&) const = default;
};

}  // namespace guild

template <>
struct std::hash<guild::Uuid> {
  std::size_t operator()(const guild::Uuid& id) const noexcept {
    return static_cast<std::size_t>(guild::load_le<std::uint64_t>(id.bytes.data() + 8));
  }
};
