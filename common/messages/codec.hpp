// encode and decode: the one JSON form of every described message. Decoding refuses, naming the
// field by its path ("legs[2].amount"): unknown fields (with the nearest known one), missing
// required fields, wrong types, numbers where a decimal string belongs, sizes and ranges out of
// bounds, duplicate keys, NaN, invalid UTF-8, over 16 levels or 1 MiB. Fields of type std::optional
// and fields that their struct names in GUILD_OPTIONAL_FIELDS may be absent (a std::optional also
// null); others may not. Error codes: json_invalid, field_unknown, field_missing, field_type,
// field_range, field_too_long, field_value. All are kind invalid.
//
// Definitions live in codec_impl.hpp, instantiated once per message in the .cpp beside its header,
// so that a caller does not compile them. Wire forms: Money a decimal string; Instant RFC 3339;
// Duration text ("30s"); Uuid 8-4-4-4-12; enums by name; int64 a JSON integer.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild::messages {

template <class Message>
std::string encode(const Message& message);

template <class Message>
Result<Message> decode(std::string_view json);

/// Errors on the wire and in `--json` output: {"kind","code","message","next_step"}.
std::string encode_error(const Error& error);
/// The Error again; an `error_malformed` Error when `json` is not one.
Error decode_error(std::string_view json);

}  // namespace guild::messages

/// Fields of `Message` that may be absent and then keep their default member initializer:
/// GUILD_OPTIONAL_FIELDS(SubmitTask, "priority", "timeout")  beside its BOOST_DESCRIBE_STRUCT.
/// Found by argument-dependent lookup.
#define GUILD_OPTIONAL_FIELDS(Message, ...)                                  \
  constexpr bool is_optional_field(const Message*, std::string_view field) { \
    for (const std::string_view known : {__VA_ARGS__})                       \
      if (field == known) return true;                                       \
    return false;                                                            \
  }
