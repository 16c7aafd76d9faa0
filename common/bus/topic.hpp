// Topics and patterns (docs/protocol.md): `ledger/entry/bot-7`; `*` is one level, a last `**` the
// rest (one or more). At most 250 bytes and 10 levels; no white space, controls or empty levels.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild::bus {

inline constexpr std::size_t topic_bytes_max = 250;
inline constexpr std::size_t topic_levels_max = 10;

/// Error code topic_invalid, saying which rule is broken and where.
Result<void> check_topic(std::string_view topic);
Result<void> check_pattern(std::string_view pattern);

/// Whether `topic` (valid) matches `pattern` (valid). Allocates nothing.
bool matches(std::string_view pattern, std::string_view topic);
/// Whether every topic that `narrow` matches is also matched by `wide`: decides whether a
/// permission covers a subscription.
bool covers(std::string_view wide, std::string_view narrow);

}  // namespace guild::bus
