// Money: a signed 64-bit count of 10^-8 units, so at most 92,233,720,368.54775807. Every operation
// is checked: overflow is an error, never a wrap. Text is decimal with two to eight places
// ("1000.00", "-0.12345678"); never a floating-point number.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild {

class Money {
 public:
  static constexpr std::int64_t units_per_one = 100'000'000;

  constexpr Money() = default;
  static constexpr Money of_units(std::int64_t units) {
    Money money;
    money.units_ = units;
    return money;
  }
  /// "12", "-0.5", "1000.00". Refused, never rounded: money_places (over 8), money_format (empty,
  /// exponent, NaN, inf, plus sign, spaces, digits missing), money_overflow.
  static Result<Money> parse(std::string_view text);

  constexpr std::int64_t units() const { return units_; }
  constexpr bool is_zero() const { return units_ == 0; }
  constexpr bool is_negative() const { return units_ < 0; }
  constexpr bool is_positive() const { return units_ > 0; }
  /// Two to eight decimals; trailing zeros past the second are cut.
  std::string text() const;

  /// Error code: money_overflow.
  Result<Money> plus(Money other) const;
  Result<Money> minus(Money other) const;
  Result<Money> negated() const;

  constexpr auto operator<=>(const Money&) const = default;

 private:
  std::int64_t units_ = 0;
};

}  // namespace guild
