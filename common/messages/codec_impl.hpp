// The definitions of encode and decode (codec.hpp). Included only by the .cpp beside each message
// header, which says GUILD_MESSAGE(T) for each message that travels on its own.
// A struct is a table of its described fields; reading and writing walk the table. Leaf types are
// read by the functions of namespace field, compiled once in codec.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <type_traits>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include "common/base/assert.hpp"
#include "common/messages/codec.hpp"
#include "common/messages/json.hpp"
#include "common/messages/types.hpp"

namespace guild::messages {

/// For structs without GUILD_OPTIONAL_FIELDS; a function of the struct's own is the better match.
template <class Message>
constexpr bool is_optional_field(const Message*, std::string_view) {
  return false;
}

namespace field {

using json::Kind;
using json::Node;

inline constexpr std::size_t string_bytes_max = 65'536;
inline constexpr std::size_t map_entries_max = 10'000;
inline constexpr std::size_t object_bytes_max = 65'536;
/// Leaves room above a JsonObject for the messages that carry it: a page, its list, its records.
inline constexpr std::size_t object_levels_max = 8;

/// Where in the message we are; written out only for an error.
struct Path {
  const Path* parent = nullptr;
  std::string_view key;
  std::optional<std::size_t> index;

  std::string text() const;
};

std::unexpected<Error> refuse(const Path& path, std::string code, std::string_view problem,
                              std::string next_step = {});
std::unexpected<Error> wrong_type(const Path& path, const Node& node, std::string_view expected);
std::unexpected<Error> unknown_field(const Path& path, std::span<const std::string_view> known);
std::unexpected<Error> unknown_name(const Path& path, std::string_view name,
                                    std::span<const std::string_view> known);
std::unexpected<Error> missing(const Path& parent, std::string_view name);
std::unexpected<Error> too_many(const Path& path, std::size_t count, std::size_t max);

Result<std::string_view> read_text(const Node& node, const Path& path, std::size_t bytes_max);
Result<std::int64_t> read_integer(const Node& node, const Path& path, std::int64_t min,
                                  std::int64_t max);

Result<void> read(const Node& node, const Path& path, bool& to);
Result<void> read(const Node& node, const Path& path, std::string& to);
Result<void> read(const Node& node, const Path& path, Money& to);
Result<void> read(const Node& node, const Path& path, Uuid& to);
Result<void> read(const Node& node, const Path& path, Instant& to);
Result<void> read(const Node& node, const Path& path, Duration& to);
Result<void> read(const Node& node, const Path& path, JsonObject& to);

void write(std::string& out, bool value);
void write(std::string& out, const std::string& value);
void write(std::string& out, Money value);
void write(std::string& out, const Uuid& value);
void write(std::string& out, Instant value);
void write(std::string& out, Duration value);
void write(std::string& out, const JsonObject& value);

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;
template <class T>
concept Enum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;
template <class T>
concept Struct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

// Declared before any is defined: they call each other for nested types.
template <Integer T>
Result<void> read(const Node& node, const Path& path, T& to);
template <Enum T>
Result<void> read(const Node& node, const Path& path, T& to);
template <Struct T>
Result<void> read(const Node& node, const Path& path, T& to);
template <std::size_t Max>
Result<void> read(const Node& node, const Path& path, Text<Max>& to);
template <std::int64_t Min, std::int64_t Max, std::int64_t Default>
Result<void> read(const Node& node, const Path& path, Range<Min, Max, Default>& to);
template <class T>
Result<void> read(const Node& node, const Path& path, std::optional<T>& to);
template <class T, std::size_t Max>
Result<void> read(const Node& node, const Path& path, List<T, Max>& to);
template <class T>
Result<void> read(const Node& node, const Path& path, std::map<std::string, T>& to);

template <Integer T>
void write(std::string& out, T value);
template <Enum T>
void write(std::string& out, T value);
template <Struct T>
void write(std::string& out, const T& value);
template <std::size_t Max>
void write(std::string& out, const Text<Max>& value);
template <std::int64_t Min, std::int64_t Max, std::int64_t Default>
void write(std::string& out, const Range<Min, Max, Default>& value);
template <class T>
void write(std::string& out, const std::optional<T>& value);
template <class T, std::size_t Max>
void write(std::string& out, const List<T, Max>& value);
template <class T>
void write(std::string& out, const std::map<std::string, T>& value);

// ---- structs

template <class T>
struct Member {
  std::string_view name;
  bool required;
  Result<void> (*read)(const Node& node, const Path& path, T& message);
  /// Answers whether there was anything to write.
  bool (*write)(std::string& out, const T& message);
};

template <class T, class Descriptor>
constexpr Member<T> member_of() {
  using Value = std::remove_cvref_t<decltype(std::declval<T&>().*Descriptor::pointer)>;
  return {
      Descriptor::name,
      !is_optional<Value> && !is_optional_field(static_cast<const T*>(nullptr), Descriptor::name),
      [](const Node& node, const Path& path, T& message) {
        return read(node, path, message.*Descriptor::pointer);
      },
      [](std::string& out, const T& message) {
        const Value& value = message.*Descriptor::pointer;
        if constexpr (is_optional<Value>) {
          if (!value) return false;
        }
        out.append("\"").append(Descriptor::name).append("\":");
        write(out, value);
        return true;
      }};
}

template <class T>
constexpr auto members_of() {
  return []<class... Descriptor>(boost::mp11::mp_list<Descriptor...>) {
    return std::array<Member<T>, sizeof...(Descriptor)>{member_of<T, Descriptor>()...};
  }(boost::mp11::mp_rename<boost::describe::describe_members<T, boost::describe::mod_public>,
                           boost::mp11::mp_list>{});
}

template <class T>
inline constexpr auto members = members_of<T>();

template <class T>
std::unexpected<Error> unknown_field_of(const Path& path) {
  std::array<std::string_view, members<T>.size()> known;
  std::transform(members<T>.begin(), members<T>.end(), known.begin(),
                 [](const Member<T>& member) { return member.name; });
  return unknown_field(path, known);
}

/// The place of `key` in T's table, looked for from `expected` on: fields mostly come in order.
template <class T>
std::size_t place_of(std::string_view key, std::size_t expected) {
  constexpr std::size_t count = members<T>.size();
  // A message without fields knows no place; clang refuses the remainder by its zero.
  if constexpr (count > 0) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t place = (expected + i) % count;
      if (members<T>[place].name == key) return place;
    }
  }
  return count;
}

