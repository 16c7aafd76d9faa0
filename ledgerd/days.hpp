// Days: on which day a bot's use of a grant counts. It is the local date of the bot's time zone.
// When the zone is changed, the day that goes on at that moment goes on: a new one begins with the
// next midnight of the new zone that is not before the old day's end and begins a later date. So no
// change gives back a use, days follow each other no faster than clocks say, and changing back
// before the old day's end undoes it. Pure. Code: time_zone_unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace guild::ledgerd {

/// A day that outlasts a change of zone.
struct HeldDay {
  std::int64_t day = 0;
  Instant over_at;  ///< Its end in the zone that it began in.
  Instant until;    ///< When the next one begins.

  bool operator==(const HeldDay&) const = default;
};

struct BotDays {
  std::string zone = "UTC";
  std::optional<HeldDay> held = {};  ///< Counts for instants before its `until`.

  bool operator==(const BotDays&) const = default;
};

/// Counted from 1970-01-01.
Result<std::int64_t> day_of(const BotDays& days, Instant at);

/// What holds once the zone is changed at `now`.
Result<BotDays> in_zone(const BotDays& days, std::string_view zone, Instant now);

}  // namespace guild::ledgerd
