// Redaction: values that must not leave the process by way of the log. Pure.
// A key counts as secret when it names a password, token, secret, key or authentication, in any
// case and however its words are joined: api_key, apiKey, X-Auth-Token, db.password. Rather one
// value too many: "monkey" is redacted as well, "author" is not.
#pragma once

#include <string>
#include <string_view>

#include "common/log/log.hpp"
#include "common/messages/types.hpp"

namespace guild::log {

inline constexpr std::string_view redacted = "[REDACTED]";

bool is_secret_key(std::string_view key);

/// `extra` as JSON with the values of secret keys replaced. A key given twice keeps its last value;
/// what would make it longer than 8 KiB is left out, and a field "left_out" counts the keys.
messages::JsonObject to_json(Extra extra);

/// The same object with the values of secret keys replaced, at every level. What is not an object,
/// or is too big for a log record, becomes {"unreadable":true}.
messages::JsonObject redact(const messages::JsonObject& extra);

}  // namespace guild::log
