// Permits: what the verbs on grants, permits and approvals do, each as one job of the journal.
// grants.hpp decides; here what it needs is read, and what follows is written: the use is counted,
// the most it may cost is held on the bot's account for the treasury, and the audit says who asked.
// Whoever asks is already known to be allowed to (authority.hpp). A permit's hold has an id that
// follows from the permit's, so that neither can be made twice. Codes: as each message says
// (common/messages/authority.hpp); a permit that is not allowed is an answer and not an error.
#pragma once

#include <string>

#include "ledgerd/grants.hpp"
#include "ledgerd/journal.hpp"

namespace guild::ledgerd {

inline constexpr std::int64_t approvals_waiting_max = 1'000;  ///< Of one bot.
inline constexpr Duration permit_lifetime_max = std::chrono::hours(24 * 366);

/// On whose behalf a job is done, for the audit and for what a bot may touch.
struct Asker {
  std::string sender;
  std::string principal;  ///< "operator", "bot/<handle>".
  std::string bot = {};   ///< When it is one: it may touch its own permits only.
};

/// The bot's account is there and open. Codes: bot_unknown, bot_dead.
Result<void> check_alive(Transaction& transaction, std::string_view handle);

Result<messages::Grant> add_grant(Transaction& transaction, const messages::AddGrant& request,
                                  const Asker& asker);
Result<void> revoke_grant(Transaction& transaction, const messages::RevokeGrant& request,
                          const Asker& asker);
/// The default grants; with the bot, and never again.
Result<void> seed_grants(Transaction& transaction, std::string_view handle);
/// Refused by the kernel guard: told to the audit.
Result<void> note_guarded(Transaction& transaction, std::string_view bot, std::string_view what,
                          const Asker& asker);

Result<messages::Permit> request_permit(Transaction& transaction,
                                        const messages::RequestPermit& request, const Asker& asker);
Result<messages::Settled> settle_permit(Transaction& transaction,
                                        const messages::SettlePermit& request, const Asker& asker);
Result<messages::Permit> allow_approval(Transaction& transaction, const Uuid& permit,
                                        const Asker& asker);
Result<messages::Permit> deny_approval(Transaction& transaction, const Uuid& permit,
                                       const Asker& asker);

// Reads, for a reader's thread.
Result<messages::GrantsPage> read_grants(storage::Connection& file,
                                         const messages::ListGrants& request, Instant now);
Result<messages::ApprovalsPage> read_approvals(storage::Connection& file,
                                               const messages::ListApprovals& request);

}  // namespace guild::ledgerd
