// The whole environment of a command, six variables: nothing of the scheduler's own is inherited,
// so nothing in it can leak. `home` is the task's own folder; `bot` may be empty.
// Cannot fail.
#pragma once

#include <string>
#include <vector>

#include "scheduler/queue.hpp"

namespace guild::scheduler {

std::vector<std::string> worker_environment(const Lease& lease, const std::string& bot,
                                            const std::string& home);

}  // namespace guild::scheduler
