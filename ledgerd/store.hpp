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
#include "ledgerd/holds.hpp"
#include "ledgerd/id_index.hpp"
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
/// All with a seq above `after`, in order. A row whose content cannot be unpacked has no legs.
Result<void> each_posting_after(Connection& file, std::int64_t after, const TakePosting& take);
/// Those of `seqs` that exist, in order.
Result<void> each_posting_of(Connection& file, std::span<const std::int64_t> seqs,
                             const TakePosting& take);
/// Of the postings that are there; 0 when there is none.
Result<std::int64_t> first_seq(Connection& file);
Result<std::int64_t> last_seq(Connection& file);
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

// ---- where the book stood (store_standing.cpp)

struct SavedStanding {
  std::int64_t seq = 0;
  Digest hash{};
  std::vector<Digest> peaks;
  IdKey id_key{};
};
Result<void> save_standing(Connection& file, const SavedStanding& standing);
/// Nothing before the first was saved. Of seq -1 when it is not one row under its own number. Peaks
/// of another length than hashes have are none.
Result<std::optional<SavedStanding>> saved_standing(Connection& file);

Result<void> save_state(Connection& file, AccountNumber account, const AccountState& state);
/// One whose row holds what no state has is of account 0.
Result<void> each_state(Connection& file,
                        const std::function<void(AccountNumber, const AccountState&)>& take);

Result<void> insert_open_hold(Connection& file, std::int64_t seq, const Hold& hold);
Result<void> delete_open_hold(Connection& file, std::int64_t seq);
Result<void> each_open_hold(Connection& file,
                            const std::function<void(std::int64_t seq, const Hold&)>& take);

inline constexpr std::size_t hashes_in_row_max = 16'384;

/// Of the postings from `first` on; at most hashes_in_row_max.
Result<void> insert_id_hashes(Connection& file, std::int64_t first,
                              std::span<const std::uint64_t> hashes);
/// A row that is not whole hashes, or is empty, is told as seq 0.
Result<void> each_id_hash(Connection& file,
                          const std::function<void(std::int64_t seq, std::uint64_t)>& take);

/// Roots of blocks, from the block `first` on; at most hashes_in_row_max.
Result<void> insert_blocks(Connection& file, std::int64_t first, std::span<const Digest> roots);
/// Those of the blocks `from` to before `to` that are there, in order; a row that is not whole
/// roots, or is empty, is told as block -1.
Result<void> each_block(Connection& file, std::int64_t from, std::int64_t to,
                        const std::function<void(std::int64_t block, const Digest&)>& take);
/// The hashes of the postings after `after` up to `last`, in order.
Result<void> each_hash_between(Connection& file, std::int64_t after, std::int64_t last,
                               const std::function<void(const Digest&)>& take);

struct SavedCheckpoint {
  std::int64_t size = 0;
  Instant time;
  std::string note;
};
/// One of each hour is kept: it takes the place of the last one when that is of the same hour.
Result<void> save_checkpoint(Connection& file, const SavedCheckpoint& checkpoint);
Result<std::optional<SavedCheckpoint>> last_checkpoint(Connection& file);
/// By size.
Result<void> each_checkpoint(Connection& file,
                             const std::function<void(const SavedCheckpoint&)>& take);

// ---- bots

Result<void> insert_bot(Connection& file, const BotRecord& bot);
/// One whose status is none has the account 0.
Result<void> each_bot(Connection& file, const std::function<void(BotRecord)>& take);
Result<void> insert_credential(Connection& file, const CredentialRecord& credential);
Result<void> each_credential(Connection& file, const std::function<void(CredentialRecord)>& take);

// ---- the record of what was set and by whom

struct Economy {
  Money genesis_grant, treasury_grant;
  std::string constants = "{}";  ///< All of them, as JSON.

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
/// In their order, those with a greater number, at most `limit`.
Result<void> each_audit_after(Connection& file, std::int64_t number, std::int64_t limit,
                              const std::function<void(std::int64_t number, Audit)>& take);

}  // namespace guild::ledgerd::store