template <Struct T>
Result<void> read(const Node& node, const Path& path, T& to) {
  constexpr std::size_t count = members<T>.size();
  if (node.kind != Kind::object) return wrong_type(path, node, "an object");
  std::bitset<count> seen;
  std::size_t place = 0;
  for (const Node& child : node.children()) {
    const Path at{&path, child.key, {}};
    place = place_of<T>(child.key, place);
    if (place == count) return unknown_field_of<T>(at);
    GUILD_CHECK(members<T>[place].read(child, at, to));
    seen.set(place++);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (members<T>[i].required && !seen[i]) return missing(path, members<T>[i].name);
  }
  return {};
}

template <Struct T>
void write(std::string& out, const T& value) {
  out += '{';
  bool any = false;
  for (const Member<T>& member : members<T>) {
    const std::size_t start = out.size();
    if (any) out += ',';
    if (member.write(out, value)) {
      any = true;
    } else {
      out.resize(start);
    }
  }
  out += '}';
}

// ---- enums

template <Enum T>
constexpr auto enumerators_of() {
  return []<class... Descriptor>(boost::mp11::mp_list<Descriptor...>) {
    return std::array<std::pair<std::string_view, T>, sizeof...(Descriptor)>{
        std::pair<std::string_view, T>{Descriptor::name, Descriptor::value}...};
  }(boost::mp11::mp_rename<boost::describe::describe_enumerators<T>, boost::mp11::mp_list>{});
}

template <Enum T>
inline constexpr auto enumerators = enumerators_of<T>();

template <Enum T>
Result<void> read(const Node& node, const Path& path, T& to) {
  GUILD_TRY(const std::string_view name, read_text(node, path, string_bytes_max));
  std::array<std::string_view, enumerators<T>.size()> known;
  for (std::size_t i = 0; i < known.size(); ++i) {
    known[i] = enumerators<T>[i].first;
    if (known[i] != name) continue;
    to = enumerators<T>[i].second;
    return {};
  }
  return unknown_name(path, name, known);
}

