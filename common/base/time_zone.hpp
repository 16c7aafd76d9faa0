// TimeZone: an IANA zone, and which local day an instant is on, by the system's tzdata. "UTC" is
// known without it. Any thread may look zones up and use them; the environment's TZ is never read.
// Names are as in tzdata, letter case counts. Source: libhowardhinnant-date (C++20's <chrono> has
// zones that libstdc++ 12 lacks). Code: time_zone_unknown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace guild {

class TimeZone {
 public:
  static TimeZone utc() { return TimeZone("UTC", nullptr); }
  static Result<TimeZone> find(std::string_view name);

  const std::string& name() const { return name_; }
  /// The local date, counted in days from 1970-01-01.
  std::int64_t day_of(Instant at) const;
  /// The first instant of a local date. Where clocks jump over midnight it is that of the jump;
  /// where they go back over it the earlier one.
  Instant start_of(std::int64_t day) const;

 private:
  TimeZone(std::string name, const void* zone) : name_(std::move(name)), zone_(zone) {}

  std::string name_;
  const void* zone_;  // Of the library's own database, which lives as long as the process.
};

}  // namespace guild
