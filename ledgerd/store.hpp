// Store: every SQL statement of the book, and nothing else: what is written and read is decided
// elsewhere. The tables are in migrations/, their meaning in docs/ledger.md. Writing functions run
// inside the caller's transaction, reading ones see one state only inside a snapshot. Errors are
// those of common/storage.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/storage/connection.hpp"
#include "ledgerd/bot.hpp"
#include "ledgerd/posting.hpp"

namespace guild::ledgerd::store {

using storage::Connection;

// ---- accounts and postings

Result<void> insert_account(Connection& file, AccountNumber number, std::string_view name);
Result<void> each_account(Connection& file,
                          const std::function<void(std::int64_t number, std::string_view)>& take);
Result<std::optional<AccountNumber>> find_account(Connection& file, std::string_view name);
/// By the numbers that exist.
Result<void> each_name(Connection& file, std::span<const std::int64_t> numbers,
                       const std::function<void(AccountNumber, std::string_view)>& take);

Result<void> insert_posting(Connection& file, const Posting& posting);
/// Takes a posting; false ends the reading.
using TakePosting = std::function<bool(Posting)>;
/// All with a seq above `after`, in order. A row whose legs cannot be unpacked has none.
Result<void> each_posting_after(Connection& file, std::int64_t after, const TakePosting& take);
/// Those of `seqs` that exist, in order.
Result<void> each_posting_of(Connection& file, std::span<const std::int64_t> seqs,
                             const TakePosting& take);
Result<std::optional<Posting>> find_posting(Connection& file, std::int64_t seq);
Result<void> each_hash_of(Connection& file, std::span<const std::int64_t> seqs,
                          const std::function<void(std::int64_t, const Digest&)>& take);

// ---- where an account's postings are

inline constexpr std::int64_t list_size_max = 4'096;

/// At most list_size_max seqs, rising; `first` is the account's own sequence of the first.
Result<void> insert_list(Connection& file, AccountNumber account, std::int64_t first,
                         std::span<const std::int64_t> seqs);
using TakeList = std::function<void(AccountNumber, std::int64_t first,
                                    std::optional<std::vector<std::int64_t>> seqs)>;
/// In order; `seqs` is nothing when it cannot be unpacked.
Result<void> each_list(Connection& file, const TakeList& take);
/// Those of `account` that hold its own sequence `from` to `to`.
Result<void> each_list_of(Connection& file, AccountNumber account, std::int64_t from,
                          std::int64_t to, const TakeList& take);

inline constexpr std::string_view history_mark = "history";
inline constexpr std::string_view outbox_mark = "outbox";
/// 0 when it was never set.
Result<std::int64_t> mark(Connection& file, std::string_view name);
Result<void> set_mark(Connection& file, std::string_view name, std::int64_t seq);

// ---- bots

Result<void> insert_bot(Connection& file, const BotRecord& bot);
Result<void> each_bot(Connection& file, const std::function<void(BotRecord)>& take);
Result<void> insert_credential(Connection& file, const CredentialRecord& credential);
Result<void> each_credential(Connection& file, const std::function<void(CredentialRecord)>& take);

// ---- the record of what was set and by whom

struct Economy {
  Money genesis_grant, treasury_grant;

  bool operator==(const Economy&) const = default;
};
Result<void> insert_economy(Connection& file, Instant since, const Economy& economy);
/// The last one; nothing in a file without genesis.
Result<std::optional<Economy>> last_economy(Connection& file);

struct Audit {
  Instant time;
  std::string sender, principal, action, subject;
  std::string detail = "{}";  ///< JSON.
};
Result<void> insert_audit(Connection& file, const Audit& audit);

}  // namespace guild::ledgerd::store
