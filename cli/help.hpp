// What `guild help` and usage errors say of a command, from the tree alone. Pure, plain ASCII.
// Hidden commands are left out of their parent's list.
#pragma once

#include <string>

#include "cli/command.hpp"

namespace guild::cli {

/// "guild ledger transfer FROM TO AMOUNT [--id ID]"
std::string usage_line(const Command& command);
/// Several lines: what it does, its arguments, or its children with what each does.
std::string help_text(const Command& command);

}  // namespace guild::cli
