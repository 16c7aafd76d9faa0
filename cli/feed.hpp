// The verbs of `guild bot` that are the economy's: tick and insights. Errors are those of the
// session, and ledgerd's refusals (common/messages/economy.hpp).
#pragma once

#include "cli/command.hpp"

namespace guild::cli {

void add_bot_economy(Command& bot);
void add_bot_arena(Command& bot);

}  // namespace guild::cli
