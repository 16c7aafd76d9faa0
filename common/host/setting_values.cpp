#include "common/host/setting_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "common/bus/topic.hpp"

namespace guild::host::values {
namespace {

/// What was found, for an error.
std::string found(const Source& source) {
  if (source.node == nullptr) return guild::quoted(source.text);
  if (const auto* text = source.node->as_string()) return guild::quoted(text->get());
  if (const auto* integer = source.node->as_integer()) return std::to_string(integer->get());
  return std::string(toml_type_name(*source.node));
}

std::unexpected<Error> refuse(std::string code, const Source& source, std::string_view problem,
                              std::string_view expected) {
  return fail(ErrorKind::invalid, std::move(code),
              fmt::format("{}: {}; expected {}", source.place, problem, expected),
              "mend it, or leave it out for the default");
}

std::optional<std::int64_t> integer_of(const Source& source) {
  if (source.node != nullptr) return source.node->value_exact<std::int64_t>();
  std::int64_t value = 0;
  const std::string_view text = source.text;
  const char* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || stopped != end) return {};
  return value;
}

}  // namespace

std::unexpected<Error> refuse_type(const Source& source, std::string_view expected) {
  return refuse("config_type", source, found(source), expected);
}

std::unexpected<Error> refuse_range(const Source& source, std::string_view problem,
                                    std::string_view expected) {
  return refuse("config_range", source, problem, expected);
}

Result<std::int64_t> read_integer(const Source& source, std::int64_t min, std::int64_t max) {
  const std::string expected = fmt::format("an integer from {} to {}", min, max);
  const std::optional<std::int64_t> value = integer_of(source);
  if (!value) return refuse_type(source, expected);
  if (*value < min || *value > max)
    return refuse_range(source, fmt::format("{} is out of range", *value), expected);
  return *value;
}

Result<std::string> read_text(const Source& source, std::string_view expected) {
  if (source.node == nullptr) return std::string(source.text);
  const auto* text = source.node->as_string();
  if (text == nullptr) return refuse_type(source, expected);
  return text->get();
}

Result<void> check_text(const Source& source, const std::string& text, std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return refuse_range(source, fmt::format("{} bytes", text.size()),
                        fmt::format("at most {} bytes", bytes_max));
  if (text.find('\0') != std::string::npos || !is_utf8(text))
    return refuse_range(source, guild::quoted(text), "UTF-8 without NUL");
  return {};
}

Result<void> read_enum(const Source& source, std::span<const std::string_view> names,
                       std::size_t& place) {
  const std::string expected = fmt::format("one of {}", fmt::join(names, ", "));
  GUILD_TRY(const std::string name, read_text(source, expected));
  const auto known = std::ranges::find(names, name);
  if (known == names.end()) return refuse_range(source, found(source), expected);
  place = static_cast<std::size_t>(known - names.begin());
  return {};
}

Result<std::vector<Source>> read_elements(const Source& source, std::size_t count_max) {
  std::vector<Source> elements;
  const auto add = [&](const toml::node* node, std::string_view text) {
    elements.push_back(
        {fmt::format("{}: element {}", source.place, elements.size() + 1), node, text});
  };
  if (source.node == nullptr) {
    for (std::string_view rest = source.text; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      add(nullptr, rest.substr(0, comma));
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  } else {
    const toml::array* array = source.node->as_array();
    if (array == nullptr) return refuse_type(source, "an array");
    for (const toml::node& node : *array) add(&node, {});
  }
  if (elements.size() > count_max)
    return refuse_range(source, fmt::format("{} elements", elements.size()),
                        fmt::format("at most {}", count_max));
  return elements;
}

Result<void> read(const Source& source, bool& to) {
  const std::string_view expected = "true or false";
  if (source.node == nullptr) {
    if (source.text != "true" && source.text != "false") return refuse_type(source, expected);
    to = source.text == "true";
    return {};
  }
  const auto* value = source.node->as_boolean();
  if (value == nullptr) return refuse_type(source, expected);
  to = value->get();
  return {};
}

Result<void> read(const Source& source, Duration& to) {
  const std::string_view expected = "a duration in quotes, as in \"30s\" or \"1h30m\"";
  GUILD_TRY(const std::string text, read_text(source, expected));
  const auto duration = parse_duration(text);
  if (!duration) return refuse_type(source, expected);
  to = *duration;
  return {};
}

Result<void> read(const Source& source, Money& to) {
  const std::string_view expected =
      "an amount in quotes, as in \"1000.00\", with at most eight places";
  GUILD_TRY(const std::string text, read_text(source, expected));
  const auto amount = Money::parse(text);
  if (!amount) return refuse_type(source, expected);
  to = *amount;
  return {};
}

Result<void> read(const Source& source, OverflowSetting& to) {
  const std::string_view expected =
      "\"TOPICS POLICY\" or \"TOPICS POLICY SUBSCRIBER\", the policy one of block, drop_oldest,"
      " disconnect";
  GUILD_TRY(const std::string text, read_text(source, expected));
  std::istringstream words(text);
  std::string policy, more;
  to = {};
  words >> to.topics >> policy >> to.subscriber >> more;
  const bool subscriber_is_name = to.subscriber.empty() || check_name("", to.subscriber);
  const bool policy_is_known =
      boost::describe::enum_from_string(policy.c_str(), to.policy) && !policy.empty();
  if (!policy_is_known || !subscriber_is_name || !more.empty())
    return refuse_type(source, expected);
  if (const auto valid = bus::check_pattern(to.topics); !valid)
    return refuse_range(source, valid.error().message, expected);
  return {};
}

std::string write(const OverflowSetting& value) {
  std::string text = value.topics;
  text.append(" ").append(boost::describe::enum_to_string(value.policy, ""));
  if (!value.subscriber.empty()) text.append(" ").append(value.subscriber);
  return toml_quoted(text);
}

}  // namespace guild::host::values
