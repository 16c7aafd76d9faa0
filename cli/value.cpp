#include "cli/value.hpp"

#include <charconv>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace guild::cli {

Result<void> read_value(std::string_view text, std::string& into) {
  into = text;
  return {};
}

Result<void> read_value(std::string_view text, std::int64_t& into) {
  constexpr std::numeric_limits<std::int64_t> limits;
  GUILD_TRY(into, read_integer(text, limits.min(), limits.max()));
  return {};
}

Result<void> read_value(std::string_view text, Money& into) {
  GUILD_TRY(into, Money::parse(text));
  return {};
}

Result<void> read_value(std::string_view text, Amount& into) {
  GUILD_TRY(const Money money, Money::parse(text));
  if (money.is_negative())
    return fail(ErrorKind::invalid, "amount_negative",
                fmt::format("{} is negative; the direction is in the names", quoted(text)));
  if (money.is_zero())
    return fail(ErrorKind::invalid, "amount_zero", fmt::format("{} moves nothing", quoted(text)));
  into.money = money;
  return {};
}

Result<void> read_value(std::string_view text, Uuid& into) {
  GUILD_TRY(into, Uuid::parse(text));
  return {};
}

Result<void> read_value(std::string_view text, Duration& into) {
  GUILD_TRY(const Duration duration, parse_duration(text));
  if (duration <= Duration::zero())
    return fail(ErrorKind::invalid, "duration_zero",
                fmt::format("{} is no time at all", quoted(text)));
  into = duration;
  return {};
}

Result<void> read_value(std::string_view text, Moment& into) {
  if (const auto ago = parse_duration(text)) {
    into.at = now() - *ago;
    return {};
  }
  const auto at = from_rfc3339(text);
  if (!at)
    return fail(ErrorKind::invalid, "time_format",
                fmt::format("{} is neither a time (2026-01-02T03:04:05Z) nor a while ago (10m)",
                            quoted(text)));
  into.at = *at;
  return {};
}

Result<void> read_value(std::string_view text, Deadline& into) {
  if (const auto from_now = parse_duration(text)) {
    into.at = now() + *from_now;
    return {};
  }
  const auto at = from_rfc3339(text);
  if (!at)
    return fail(
        ErrorKind::invalid, "time_format",
        fmt::format("{} is neither a time (2026-01-02T03:04:05Z) nor a while from now (24h)",
                    quoted(text)));
  into.at = *at;
  return {};
}

Result<std::int64_t> read_integer(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t value = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [rest, problem] = std::from_chars(begin, end, value);
  if (problem == std::errc::invalid_argument || rest != end)
    return fail(ErrorKind::invalid, "number_format",
                fmt::format("{} is not a whole number", quoted(text)));
  if (problem == std::errc::result_out_of_range || value < min || value > max)
    return fail(ErrorKind::invalid, "number_range",
                fmt::format("{} is not from {} to {}", quoted(text), min, max));
  return value;
}

Result<std::string> read_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return fail(ErrorKind::invalid, "text_too_long",
                fmt::format("{} bytes, where at most {} fit", text.size(), bytes_max));
  if (!is_utf8(text))
    return fail(ErrorKind::invalid, "text_invalid", fmt::format("{} is not UTF-8", quoted(text)));
  return std::string(text);
}

std::unexpected<Error> choice_unknown(std::string_view text,
                                      std::span<const std::string_view> known) {
  return fail(ErrorKind::invalid, "choice_unknown",
              fmt::format("{} is none of {}", quoted(text), fmt::join(known, ", ")));
}

}  // namespace guild::cli
