// Processes as /proc tells of them. A pid alone says little, since it is given again; with the
// start time and the boot id it names one process for ever. Source: proc_pid_stat(5), random(4).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/base/result.hpp"

namespace guild::scheduler {

struct ProcessMark {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< Clock ticks after boot.
  bool operator==(const ProcessMark&) const = default;
};

struct ProcessStat {
  ProcessMark mark;
  pid_t parent = 0, group = 0, session = 0;
  bool is_zombie = false;
};

/// Nothing when there is no such process (any more).
std::optional<ProcessStat> read_stat(pid_t pid);
/// The environment that the process was started with, NUL-separated; empty when it may not be read.
std::string read_environment(pid_t pid);
/// Calls `visit` for every process there is.
void for_each_process(const std::function<void(const ProcessStat&)>& visit);
/// This boot of this machine.
Result<std::string> read_boot_id();

}  // namespace guild::scheduler
