// What the verbs of `guild bot` share. Credentials are shown once, on stdout, and kept nowhere.
// Errors are those of the session, and ledgerd's refusals (common/messages/authority.hpp).
#pragma once

#include "cli/command.hpp"
#include "cli/context.hpp"
#include "common/messages/authority.hpp"
#include "common/messages/ledgerd.hpp"

namespace guild::cli {

void show_credentials(Context& context, const messages::BotCreated& made);

void add_bot_lives(Command& bot);

}  // namespace guild::cli
