// The payload of an error reply: JSON {kind, code, message, next_step} (docs/protocol.md).
// What comes from another client is bounded and escaped before a person sees it.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild::bus {

std::string encode_error(const Error& error);
/// Never fails: what is not such JSON becomes an Error with the code unreadable_error.
Error decode_error(std::string_view json);

}  // namespace guild::bus
