#include "cli/value.hpp"

#include <catch2/catch.hpp>

#include "common/messages/logs.hpp"

using namespace guild;
using namespace guild::cli;

namespace {

template <class T>
std::string code_of(std::string_view text, T into = {}) {
  const Result<void> read = read_value(text, into);
  return read ? "ok" : read.error().code;
}

}  // namespace

TEST_CASE("a bounded number takes both its ends and nothing beyond") {
  messages::Range<1, 1'000, 100> limit;
  REQUIRE(read_value("1", limit));
  CHECK(limit.value == 1);
  REQUIRE(read_value("1000", limit));
  CHECK(limit.value == 1'000);
  CHECK(code_of("0", limit) == "number_range");
  CHECK(code_of("1001", limit) == "number_range");
  CHECK(code_of("99999999999999999999", limit) == "number_range");
  for (const std::string_view text : {"", " 1", "1 ", "1.0", "0x1", "one", "1e2", "+1"})
    CHECK(code_of(text, limit) == "number_format");
}

TEST_CASE("a choice is one of the names of its enum, and a wrong one is told all") {
  messages::LogLevel level{};
  REQUIRE(read_value("warn", level));
  CHECK(level == messages::LogLevel::warn);
  const Result<void> read = read_value("WARN", level);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == "choice_unknown");
  CHECK(read.error().message == "\"WARN\" is none of debug, info, warn, error, critical");
}

TEST_CASE("a moment is a time or a while ago") {
  Moment moment;
  REQUIRE(read_value("2026-01-02T03:04:05Z", moment));
  CHECK(to_rfc3339(moment.at) == "2026-01-02T03:04:05Z");

  const Instant before = now();
  REQUIRE(read_value("10m", moment));
  CHECK(moment.at >= before - std::chrono::minutes(10));
  CHECK(moment.at <= now() - std::chrono::minutes(10));
  CHECK(code_of<Moment>("yesterday") == "time_format");
  CHECK(code_of<Moment>("10") == "time_format");
}

TEST_CASE("bounded text refuses what is too long and what is not UTF-8") {
  CHECK(code_of<Text<4>>("abcd") == "ok");
  CHECK(code_of<Text<4>>("abcde") == "text_too_long");
  CHECK(code_of<Text<4>>("\xff") == "text_invalid");
}

TEST_CASE("an amount is more than nothing, of at most eight places, and fits") {
  CHECK(code_of<Amount>("0.00000001") == "ok");
  CHECK(code_of<Amount>("-0.00000001") == "amount_negative");
  CHECK(code_of<Amount>("0.00") == "amount_zero");
  CHECK(code_of<Amount>("0.000000001") == "money_places");
  CHECK(code_of<Amount>("92233720368.54775808") == "money_overflow");
}

TEST_CASE("what is refused leaves its place as it was") {
  messages::Range<1, 9, 5> digit;
  CHECK_FALSE(read_value("10", digit));
  CHECK(digit.value == 5);
  std::optional<Duration> duration;
  CHECK_FALSE(read_value("soon", duration));
  CHECK_FALSE(duration);
}
