// Bots: making one. The bot, its account, its GRANT, the hashes of its key and secret and the audit
// record are one job of the journal, and so one transaction: no bot is without its GRANT.
// Whoever asks is already known to be allowed to (authority.hpp).
#pragma once

#include <string>

#include "ledgerd/credentials.hpp"
#include "ledgerd/journal.hpp"

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

}  // namespace guild::ledgerd
