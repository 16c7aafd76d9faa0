// Time as a value. Instant is UTC nanoseconds since 1970 (what is stored, sent and shown);
// durations are std::chrono::nanoseconds. Cores take an Instant; only adapters call now().
// Text is RFC 3339 in UTC ("2026-01-02T03:04:05.678Z"); durations are "250ms", "2s", "10m",
// "1h30m".
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild {

using Duration = std::chrono::nanoseconds;

struct Instant {
  std::int64_t ns = 0;  ///< Since 1970-01-01T00:00:00Z, leap seconds not counted.

  auto operator<=>(const Instant&) const = default;
  friend Instant operator+(Instant at, Duration by) { return {at.ns + by.count()}; }
  friend Instant operator-(Instant at, Duration by) { return {at.ns - by.count()}; }
  friend Duration operator-(Instant a, Instant b) { return Duration{a.ns - b.ns}; }
};

/// The wall clock; may jump. For deadlines inside a process use std::chrono::steady_clock.
Instant now();

/// With 0, 3, 6 or 9 decimals, as few as hold the value.
std::string to_rfc3339(Instant at);
/// Error code: time_format. Accepts any offset, up to 9 decimals, years 1970 to 2261.
Result<Instant> from_rfc3339(std::string_view text);

/// "1h30m", "250ms"; zero is "0s".
std::string to_text(Duration duration);
/// Units ns, us, ms, s, m, h, d, each a whole number, largest first. Codes: duration_format,
/// duration_overflow. A bare number is refused: it has no unit.
Result<Duration> parse_duration(std::string_view text);

}  // namespace guild
