#include "common/base/time_zone.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <chrono>
#include <exception>

#include "common/base/text.hpp"

namespace guild {
namespace {

using std::chrono::days;
using std::chrono::nanoseconds;

std::unexpected<Error> unknown(std::string_view name) {
  return fail(ErrorKind::invalid, "time_zone_unknown",
              fmt::format("there is no time zone {}", quoted(name)),
              "give its IANA name, such as Europe/Berlin or UTC");
}

const date::time_zone& zone_of(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
}

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  if (name == "UTC") return utc();
  try {
    const date::time_zone* const zone = date::locate_zone(name);
    zone->get_info(date::sys_seconds{});  // Its file is read at first use: better now.
    return TimeZone(std::string(name), zone);
  } catch (const std::exception&) {
    return unknown(name);
  }
}

std::int64_t TimeZone::day_of(Instant at) const {
  const date::sys_time<nanoseconds> time{nanoseconds(at.ns)};
  if (zone_ == nullptr) return date::floor<days>(time).time_since_epoch().count();
  return date::floor<days>(zone_of(zone_).to_local(time)).time_since_epoch().count();
}

Instant TimeZone::start_of(std::int64_t day) const {
  if (zone_ == nullptr) return {nanoseconds(date::sys_days{days(day)}.time_since_epoch()).count()};
  const date::local_seconds midnight = date::local_days{days(day)};
  return {nanoseconds(zone_of(zone_).to_sys(midnight, date::choose::earliest).time_since_epoch())
              .count()};
}

}  // namespace guild
