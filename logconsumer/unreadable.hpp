// What is stored in place of a record that does not decode. Pure.
// Its number must be taken all the same: its producer would otherwise send it for ever, and nothing
// behind it would be taken.
#pragma once

#include <optional>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/messages/logs.hpp"

namespace guild::logconsumer {

/// A record that says why `payload` was refused, under its own number. Nothing when not even boot
/// and number can be read from it.
std::optional<messages::LogRecord> stand_in_for(std::string_view payload, const Error& why,
                                                Instant arrived);

}  // namespace guild::logconsumer
