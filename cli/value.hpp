// What the text of an argument may stand for. Each reader takes the whole text or refuses it,
// saying why; it changes `into` only on success. Error codes: number_format, number_range,
// choice_unknown, text_too_long, text_invalid, endpoint of the types' own parsers (money_places,
// uuid_format, …). All are kind invalid, so the command ends with exit 2 before anything was sent.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include "common/base/money.hpp"
#include "common/base/result.hpp"
#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"
#include "common/messages/types.hpp"

namespace guild::cli {

/// A moment: RFC 3339, or a duration that means "so long ago".
struct Moment {
  Instant at;
};
/// A moment to come: RFC 3339, or a duration from now.
struct Deadline {
  Instant at;
};
/// More than nothing.
struct Amount {
  Money money;
};

Result<void> read_value(std::string_view text, std::string& into);
Result<void> read_value(std::string_view text, std::int64_t& into);
Result<void> read_value(std::string_view text, Money& into);
/// Codes: amount_negative, amount_zero.
Result<void> read_value(std::string_view text, Amount& into);
Result<void> read_value(std::string_view text, Uuid& into);
/// Longer than zero; code duration_zero.
Result<void> read_value(std::string_view text, Duration& into);
Result<void> read_value(std::string_view text, Moment& into);
Result<void> read_value(std::string_view text, Deadline& into);

Result<std::int64_t> read_integer(std::string_view text, std::int64_t min, std::int64_t max);
Result<std::string> read_text(std::string_view text, std::size_t bytes_max);
std::unexpected<Error> choice_unknown(std::string_view text,
                                      std::span<const std::string_view> known);

template <std::int64_t Min, std::int64_t Max, std::int64_t Default>
Result<void> read_value(std::string_view text, messages::Range<Min, Max, Default>& into) {
  GUILD_TRY(into.value, read_integer(text, Min, Max));
  return {};
}

template <std::size_t Max>
Result<void> read_value(std::string_view text, Text<Max>& into) {
  GUILD_TRY(into.value, read_text(text, Max));
  return {};
}

template <class Enum>
  requires boost::describe::has_describe_enumerators<Enum>::value
Result<void> read_value(std::string_view text, Enum& into) {
  std::array<std::string_view,
             boost::mp11::mp_size<boost::describe::describe_enumerators<Enum>>::value>
      known;
  std::size_t count = 0;
  bool found = false;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>([&](auto each) {
    known[count++] = each.name;
    if (text != each.name) return;
    into = each.value;
    found = true;
  });
  if (!found) return choice_unknown(text, known);
  return {};
}

template <class T>
Result<void> read_value(std::string_view text, std::optional<T>& into) {
  T value{};
  GUILD_CHECK(read_value(text, value));
  into = std::move(value);
  return {};
}

}  // namespace guild::cli
