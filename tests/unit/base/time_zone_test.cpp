#include "common/base/time_zone.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace std::chrono_literals;

namespace {

Instant at(std::string_view text) { return from_rfc3339(text).value(); }
TimeZone zone(std::string_view name) { return TimeZone::find(name).value(); }
std::int64_t day(std::string_view text) { return TimeZone::utc().day_of(at(text)); }

}  // namespace

TEST_CASE("the local date changes at local midnight, whatever the season") {
  const TimeZone berlin = zone("Europe/Berlin");
  CHECK(berlin.name() == "Europe/Berlin");
  CHECK(berlin.day_of(at("2026-01-10T22:59:59.999999999Z")) == day("2026-01-10T00:00:00Z"));
  CHECK(berlin.day_of(at("2026-01-10T23:00:00Z")) == day("2026-01-11T00:00:00Z"));
  CHECK(berlin.day_of(at("2026-07-10T21:59:59Z")) == day("2026-07-10T00:00:00Z"));
  CHECK(berlin.day_of(at("2026-07-10T22:00:00Z")) == day("2026-07-11T00:00:00Z"));
  CHECK(zone("Pacific/Kiritimati").day_of(at("2026-07-10T10:00:00Z")) ==
        day("2026-07-11T00:00:00Z"));
  CHECK(zone("UTC").day_of({-1}) == -1);
  CHECK(zone("America/New_York").day_of({0}) == -1);
}

TEST_CASE("a day has 23 hours when clocks go ahead, and 25 when they go back") {
  const TimeZone berlin = zone("Europe/Berlin");
  const auto length = [&](std::string_view date) {
    return berlin.start_of(day(date) + 1) - berlin.start_of(day(date));
  };
  CHECK(length("2026-03-28T00:00:00Z") == 24h);
  CHECK(length("2026-03-29T00:00:00Z") == 23h);
  CHECK(length("2026-10-25T00:00:00Z") == 25h);
}

TEST_CASE("a day begins where clocks jump over its midnight, or over all of it") {
  CHECK(zone("America/Havana").start_of(day("2026-03-08T00:00:00Z")) == at("2026-03-08T05:00:00Z"));
  // Samoa had no 30 December 2011.
  const TimeZone apia = zone("Pacific/Apia");
  CHECK(apia.start_of(day("2011-12-30T00:00:00Z")) == at("2011-12-30T10:00:00Z"));
  CHECK(apia.start_of(day("2011-12-31T00:00:00Z")) == at("2011-12-30T10:00:00Z"));
  CHECK(apia.day_of(at("2011-12-30T10:00:00Z")) == day("2011-12-31T00:00:00Z"));
}

TEST_CASE("an instant is in its day: from its start until before that of the next") {
  for (const auto* name : {"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
                           "Asia/Kathmandu", "Pacific/Apia", "Pacific/Pago_Pago"}) {
    const TimeZone in = zone(name);
    for (Instant now = at("2012-01-01T00:00:00Z"); now < at("2027-01-01T00:00:00Z");
         now = now + 7h + 11min) {
      const std::int64_t today = in.day_of(now);
      INFO(name << " " << to_rfc3339(now));
      REQUIRE(in.start_of(today) <= now);
      REQUIRE(now < in.start_of(today + 1));
    }
  }
}

TEST_CASE("what is no zone is refused, and no file is looked for by its name") {
  for (const std::string name : {"", "Mars/Olympus", "europe/berlin", "../../etc/passwd",
                                 "/etc/localtime", "zone.tab", "posixrules", "CET-1CEST"}) {
    const auto found = TimeZone::find(name);
    INFO(name);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == "time_zone_unknown");
    CHECK(found.error().kind == ErrorKind::invalid);
  }
  CHECK(TimeZone::find("Mars/Olympus").error().message == "there is no time zone \"Mars/Olympus\"");
}
