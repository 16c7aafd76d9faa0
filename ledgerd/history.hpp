// History: pages of what was booked, as accounts see it, read from the file by whoever asks: the
// daemon's reader thread, or the CLI when the daemon is down. Each function reads one snapshot by a
// constant number of statements. Errors: those of common/storage, and history_damaged.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/messages/authority.hpp"
#include "common/messages/ledgerd.hpp"
#include "common/storage/connection.hpp"
#include "ledgerd/accounts.hpp"
#include "ledgerd/tails.hpp"

namespace guild::ledgerd {

/// Legs of one account, oldest first, after its own sequence `after`, at most `limit`. `tail` is
/// what Tails::copy gave for (after, limit + 2) before this call; without one, as in the CLI, the
/// postings since the last flush are read through.
Result<messages::EntriesPage> read_entries(storage::Connection& file, AccountNumber account,
                                           std::int64_t after, std::int64_t limit,
                                           const Tail* tail);

/// The same for whoever has only a name. Code account_unknown.
Result<messages::EntriesPage> read_entries(storage::Connection& file, std::string_view account,
                                           std::int64_t after, std::int64_t limit);

/// Every leg of the postings after `seq`, in order; whole postings, and at least one when there is
/// one, but no further one once there are `legs_wanted`.
Result<std::vector<messages::Entry>> read_legs_after(storage::Connection& file, std::int64_t seq,
                                                     std::size_t legs_wanted);

/// The same as a page for whoever asks; `limit` legs wanted. Code seq_unknown: the book ends before
/// `after`.
Result<messages::EventsPage> read_events(storage::Connection& file, std::int64_t after,
                                         std::int64_t limit);

/// What the audit says after its record `after`, at most `limit` records.
Result<messages::AuditPage> read_audit(storage::Connection& file, std::int64_t after,
                                       std::int64_t limit);

/// One posting whole. Code posting_unknown.
Result<messages::PostingView> read_posting(storage::Connection& file, std::int64_t seq);

/// A leg of the posting, as it is shown; `account` is its account's name, `previous_hash` that of
/// the account's posting before.
messages::Entry entry_of(const Posting& posting, const Leg& leg, std::string_view account,
                         const Digest& previous_hash);

/// Code account_unknown.
std::unexpected<Error> account_unknown(std::string_view account);

}  // namespace guild::ledgerd
