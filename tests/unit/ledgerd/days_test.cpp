#include "ledgerd/days.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace guild;
using namespace guild::ledgerd;
using namespace std::chrono_literals;

namespace {

Instant at(std::string_view text) { return from_rfc3339(text).value(); }
std::int64_t on(const BotDays& days, std::string_view text) {
  return day_of(days, at(text)).value();
}
BotDays moved(const BotDays& days, std::string_view zone, std::string_view now) {
  return in_zone(days, zone, at(now)).value();
}
/// 2026-06-10, in UTC.
const std::int64_t tenth = on({}, "2026-06-10T00:00:00Z");

}  // namespace

TEST_CASE("days are the zone's own, and change with its clocks") {
  const BotDays berlin{.zone = "Europe/Berlin"};
  CHECK(on(berlin, "2026-06-09T21:59:59Z") == tenth - 1);
  CHECK(on(berlin, "2026-06-09T22:00:00Z") == tenth);
  CHECK(on(berlin, "2026-12-09T22:59:59Z") + 1 == on(berlin, "2026-12-09T23:00:00Z"));
  CHECK(day_of({.zone = "Mars/Olympus"}, {0}).error().code == "time_zone_unknown");
}

TEST_CASE("a zone in which it is tomorrow gives no new day: today goes on, past both midnights") {
  const BotDays tokyo = moved({}, "Asia/Tokyo", "2026-06-10T16:00:00Z");  // There it is the 11th.
  CHECK(on(tokyo, "2026-06-10T16:00:00Z") == tenth);
  CHECK(on(tokyo, "2026-06-11T14:59:59Z") == tenth);
  CHECK(on(tokyo, "2026-06-11T15:00:00Z") == tenth + 2);
  CHECK(on(tokyo, "2026-06-12T15:00:00Z") == tenth + 3);
}

TEST_CASE("a midnight that comes right after the change is not one") {
  // 12:00 UTC is midnight in Auckland in June.
  const BotDays auckland = moved({}, "Pacific/Auckland", "2026-06-10T11:59:00Z");
  CHECK(on(auckland, "2026-06-10T12:00:00Z") == tenth);
  CHECK(on(auckland, "2026-06-11T11:59:59Z") == tenth);
  CHECK(on(auckland, "2026-06-11T12:00:00Z") == tenth + 2);
}

TEST_CASE("a zone in which it is still yesterday counts no use of today twice") {
  const BotDays tokyo{.zone = "Asia/Tokyo"};
  const BotDays utc = moved(tokyo, "UTC", "2026-06-10T16:00:00Z");
  CHECK(on(utc, "2026-06-10T16:00:00Z") == tenth + 1);
  CHECK(on(utc, "2026-06-11T23:59:59Z") == tenth + 1);
  CHECK(on(utc, "2026-06-12T00:00:00Z") == tenth + 2);
}

TEST_CASE("back in the zone that it came from on the same day, it is as if it had not left") {
  const BotDays away = moved({}, "Asia/Tokyo", "2026-06-10T16:00:00Z");
  const BotDays back = moved(away, "UTC", "2026-06-10T17:00:00Z");
  CHECK(on(back, "2026-06-10T23:59:59Z") == tenth);
  CHECK(on(back, "2026-06-11T00:00:00Z") == tenth + 1);
  // Once that day is over, the next one comes with the next midnight, not with the change.
  const BotDays late = moved(away, "UTC", "2026-06-11T01:00:00Z");
  CHECK(on(late, "2026-06-11T23:59:59Z") == tenth);
  CHECK(on(late, "2026-06-12T00:00:00Z") == tenth + 2);
  // The same zone again changes nothing.
  CHECK(in_zone(away, "Asia/Tokyo", at("2026-06-10T18:00:00Z")).value() == away);
}

TEST_CASE("an unknown zone is refused; who is in one that tzdata lost can leave it") {
  CHECK(in_zone({}, "Mars/Olympus", {0}).error().code == "time_zone_unknown");
  const BotDays lost{.zone = "Mars/Olympus"};
  CHECK(on(moved(lost, "Europe/Berlin", "2026-06-10T12:00:00Z"), "2026-06-11T23:00:00Z") ==
        tenth + 2);
}

TEST_CASE(
    "whoever changes zones, however often, days follow each other no faster than clocks say") {
  constexpr std::string_view zones[] = {"UTC",
                                        "Europe/Berlin",
                                        "Asia/Tokyo",
                                        "America/New_York",
                                        "Asia/Kathmandu",
                                        "Pacific/Kiritimati",
                                        "Pacific/Pago_Pago",
                                        "America/St_Johns"};
  for (unsigned seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    BotDays days;
    Instant now = at("2026-03-01T00:00:00Z"), began = now;
    std::int64_t day = day_of(days, now).value();
    bool is_first = true;
    for (int step = 0; step < 1'000; ++step) {
      now = now + std::chrono::minutes(1 + random() % 120);
      const std::int64_t next = day_of(days, now).value();
      REQUIRE(next >= day);
      if (next != day) {
        // Seen up to two hours late; the shortest day has 23.
        if (!is_first) REQUIRE(now - began >= 21h);
        is_first = false;
        day = next;
        began = now;
      }
      if (random() % 3 != 0) continue;
      days = in_zone(days, zones[random() % std::size(zones)], now).value();
      REQUIRE(day_of(days, now).value() == day);  // No use is given back.
      if (days.held && now < days.held->until) REQUIRE(days.held->until - now <= 50h);
    }
  }
}
