#include "ledgerd/days.hpp"

#include "common/base/time_zone.hpp"

namespace guild::ledgerd {
namespace {

/// The held day, when `at` is on it.
const HeldDay* held_at(const BotDays& days, Instant at) {
  if (!days.held || days.held->until <= at) return nullptr;
  return &*days.held;
}

/// The day that `now` is on, with its end; `until` is to be found.
HeldDay current_day(const BotDays& days, Instant now) {
  if (const HeldDay* const held = held_at(days, now)) return *held;
  // A zone that tzdata no longer has counts as UTC, so that a bot in it can be given another.
  const TimeZone zone = TimeZone::find(days.zone).value_or(TimeZone::utc());
  const std::int64_t day = zone.day_of(now);
  return {.day = day, .over_at = zone.start_of(day + 1), .until = {}};
}

}  // namespace

Result<std::int64_t> day_of(const BotDays& days, Instant at) {
  if (const HeldDay* const held = held_at(days, at)) return held->day;
  GUILD_TRY(const TimeZone zone, TimeZone::find(days.zone));
  return zone.day_of(at);
}

Result<BotDays> in_zone(const BotDays& days, std::string_view zone, Instant now) {
  GUILD_TRY(const TimeZone next, TimeZone::find(zone));
  if (zone == days.zone) return days;
  HeldDay held = current_day(days, now);
  std::int64_t day = held.day + 1;
  while (next.start_of(day) < held.over_at || next.start_of(day) <= now) ++day;
  held.until = next.start_of(day);
  return BotDays{.zone = next.name(), .held = held};
}

}  // namespace guild::ledgerd
