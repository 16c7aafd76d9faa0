#include "common/base/money.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

using guild::Money;

namespace {

constexpr std::int64_t units_max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t units_min = std::numeric_limits<std::int64_t>::min();

std::int64_t parsed(std::string_view text) {
  const auto money = Money::parse(text);
  INFO(text);
  REQUIRE(money.has_value());
  return money->units();
}

std::string refusal(std::string_view text) {
  const auto money = Money::parse(text);
  return money ? "accepted as " + money->text() : money.error().code;
}

}  // namespace

TEST_CASE("an amount is counted in units of 10^-8") {
  CHECK(parsed("12") == 1'200'000'000);
  CHECK(parsed("-0.5") == -50'000'000);
  CHECK(parsed("1000.00") == 100'000'000'000);
  CHECK(parsed("0.00000001") == 1);
  CHECK(parsed("-0.12345678") == -12'345'678);
  CHECK(parsed("-0") == 0);
  CHECK(parsed("007.10") == 710'000'000);
}

TEST_CASE("the largest and the smallest amount are amounts") {
  CHECK(parsed("92233720368.54775807") == units_max);
  CHECK(parsed("-92233720368.54775808") == units_min);
  CHECK(Money::of_units(units_max).text() == "92233720368.54775807");
  CHECK(Money::of_units(units_min).text() == "-92233720368.54775808");
}

TEST_CASE("one unit past either end is refused, not wrapped") {
  CHECK(refusal("92233720368.54775808") == "money_overflow");
  CHECK(refusal("-92233720368.54775809") == "money_overflow");
  CHECK(refusal("92233720369") == "money_overflow");
  CHECK(refusal("9223372036854775807") == "money_overflow");
  CHECK(refusal("-99999999999999999999999999999999999999") == "money_overflow");
}

TEST_CASE("what is not plain decimal text is not an amount") {
  const auto text = GENERATE(as<std::string>{}, "", "-", ".", "-.", "1.", ".5", "-.5", "+1", "--1",
                             "1.2.3", "1e3", "1E3", "0x10", "NaN", "nan", "inf", "-inf", " 1", "1 ",
                             "1 000", "1,000", "1,5", "1.-5", "1.5-", "1\n", "\xD9\xA1");
  CHECK(refusal(text) == "money_format");
}

TEST_CASE("text after a NUL is not overlooked") {
  CHECK(refusal(std::string_view("1\0", 2)) == "money_format");
  CHECK(refusal(std::string_view("1\0002", 3)) == "money_format");
}

TEST_CASE("a ninth decimal is refused, not rounded, even when it is zero") {
  CHECK(refusal("0.123456789") == "money_places");
  CHECK(refusal("1.000000000") == "money_places");
  CHECK(refusal("-0.000000001") == "money_places");
}

TEST_CASE("a refusal shows the text, cut and escaped, and what to write instead") {
  const auto refused = Money::parse("1\x1b[2J" + std::string(500, '9'));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == guild::ErrorKind::invalid);
  CHECK(refused.error().message.find("\"1\\x1b[2J999") == 0);
  CHECK(refused.error().message.size() < 120);
  CHECK_FALSE(refused.error().next_step.empty());
}

TEST_CASE("amounts are shown with two to eight decimals") {
  CHECK(Money{}.text() == "0.00");
  CHECK(Money::of_units(1).text() == "0.00000001");
  CHECK(Money::of_units(-1).text() == "-0.00000001");
  CHECK(Money::of_units(50'000'000).text() == "0.50");
  CHECK(Money::of_units(-50'000'000).text() == "-0.50");
  CHECK(Money::of_units(12'300'000).text() == "0.123");
  CHECK(Money::of_units(100'000'000'000).text() == "1000.00");
  CHECK(Money::of_units(100'000'000'010).text() == "1000.0000001");
}

TEST_CASE("sums and differences are exact, and overflow is an error") {
  const Money one = Money::of_units(1);
  const Money largest = Money::of_units(units_max);
  const Money smallest = Money::of_units(units_min);
  CHECK(one.plus(one)->units() == 2);
  CHECK(one.minus(Money::of_units(3))->units() == -2);
  CHECK(largest.plus(smallest)->units() == -1);
  CHECK(smallest.plus(largest)->units() == -1);
  CHECK(largest.plus(one).error().code == "money_overflow");
  CHECK(smallest.minus(one).error().code == "money_overflow");
  CHECK(Money{}.minus(smallest).error().code == "money_overflow");
  CHECK(smallest.minus(smallest)->is_zero());
}

TEST_CASE("the smallest amount has no opposite") {
  CHECK(Money::of_units(units_max).negated()->units() == -units_max);
  CHECK(Money::of_units(units_min).negated().error().code == "money_overflow");
}

TEST_CASE("amounts know their sign and their order") {
  CHECK(Money::of_units(-1) < Money{});
  CHECK(Money{} < Money::of_units(1));
  CHECK(Money::of_units(-1).is_negative());
  CHECK_FALSE(Money{}.is_negative());
  CHECK_FALSE(Money{}.is_positive());
  CHECK(Money{}.is_zero());
  CHECK(Money::of_units(1).is_positive());
}
