#include "common/base/money.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace guild {
namespace {

constexpr std::size_t places_max = 8;
constexpr std::size_t places_shown_min = 2;

struct Parts {
  bool negative = false;
  bool has_point = false;
  std::string_view whole, decimals;
};

Parts split(std::string_view text) {
  Parts parts;
  parts.negative = text.starts_with('-');
  if (parts.negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  parts.has_point = point != std::string_view::npos;
  parts.whole = text.substr(0, point);
  if (parts.has_point) parts.decimals = text.substr(point + 1);
  return parts;
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool well_formed(const Parts& parts) {
  return !parts.whole.empty() && parts.has_point == !parts.decimals.empty() &&
         all_digits(parts.whole) && all_digits(parts.decimals);
}

bool append_digit(std::int64_t& below_zero, char digit) {
  return !__builtin_mul_overflow(below_zero, std::int64_t{10}, &below_zero) &&
         !__builtin_sub_overflow(below_zero, std::int64_t{digit - '0'}, &below_zero);
}

// Counts below zero, where there is room for one unit more than above it.
bool count_units(const Parts& parts, std::int64_t& units) {
  units = 0;
  for (const char digit : parts.whole) {
    if (!append_digit(units, digit)) return false;
  }
  for (std::size_t place = 0; place < places_max; ++place) {
    const char digit = place < parts.decimals.size() ? parts.decimals[place] : '0';
    if (!append_digit(units, digit)) return false;
  }
  return parts.negative || !__builtin_sub_overflow(std::int64_t{0}, units, &units);
}

std::unexpected<Error> overflow(std::string message) {
  return fail(ErrorKind::invalid, "money_overflow", std::move(message),
              "amounts reach from -92233720368.54775808 to 92233720368.54775807");
}

std::uint64_t magnitude(std::int64_t units) {
  const auto bits = static_cast<std::uint64_t>(units);
  return units < 0 ? ~bits + 1 : bits;
}

}  // namespace

Result<Money> Money::parse(std::string_view text) {
  const Parts parts = split(text);
  if (!well_formed(parts)) {
    return fail(ErrorKind::invalid, "money_format", quoted(text) + " is not an amount",
                "write digits, with a point and up to 8 decimals where needed, such as 12.50");
  }
  if (parts.decimals.size() > places_max) {
    return fail(ErrorKind::invalid, "money_places", quoted(text) + " has more than 8 decimals",
                "give at most 8; amounts are never rounded");
  }
  std::int64_t units = 0;
  if (!count_units(parts, units)) return overflow(quoted(text) + " is too large an amount");
  return of_units(units);
}

std::string Money::text() const {
  const std::uint64_t size = magnitude(units_);
  const std::uint64_t one = static_cast<std::uint64_t>(units_per_one);
  std::string text = fmt::format("{}{}.{:08}", is_negative() ? "-" : "", size / one, size % one);
  const std::size_t shortest = text.size() - places_max + places_shown_min;
  text.resize(std::max(shortest, text.find_last_not_of('0') + 1));
  return text;
}

Result<Money> Money::plus(Money other) const {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(units_, other.units_, &sum)) return of_units(sum);
  return overflow(fmt::format("{} plus {} is too large an amount", text(), other.text()));
}

Result<Money> Money::minus(Money other) const {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(units_, other.units_, &difference)) return of_units(difference);
  return overflow(fmt::format("{} minus {} is too large an amount", text(), other.text()));
}

Result<Money> Money::negated() const { return Money{}.minus(*this); }

}  // namespace guild
