// The whole environment of a command: nothing of the scheduler's own is inherited.
#pragma once

#include <string>
#include <vector>

#include "scheduler/queue.hpp"

namespace guild::scheduler {

std::vector<std::string> worker_environment(const Lease& lease, const std::string& bot,
                                            const std::string& home);

}  // namespace guild::scheduler
