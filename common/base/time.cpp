#include "common/base/time.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace guild {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr int year_min = 1970;
constexpr int year_max = 2261;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes text from the front, piece by piece; one failure is remembered until the end.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool next_is(std::string_view any_of) const {
    return !rest_.empty() && any_of.find(rest_[0]) != std::string_view::npos;
  }
  char one_of(std::string_view any_of) {
    if (!next_is(any_of)) return failed(), '\0';
    const char taken = rest_[0];
    rest_.remove_prefix(1);
    return taken;
  }
  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) value = value * 10 + digit();
    return value;
  }
  int number_within(std::size_t digits, int max) {
    const int value = number(digits);
    if (value > max) failed();
    return value;
  }
  /// Digits after a point, as a count of nanoseconds.
  std::int64_t nanoseconds() {
    std::int64_t value = 0;
    for (std::size_t place = 0; place < 9; ++place) {
      const bool given = place == 0 || next_is("0123456789");
      value = value * 10 + (given ? digit() : 0);
    }
    return value;
  }
  bool is_done() const { return ok_ && rest_.empty(); }

 private:
  void failed() { ok_ = false; }
  int digit() {
    const char taken = one_of("0123456789");
    return ok_ ? taken - '0' : 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

std::optional<sys_days> read_date(Reader& reader) {
  const int year = reader.number(4);
  reader.one_of("-");
  const int month = reader.number(2);
  reader.one_of("-");
  const int day = reader.number(2);
  const year_month_day date{std::chrono::year{year},
                            std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return sys_days{date};
}

seconds read_hours_and_minutes(Reader& reader) {
  const int hours = reader.number_within(2, 23);
  reader.one_of(":");
  const int minutes = reader.number_within(2, 59);
  return std::chrono::hours{hours} + std::chrono::minutes{minutes};
}

seconds read_time_of_day(Reader& reader) {
  const seconds minutes = read_hours_and_minutes(reader);
  reader.one_of(":");
  return minutes + seconds{reader.number_within(2, 59)};
}

std::int64_t read_fraction(Reader& reader) {
  if (!reader.next_is(".")) return 0;
  reader.one_of(".");
  return reader.nanoseconds();
}

seconds read_offset(Reader& reader) {
  const char sign = reader.one_of("Zz+-");
  if (sign != '+' && sign != '-') return seconds{0};
  const seconds offset = read_hours_and_minutes(reader);
  return sign == '+' ? offset : -offset;
}

bool year_fits(std::chrono::sys_seconds at) {
  const int year{year_month_day{std::chrono::floor<days>(at)}.year()};
  return year >= year_min && year <= year_max;
}

std::unexpected<Error> bad_time(std::string_view text) {
  return fail(ErrorKind::invalid, "time_format",
              quoted(text) + " is not an RFC 3339 time of the years 1970 to 2261",
              "write it like 2026-01-02T03:04:05Z or 2026-01-02T03:04:05.678+01:00");
}

std::string decimals_of(std::int64_t ns) {
  if (ns == 0) return "";
  if (ns % 1'000'000 == 0) return fmt::format(".{:03}", ns / 1'000'000);
  if (ns % 1'000 == 0) return fmt::format(".{:06}", ns / 1'000);
  return fmt::format(".{:09}", ns);
}

struct Unit {
  std::string_view name;
  std::int64_t ns;
};

constexpr std::array<Unit, 7> units{{
    {"d", 86'400 * ns_per_second},
    {"h", 3'600 * ns_per_second},
    {"m", 60 * ns_per_second},
    {"s", ns_per_second},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
}};

std::unexpected<Error> bad_duration(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid, "duration_format",
              fmt::format("{} is not a duration: {}", quoted(text), why),
              "write whole numbers with the units d h m s ms us ns, largest first, like 1h30m");
}

std::unexpected<Error> duration_overflow(std::string_view text) {
  return fail(ErrorKind::invalid, "duration_overflow", quoted(text) + " is too long a duration",
              "durations end at 106751d (292 years)");
}

template <class Condition>
std::string_view take_while(std::string_view& rest, Condition condition) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), condition);
  const std::string_view taken = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(taken.size());
  return taken;
}

bool add_scaled(std::int64_t& total, std::string_view digits, std::int64_t scale) {
  std::int64_t value = 0;
  for (const char digit : digits) {
    if (__builtin_mul_overflow(value, std::int64_t{10}, &value)) return false;
    if (__builtin_add_overflow(value, std::int64_t{digit - '0'}, &value)) return false;
  }
  return !__builtin_mul_overflow(value, scale, &value) &&
         !__builtin_add_overflow(total, value, &total);
}

}  // namespace

Instant now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<Duration>(since).count()};
}

std::string to_rfc3339(Instant at) {
  // Floored by hand: below 1970 the first instant's whole second lies outside 64 bits of
  // nanoseconds.
  const std::int64_t rest = at.ns % ns_per_second;
  const std::int64_t ns = rest < 0 ? rest + ns_per_second : rest;
  const std::chrono::sys_seconds second{seconds{at.ns / ns_per_second - (rest < 0 ? 1 : 0)}};
  const auto day = std::chrono::floor<days>(second);
  const year_month_day date{day};
  const std::chrono::hh_mm_ss clock{second - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", int{date.year()},
                     unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), decimals_of(ns));
}

Result<Instant> from_rfc3339(std::string_view text) {
  Reader reader(text);
  const std::optional<sys_days> date = read_date(reader);
  reader.one_of("Tt");
  const seconds time_of_day = read_time_of_day(reader);
  const std::int64_t fraction = read_fraction(reader);
  const seconds offset = read_offset(reader);
  if (!date || !reader.is_done()) return bad_time(text);
  const std::chrono::sys_seconds second = *date + time_of_day - offset;
  if (!year_fits(second)) return bad_time(text);
  return Instant{second.time_since_epoch().count() * ns_per_second + fraction};
}

std::string to_text(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  const bool negative = duration < Duration::zero();
  auto rest = static_cast<std::uint64_t>(duration.count());
  if (negative) rest = ~rest + 1;
  std::string text = negative ? "-" : "";
  for (const Unit& unit : units) {
    const auto size = static_cast<std::uint64_t>(unit.ns);
    if (rest >= size) fmt::format_to(std::back_inserter(text), "{}{}", rest / size, unit.name);
    rest %= size;
  }
  return text;
}

Result<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return bad_duration(text, "it is empty");
  std::int64_t total = 0;
  const Unit* larger = units.begin();
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view digits = take_while(rest, is_digit);
    if (digits.empty()) return bad_duration(text, "a whole number is missing");
    const std::string_view name = take_while(rest, [](char c) { return c >= 'a' && c <= 'z'; });
    if (name.empty()) return bad_duration(text, "a number has no unit");
    const Unit* unit =
        std::find_if(larger, units.end(), [name](const Unit& known) { return known.name == name; });
    if (unit == units.end()) return bad_duration(text, "unknown, repeated or misplaced unit");
    if (!add_scaled(total, digits, unit->ns)) return duration_overflow(text);
    larger = unit + 1;
  }
  return Duration{total};
}

}  // namespace guild
