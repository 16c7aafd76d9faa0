// Arena: what a bot is shown, as a read, and what it does on it, as one job of the journal: the
// wager, the record of the action and the post of it are one transaction. Whoever asks is already
// known to be allowed to (authority.hpp); which observation is whose the service knows
// (economy/observations.hpp). Codes: as in common/messages/arena.hpp.
#pragma once

#include <string>
#include <string_view>

#include "common/messages/arena.hpp"
#include "ledgerd/economy/constants.hpp"
#include "ledgerd/economy/observations.hpp"
#include "ledgerd/journal.hpp"

namespace guild::ledgerd {

/// All but its id, its times and the balance.
Result<messages::Observation> read_observation(storage::Connection& file,
                                               const economy::Constants& constants,
                                               std::string_view bot, Instant now);

/// What is wrong with an action whatever the bot has. Codes: direction_missing, wager_missing,
/// amount_not_positive.
Result<void> check_action_form(const messages::TakeAction& request);

struct ArenaTurn {
  std::string bot;
  economy::Ticket ticket{};  ///< What the observation was when the action came.
  messages::TakeAction request;
};
Result<messages::ActionTaken> take_action(Transaction& transaction,
                                          const economy::Constants& constants,
                                          const ArenaTurn& turn);

/// Kind denied: the dead do not play.
std::unexpected<Error> player_dead(std::string_view bot);
std::unexpected<Error> observation_foreign();

}  // namespace guild::ledgerd
