// The verbs of `guild bus` that have files of their own: what the broker tells of itself, and the
// measurements. Each function adds its verbs to the noun; bus.cpp calls them once.
#pragma once

#include "cli/command.hpp"

namespace guild::cli {

/// stats, clients, monitor
void add_bus_watch(Command& bus);
/// bench, and the hidden verb of its worker processes
void add_bus_bench(Command& bus);

}  // namespace guild::cli
