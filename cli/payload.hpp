// Payloads as a person gives and sees them. Given: the text itself, "-" for stdin, "@FILE" for a
// file; at most 1 MiB. Seen: as a string where it is UTF-8, else in hex.
#pragma once

#include <string>
#include <string_view>

#include "cli/answers.hpp"
#include "common/base/result.hpp"
#include "common/bus/client.hpp"

namespace guild::cli {

inline constexpr std::size_t payload_bytes_max = 1'048'576;

/// Codes: payload_too_large, file_missing, file_unreadable.
Result<std::string> read_payload(std::string_view given);

/// Pure.
BusMessage message_of(const bus::Delivery& delivery);
/// "topic sender seq payload", escaped to ASCII. Pure.
std::string line_of(const BusMessage& message);

}  // namespace guild::cli