template <Enum T>
void write(std::string& out, T value) {
  const auto found = std::find_if(enumerators<T>.begin(), enumerators<T>.end(),
                                  [value](const auto& known) { return known.second == value; });
  GUILD_ASSERT(found != enumerators<T>.end());
  json::append_quoted(out, found->first);
}

// ---- scalars with bounds

template <Integer T>
Result<void> read(const Node& node, const Path& path, T& to) {
  static_assert(sizeof(T) < 8 || std::is_signed_v<T>, "JSON integers here are at most int64");
  GUILD_TRY(const std::int64_t value,
            read_integer(node, path, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  to = static_cast<T>(value);
  return {};
}

template <Integer T>
void write(std::string& out, T value) {
  json::append_integer(out, value);
}

template <std::int64_t Min, std::int64_t Max, std::int64_t Default>
Result<void> read(const Node& node, const Path& path, Range<Min, Max, Default>& to) {
  GUILD_TRY(to.value, read_integer(node, path, Min, Max));
  return {};
}

template <std::int64_t Min, std::int64_t Max, std::int64_t Default>
void write(std::string& out, const Range<Min, Max, Default>& value) {
  json::append_integer(out, value.value);
}

template <std::size_t Max>
Result<void> read(const Node& node, const Path& path, Text<Max>& to) {
  GUILD_TRY(to.value, read_text(node, path, Max));
  return {};
}

template <std::size_t Max>
void write(std::string& out, const Text<Max>& value) {
  json::append_quoted(out, value.value);
}

// ---- containers

/// null is the same as absent.
template <class T>
Result<void> read(const Node& node, const Path& path, std::optional<T>& to) {
  if (node.kind == Kind::null) return to.reset(), Result<void>{};
  return read(node, path, to.emplace());
}

template <class T>
void write(std::string& out, const std::optional<T>& value) {
  if (value) {
    write(out, *value);
  } else {
    out += "null";
  }
}

template <class T, std::size_t Max>
Result<void> read(const Node& node, const Path& path, List<T, Max>& to) {
  if (node.kind != Kind::array) return wrong_type(path, node, "an array");
  if (node.size > Max) return too_many(path, node.size, Max);
  to.clear();
  to.reserve(node.size);
  for (const Node& child : node.children()) {
    const Path at{&path, {}, to.size()};
    GUILD_CHECK(read(child, at, to.emplace_back()));
  }
  return {};
}

template <class T, std::size_t Max>
void write(std::string& out, const List<T, Max>& value) {
  out += '[';
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i > 0) out += ',';
    write(out, value[i]);
  }
  out += ']';
}

template <class T>
Result<void> read(const Node& node, const Path& path, std::map<std::string, T>& to) {
  if (node.kind != Kind::object) return wrong_type(path, node, "an object");
  if (node.size > map_entries_max) return too_many(path, node.size, map_entries_max);
  to.clear();
  for (const Node& child : node.children()) {
    const Path at{&path, child.key, {}};
    GUILD_CHECK(read(child, at, to[std::string(child.key)]));
  }
  return {};
}

template <class T>
void write(std::string& out, const std::map<std::string, T>& value) {
  out += '{';
  for (const auto& [key, element] : value) {
    if (out.back() != '{') out += ',';
    json::append_quoted(out, key);
    out += ':';
    write(out, element);
  }
  out += '}';
}

}  // namespace field

template <class Message>
std::string encode(const Message& message) {
  std::string out;
  out.reserve(512);
  field::write(out, message);
  return out;
}

template <class Message>
Result<Message> decode(std::string_view text) {
  GUILD_TRY(const json::Document document, json::Document::parse(text));
  Message message;
  GUILD_CHECK(field::read(document.root(), {}, message));
  return message;
}

}  // namespace guild::messages

#define GUILD_MESSAGE(Message)                          \
  template std::string encode<Message>(const Message&); \
  template Result<Message> decode<Message>(std::string_view)
