// How `guild permit` and `guild approval` show a permit, and the exit code that it means: 0 allowed
// or awaiting approval, 6 the bot has too little, 4 any other refusal.
#pragma once

#include <string>

#include "cli/context.hpp"
#include "cli/exit.hpp"
#include "common/messages/authority.hpp"

namespace guild::cli {

/// "daily_limit_reached"; empty when it is allowed.
std::string reason_of(const messages::Permit& permit);
/// Prints it.
Exit show_permit(Context& context, const messages::Permit& permit);

}  // namespace guild::cli
