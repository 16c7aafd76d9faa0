// The name of a described enumerator, as it stands in messages and in files, and the enumerator of
// a name. A value without a name, or a name without a value, is nothing.
#pragma once

#include <optional>
#include <string_view>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

namespace guild::messages {

template <class Enum>
constexpr std::string_view enum_name(Enum value) {
  std::string_view name;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>([&](auto each) {
    if (each.value == value) name = each.name;
  });
  return name;
}

template <class Enum>
constexpr std::optional<Enum> enum_of(std::string_view name) {
  std::optional<Enum> value;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>([&](auto each) {
    if (name == each.name) value = each.value;
  });
  return value;
}

}  // namespace guild::messages
