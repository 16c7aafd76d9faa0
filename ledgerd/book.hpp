// Book: the state of the ledger in memory, and the only place that decides what may be booked. It
// is rebuilt from the file at start. Pure: no clock, no I/O, no threads; one thread at a time.
//
// What is booked waits in the current group until `commit` (the file's transaction has returned) or
// is undone by `undo_to` or `rollback`; nothing of a group is in the tree before it is committed.
// Memory: 127 to 138 bytes per account, about 150 per open hold, 18 to 37 per id (ids are
// remembered for ever). tests/property/ledger/memory_test.cpp counts them.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/time.hpp"
#include "ledgerd/chain.hpp"
#include "ledgerd/draft.hpp"
#include "ledgerd/id_index.hpp"
#include "ledgerd/refusal.hpp"
#include "ledgerd/tree.hpp"

namespace guild::ledgerd {

class Book {
 public:
  Book() : Book(IdKey{}) {}
  explicit Book(const IdKey& key);

  const Accounts& accounts() const { return standing_.accounts; }
  const Holds& holds() const { return standing_.holds; }
  const ChainHead& head() const { return standing_.head; }
  /// As of the last commit.
  const ChainHead& committed_head() const { return group_start_; }
  const Standing& standing() const { return standing_; }
  const IdIndex& ids() const { return ids_; }
  /// Of what is committed.
  const Tree& tree() const { return tree_; }
  /// Over all accounts; zero whatever was booked.
  Int128 total() const;

  /// Decides and books into the current group. A refusal has changed nothing. The draft's id must
  /// be new (ids().find answers 0): a known one is answered by `check_repeat`. The answer is valid
  /// until the next call.
  std::expected<const Posting*, Refusal> book(const Draft& draft, Instant now);
  /// The same for a transfer between two accounts that are open, without a draft: what batches are
  /// made of. The reference is at most reference_size_max bytes.
  struct Move {
    Uuid id;
    AccountNumber debit = 0, credit = 0;
    Money amount;
    std::string_view reference;
  };
  std::expected<const Posting*, Refusal> book(const Move& move, Instant now);
  /// Whether `draft` asks for what `earlier`, the posting with its id, did; else id_reused.
  std::expected<void, Refusal> check_repeat(const Draft& draft, const Posting& earlier) const;
  /// An open hold, for who ends it; hold_ended when it is not open.
  std::expected<HoldToEnd, Refusal> hold_to_end(std::int64_t seq) const;

  /// The current group.
  struct Group {
    std::vector<Posting> postings;
    std::vector<AccountNumber> opened;
    /// Of each leg of each posting, its account's hash before it. Filled in by `commit`.
    std::vector<Digest> previous_hashes = {};
  };
  const Group& group() const { return group_; }
  /// A place in it to come back to.
  struct Mark {
    std::size_t postings = 0, states = 0, opened = 0, ended = 0;
    ChainHead head;
  };
  Mark mark() const;
  void undo_to(const Mark& mark);
  /// Undoes the whole group.
  void rollback();
  /// Ends the group: its postings are in the file. Hands them out, for whoever tells others.
  Group commit();
  /// The roots of the tree's blocks that commits have completed since the last call.
  std::vector<Digest> take_blocks() { return tree_.take_blocks(); }
  /// The states that the current group has changed, as they were before it.
  std::unordered_map<AccountNumber, AccountState> states_before_group() const;

  // Recovery: the accounts in their order; then either nothing or a saved standing; then the stored
  // postings after it, in their order.
  void restore_account(std::string_view name);
  void restore_state(AccountNumber account, const AccountState& state);
  void restore_hold(std::int64_t seq, const Hold& hold);
  void restore_id(std::uint64_t hash, std::int64_t seq);
  void reserve_ids(std::size_t count) { ids_.reserve(count); }
  void restore_head(const ChainHead& head, Tree tree);
  /// Ids are unique: `has_id(seq)` is asked as by IdIndex::find.
  using HasId = std::function<bool(std::int64_t seq)>;
  std::expected<void, Fault> restore(const Posting& posting, const HasId& has_id);

 private:
  struct Before {
    AccountNumber account;
    AccountState state;
  };
  struct EndedHold {
    std::int64_t seq;
    Hold hold;
  };

  const Posting& add(Posting posting);
  void take_back_last();

  Standing standing_;
  Tree tree_;
  IdIndex ids_;
  Group group_;
  std::vector<Before> undo_;      // The state that each leg of the group replaced.
  std::vector<EndedHold> ended_;  // The holds that the group ended.
  ChainHead group_start_;
};

}  // namespace guild::ledgerd
