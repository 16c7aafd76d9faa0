// What the service manager is told: one datagram per state to $NOTIFY_SOCKET, and how often it
// wants a sign of life. Written out here because the protocol is one sendto(2) and libsystemd is
// not. Source: sd_notify(3), sd_watchdog_enabled(3).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace guild::host {

/// `socket` as in $NOTIFY_SOCKET (a path, or "@name" in the abstract namespace); empty: does
/// nothing. Code notify_address for anything else.
Result<void> notify(std::string_view socket, std::string_view state);

/// How often to send "WATCHDOG=1": half of `watchdog_usec` ($WATCHDOG_USEC), when `watchdog_pid`
/// ($WATCHDOG_PID) is empty or ours. Nothing when not wanted or not a number.
std::optional<Duration> watchdog_interval(std::string_view watchdog_usec,
                                          std::string_view watchdog_pid, pid_t own_pid);

}  // namespace guild::host
