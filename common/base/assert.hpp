// GUILD_ASSERT: for our own bugs only, always compiled in. It prints the broken expectation to
// stderr and aborts; the supervisor restarts the daemon, which replays its state from disk.
// Never for bad input, the network or the disk: those are Errors (result.hpp).
#pragma once

namespace guild {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}  // namespace guild

#define GUILD_ASSERT(expression)                                                   \
  do {                                                                             \
    if (!(expression)) ::guild::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)
