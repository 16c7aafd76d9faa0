// Bots: making one, and what an operator does with its life. Each is one job of the journal with
// its audit record, and so one transaction: no bot is without its GRANT, and a bot is DEAD exactly
// when its account is closed. What dies loses its open holds, permits, approvals and credentials.
// Whoever asks is already known to be allowed to (authority.hpp).
#pragma once

#include <string>

#include "ledgerd/credentials.hpp"
#include "ledgerd/journal.hpp"
#include "ledgerd/permits.hpp"

namespace guild::ledgerd {

struct BotCreation {
  std::string handle;
  Money grant;
  NewCredential credential;
  std::string sender, principal;  ///< Who asked, for the audit.
};

/// Codes: handle_format.
Result<void> check_handle(std::string_view handle);

/// Codes: handle_taken, and those of booking the grant (accounts_full, balance_overflow).
Result<BotRecord> create_bot(Transaction& transaction, const BotCreation& creation);

/// The new credential becomes the only one. Codes: bot_unknown, bot_dead.
Result<void> rotate_bot(Transaction& transaction, const NewCredential& credential,
                        const Asker& asker);
/// Ends it: its balance stays. Codes: bot_unknown, bot_dead.
Result<void> retire_bot(Transaction& transaction, std::string_view handle, const Asker& asker);
/// Ends it: exactly its balance goes to the treasury. Codes: bot_unknown, bot_dead.
Result<void> liquidate_bot(Transaction& transaction, std::string_view handle, const Asker& asker);
/// What of a bot ends with its life, but for its holds and the posting that closes its account: its
/// open permits and approvals, its status. Its credentials open nothing from then on; their hashes
/// stay, so that who shows them can be told why.
Result<void> end_life(Transaction& transaction, std::string_view handle);
/// ALIVE again, with `amount` from the treasury. Codes: bot_unknown, bot_alive, cost_negative, and
/// those of booking it (funds_short).
Result<void> revive_bot(Transaction& transaction, const NewCredential& credential, Money amount,
                        const Asker& asker);
/// Its days are that zone's from now on (days.hpp). Codes: bot_unknown, bot_dead,
/// time_zone_unknown.
Result<void> set_time_zone(Transaction& transaction, std::string_view handle, std::string_view zone,
                           const Asker& asker);
/// The record becomes the bot's only credential, unless it is that already.
Result<messages::KeySync> sync_key(Transaction& transaction, const CredentialRecord& record,
                                   const Asker& asker);

}  // namespace guild::ledgerd
