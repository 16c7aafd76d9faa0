#include "common/base/time.hpp"

#include <catch2/catch.hpp>
#include <limits>

using guild::Duration;
using guild::Instant;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t ns_of(std::string_view text) {
  const auto at = guild::from_rfc3339(text);
  INFO(text);
  REQUIRE(at.has_value());
  return at->ns;
}

template <class T>
std::string code_of(const guild::Result<T>& result) {
  return result ? "accepted" : result.error().code;
}

Duration duration_of(std::string_view text) {
  const auto duration = guild::parse_duration(text);
  INFO(text);
  REQUIRE(duration.has_value());
  return *duration;
}

}  // namespace

TEST_CASE("an instant is shown with as few decimals as hold it") {
  CHECK(guild::to_rfc3339({0}) == "1970-01-01T00:00:00Z");
  CHECK(guild::to_rfc3339({1'767'323'045 * second}) == "2026-01-02T03:04:05Z");
  CHECK(guild::to_rfc3339({678'000'000}) == "1970-01-01T00:00:00.678Z");
  CHECK(guild::to_rfc3339({100'000'000}) == "1970-01-01T00:00:00.100Z");
  CHECK(guild::to_rfc3339({1'000}) == "1970-01-01T00:00:00.000001Z");
  CHECK(guild::to_rfc3339({1}) == "1970-01-01T00:00:00.000000001Z");
}

TEST_CASE("instants before 1970 and at the ends of 64 bits can still be shown") {
  CHECK(guild::to_rfc3339({-1}) == "1969-12-31T23:59:59.999999999Z");
  CHECK(guild::to_rfc3339({-second}) == "1969-12-31T23:59:59Z");
  CHECK(guild::to_rfc3339({std::numeric_limits<std::int64_t>::min()}) ==
        "1677-09-21T00:12:43.145224192Z");
  CHECK(guild::to_rfc3339({std::numeric_limits<std::int64_t>::max()}) ==
        "2262-04-11T23:47:16.854775807Z");
}

TEST_CASE("RFC 3339 times are read with any offset and up to nine decimals") {
  CHECK(ns_of("1970-01-01T00:00:00Z") == 0);
  CHECK(ns_of("2026-01-02T03:04:05Z") == 1'767'323'045 * second);
  CHECK(ns_of("2026-01-02T04:04:05+01:00") == 1'767'323'045 * second);
  CHECK(ns_of("2026-01-01T21:34:05-05:30") == 1'767'323'045 * second);
  CHECK(ns_of("2026-01-02t03:04:05z") == 1'767'323'045 * second);
  CHECK(ns_of("2026-01-02T03:04:05-00:00") == 1'767'323'045 * second);
  CHECK(ns_of("1970-01-01T00:00:00.5Z") == 500'000'000);
  CHECK(ns_of("1970-01-01T00:00:00.123456789Z") == 123'456'789);
  CHECK(ns_of("1970-01-01T00:00:00.000000001Z") == 1);
  CHECK(ns_of("2024-02-29T00:00:00Z") == 1'709'164'800 * second);
}

TEST_CASE("the years from 1970 to 2261 are read, counted in UTC") {
  CHECK(ns_of("2261-12-31T23:59:59.999999999Z") == 9'214'646'399'999'999'999);
  CHECK(ns_of("1969-12-31T23:00:00-01:00") == 0);
  CHECK(code_of(guild::from_rfc3339("1969-12-31T23:59:59.999Z")) == "time_format");
  CHECK(code_of(guild::from_rfc3339("1970-01-01T00:59:59+01:00")) == "time_format");
  CHECK(code_of(guild::from_rfc3339("2262-01-01T00:00:00Z")) == "time_format");
  CHECK(code_of(guild::from_rfc3339("2261-12-31T23:30:00-01:00")) == "time_format");
  CHECK(code_of(guild::from_rfc3339("9999-12-31T23:59:59Z")) == "time_format");
  CHECK(code_of(guild::from_rfc3339("0000-01-01T00:00:00Z")) == "time_format");
}

TEST_CASE("what is not an RFC 3339 time is refused") {
  const auto text = GENERATE(
      as<std::string>{}, "", "now", "2026", "2026-01-02", "2026-01-02T03:04:05",
      "2026-01-02 03:04:05Z", "2026-01-02T03:04Z", "2026-01-02T03:04:05.Z",
      "2026-01-02T03:04:05.1234567890Z", "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05+0100",
      "2026-01-02T03:04:05+1:00", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+01:60",
      "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z",
      "2026-13-02T03:04:05Z", "2026-00-02T03:04:05Z", "2026-01-00T03:04:05Z",
      "2026-01-32T03:04:05Z", "2025-02-29T03:04:05Z", "2100-02-29T03:04:05Z",
      "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "2026-1-02T03:04:05Z",
      "+2026-01-02T03:04:05Z", "-026-01-02T03:04:05Z", "2026/01/02T03:04:05Z", "20260102T030405Z",
      "2026-01-02T03:04:05.-1Z", "2026-01-02T0x:04:05Z");
  INFO(text);
  const auto refused = guild::from_rfc3339(text);
  REQUIRE(code_of(refused) == "time_format");
  CHECK_FALSE(refused.error().next_step.empty());
}

TEST_CASE("instants and durations add up") {
  const Instant at{1000};
  CHECK((at + 5ns).ns == 1005);
  CHECK((at - 5ns).ns == 995);
  CHECK(Instant{1005} - at == 5ns);
  CHECK(at < at + 1ns);
}

TEST_CASE("durations are shown in whole units, largest first") {
  CHECK(guild::to_text(Duration::zero()) == "0s");
  CHECK(guild::to_text(250ms) == "250ms");
  CHECK(guild::to_text(90min) == "1h30m");
  CHECK(guild::to_text(24h) == "1d");
  CHECK(guild::to_text(1500us) == "1ms500us");
  CHECK(guild::to_text(26h + 3min + 4s + 5ms + 6us + 7ns) == "1d2h3m4s5ms6us7ns");
  CHECK(guild::to_text(-90s) == "-1m30s");
  CHECK(guild::to_text(Duration::max()) == "106751d23h47m16s854ms775us807ns");
  CHECK(guild::to_text(Duration::min()) == "-106751d23h47m16s854ms775us808ns");
}

TEST_CASE("durations are read in any of their units") {
  CHECK(duration_of("7ns") == 7ns);
  CHECK(duration_of("7us") == 7us);
  CHECK(duration_of("250ms") == 250ms);
  CHECK(duration_of("2s") == 2s);
  CHECK(duration_of("10m") == 10min);
  CHECK(duration_of("1h30m") == 90min);
  CHECK(duration_of("2d") == 48h);
  CHECK(duration_of("0s") == Duration::zero());
  CHECK(duration_of("90m") == 90min);
  CHECK(duration_of("1m5ms") == 60'005ms);
  CHECK(duration_of("106751d23h47m16s854ms775us807ns") == Duration::max());
}

TEST_CASE("a duration without a unit, or with a wrong one, is refused") {
  const auto text = GENERATE(as<std::string>{}, "", "5", "0", "s", "ms", "-5s", "+5s", "1.5s",
                             "5 s", " 5s", "5s ", "5S", "5sec", "5w", "5y", "30m1h", "5s5s", "1h1h",
                             "1ms1s", "1h30", "1hm", "5s\n", "1e3s", "\xc2\xb5s");
  INFO(text);
  const auto refused = guild::parse_duration(text);
  REQUIRE(code_of(refused) == "duration_format");
  CHECK_FALSE(refused.error().next_step.empty());
}

TEST_CASE("a duration past 64 bits of nanoseconds is refused, not wrapped") {
  CHECK(code_of(guild::parse_duration("106752d")) == "duration_overflow");
  CHECK(code_of(guild::parse_duration("106751d23h47m16s854ms775us808ns")) == "duration_overflow");
  CHECK(code_of(guild::parse_duration("9223372036854775808ns")) == "duration_overflow");
  CHECK(code_of(guild::parse_duration("99999999999999999999s")) == "duration_overflow");
  CHECK(code_of(guild::parse_duration("18446744073709551617s")) == "duration_overflow");
}

TEST_CASE("the wall clock is past the day this was written") {
  CHECK(guild::now().ns > 1'735'689'600 * second);
}
