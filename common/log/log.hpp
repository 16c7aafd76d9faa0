// Logging as daemons use it: GUILD_LOG(info, "journal", "replayed {} postings", count).
// A line becomes a numbered LogRecord in the process's bounded buffer (buffer.hpp) by way of
// spdlog, and from there reaches the log consumer (shipper.hpp). Thread-safe; never blocks on the
// bus or the disk. Values of extra keys named like password, token, secret, key or auth become
// [REDACTED] here, before they leave the process. Code under the log (base, messages, bus, storage,
// log, and the log consumer's write path) must not include this header: it complains to stderr
// (base/complain.hpp). A test enforces it.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace guild::log {

enum class Level { debug, info, warn, error, critical };

/// Structured values beside the message: log::Extra{{"bot", handle}, {"seq", fmt::to_string(seq)}}.
using Extra = std::initializer_list<std::pair<std::string_view, std::string_view>>;

struct Source {
  const char* file;
  int line;
  const char* function;
};

bool enabled(Level level);
void write(Level level, std::string_view module, const Source& source, std::string_view message,
           Extra extra = {}, std::string_view trace = {});
/// The same, and no more will be logged: readers are told that nothing is missing after it. For a
/// process whose last line is its own; others call finish (shipper.hpp).
void write_last(Level level, std::string_view module, const Source& source,
                std::string_view message, Extra extra = {}, std::string_view trace = {});

}  // namespace guild::log

#define GUILD_LOG(level, module, ...)                                                         \
  do {                                                                                        \
    if (::guild::log::enabled(::guild::log::Level::level))                                    \
      ::guild::log::write(::guild::log::Level::level, module, {__FILE__, __LINE__, __func__}, \
                          ::fmt::format(__VA_ARGS__));                                        \
  } while (false)
/// GUILD_LOG_WITH(warn, "auth", (log::Extra{{"client", name}}), "refused {}", what)
#define GUILD_LOG_WITH(level, module, extra, ...)                                             \
  do {                                                                                        \
    if (::guild::log::enabled(::guild::log::Level::level))                                    \
      ::guild::log::write(::guild::log::Level::level, module, {__FILE__, __LINE__, __func__}, \
                          ::fmt::format(__VA_ARGS__), extra);                                 \
  } while (false)
