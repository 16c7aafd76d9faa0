// Field types of messages that carry their own bounds; the codec checks them where input comes in.
// Others that messages use: bool, integers, std::string (at most 64 KiB), Text<N>, Money, Uuid,
// Instant, Duration, std::optional, std::map<std::string, T>, enums described with
// BOOST_DESCRIBE_ENUM, and structs described with BOOST_DESCRIBE_STRUCT.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "common/base/money.hpp"
#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"

namespace guild::messages {

/// An integer from Min to Max. `{}` is Default.
template <std::int64_t Min, std::int64_t Max, std::int64_t Default = Min>
struct Range {
  static constexpr std::int64_t min = Min, max = Max;
  std::int64_t value = Default;

  constexpr Range() = default;
  constexpr Range(std::int64_t of) : value(of) {}            // NOLINT: checked at the edge
  constexpr operator std::int64_t() const { return value; }  // NOLINT
};

/// At most Max elements.
template <class T, std::size_t Max>
struct List : std::vector<T> {
  static constexpr std::size_t size_max = Max;
  using std::vector<T>::vector;
};

/// Any JSON object as compact text, at most 64 KiB and 8 levels (so that a page of messages that
/// carry it stays under the codec's 16).
struct JsonObject {
  std::string text = "{}";
  friend bool operator==(const JsonObject&, const JsonObject&) = default;
};

/// No content: the request of a served name that takes nothing.
struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

}  // namespace guild::messages
