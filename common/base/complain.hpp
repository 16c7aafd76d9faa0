// complain: the one small function by which code under the log (bus, storage, the log sink, the log
// consumer's write path) tells a person something. It writes one ASCII line to stderr, in one
// write(2), and never allocates a logger, so that it can never feed the log that it serves.
#pragma once

#include <string_view>

namespace guild {

/// `room` is the short name of the code that speaks ("bus", "storage"); `text` is cut at 2,000
/// bytes and its control characters are escaped.
void complain(std::string_view room, std::string_view text) noexcept;

}  // namespace guild
