// How one setting's value is read from a TOML node or from the text of an environment variable, and
// written as TOML. Private to config.cpp and setting_table.cpp. Errors name the place, what was
// found and what was expected; codes config_type and config_range.
#pragma once

#include <toml++/toml.h>
#include <array>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/assert.hpp"
#include "common/base/toml.hpp"
#include "common/host/settings.hpp"
#include "common/messages/types.hpp"

namespace guild::host::values {

/// Where a value comes from: `node` of the file, or `text` of the environment.
struct Source {
  std::string place;  ///< "guild.toml:12: [gateway] port", "environment GUILD_GATEWAY_PORT"
  const toml::node* node = nullptr;
  std::string_view text = {};
};

std::unexpected<Error> refuse_type(const Source& source, std::string_view expected);
std::unexpected<Error> refuse_range(const Source& source, std::string_view problem,
                                    std::string_view expected);

Result<std::int64_t> read_integer(const Source& source, std::int64_t min, std::int64_t max);
/// `expected` for the error of another type: "text", "a duration, as in \"30s\"".
Result<std::string> read_text(const Source& source, std::string_view expected);
Result<void> read_enum(const Source& source, std::span<const std::string_view> names,
                       std::size_t& found);
/// The elements of an array; of a variable, what stands between commas.
Result<std::vector<Source>> read_elements(const Source& source, std::size_t count_max);

Result<void> read(const Source& source, bool& to);
Result<void> read(const Source& source, Duration& to);
Result<void> read(const Source& source, Money& to);
Result<void> read(const Source& source, OverflowSetting& to);
Result<void> check_text(const Source& source, const std::string& text, std::size_t bytes_max);

template <std::int64_t Min, std::int64_t Max, std::int64_t Default>
Result<void> read(const Source& source, messages::Range<Min, Max, Default>& to) {
  GUILD_TRY(to.value, read_integer(source, Min, Max));
  return {};
}

template <std::size_t Max>
Result<void> read(const Source& source, Text<Max>& to) {
  GUILD_TRY(to.value, read_text(source, "text in quotes"));
  return check_text(source, to.value, Max);
}

template <class Enum>
  requires std::is_enum_v<Enum>
Result<void> read(const Source& source, Enum& to) {
  std::vector<std::string_view> names;
  std::vector<Enum> known;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>([&](auto enumerator) {
    names.push_back(enumerator.name);
    known.push_back(enumerator.value);
  });
  std::size_t found = 0;
  GUILD_CHECK(read_enum(source, names, found));
  to = known[found];
  return {};
}

template <class T>
Result<void> read(const Source& source, std::optional<T>& to) {
  return read(source, to.emplace());
}

template <class T, std::size_t Max>
Result<void> read(const Source& source, messages::List<T, Max>& to) {
  GUILD_TRY(const std::vector<Source> elements, read_elements(source, Max));
  to.clear();
  for (const Source& element : elements) GUILD_CHECK(read(element, to.emplace_back()));
  return {};
}

// What follows writes a value as TOML; an absent one as "".

inline std::string write(bool value) { return value ? "true" : "false"; }
inline std::string write(Duration value) { return toml_quoted(to_text(value)); }
inline std::string write(Money value) { return toml_quoted(value.text()); }
std::string write(const OverflowSetting& value);

template <std::int64_t Min, std::int64_t Max, std::int64_t Default>
std::string write(const messages::Range<Min, Max, Default>& value) {
  return std::to_string(value.value);
}

template <std::size_t Max>
std::string write(const Text<Max>& value) {
  return toml_quoted(value.value);
}

template <class Enum>
  requires std::is_enum_v<Enum>
std::string write(Enum value) {
  const char* name = boost::describe::enum_to_string(value, nullptr);
  GUILD_ASSERT(name != nullptr);
  return toml_quoted(name);
}

template <class T>
std::string write(const std::optional<T>& value) {
  return value ? write(*value) : std::string();
}

template <class T, std::size_t Max>
std::string write(const messages::List<T, Max>& values) {
  std::string text = "[";
  for (const T& value : values) {
    if (text.size() > 1) text += ", ";
    text += write(value);
  }
  return text + "]";
}

}  // namespace guild::host::values
