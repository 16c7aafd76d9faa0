// A log record as it is made and as a person reads it on a console. Pure.
// What comes in may be any bytes; what goes out fits the message's bounds and a topic's rules, and
// on a console is one line of plain ASCII.
#pragma once

#include <string>
#include <string_view>

#include "common/messages/logs.hpp"

namespace guild::log {

/// `module` as one level of a topic: letters, digits, '-', '_' and '.' stay, anything else becomes
/// '_'; at most 64 bytes; "main" when empty.
std::string module_level(std::string_view module);

/// The last two parts of a source path: "log/buffer.cpp". Where a build was made is nobody's
/// business.
std::string_view source_file(std::string_view path);

/// The longest valid UTF-8 prefix of `text` of at most `size_max` bytes; bytes that are not UTF-8
/// become
/// '?', and so does NUL, which no message may hold.
std::string bounded(std::string_view text, std::size_t size_max);

/// One line of plain ASCII without the newline:
/// "2026-01-02T03:04:05.678Z WARN ledgerd/journal: the message {"bot":"a"}
/// (ledgerd/journal.cpp:12)"
std::string plain_line(const messages::LogRecord& record);

}  // namespace guild::log
