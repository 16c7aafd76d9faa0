// What a scheduler that died left running. Normally nothing: guild-worker ends its task when its
// socket closes. But it may have been killed too, so every task that the file calls running is
// looked for: its command by pid and start time, the command's session, and whoever carries the
// task's id in its environment. All that is found is killed, and seen dead, before a task may run
// again.
#pragma once

#include <span>
#include <string>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"
#include "scheduler/process.hpp"

namespace guild::scheduler {

struct Leftover {
  Uuid task;
  ProcessMark command;
  std::string boot_id;  ///< Of the boot it ran in: after another boot nothing of it can live.
};

/// How many processes were killed. Code leftovers_alive when one does not die within `limit`.
Result<int> kill_leftovers(std::span<const Leftover> leftovers, const std::string& boot_id,
                           Duration limit);

}  // namespace guild::scheduler
