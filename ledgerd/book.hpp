// Book: the state of the ledger in memory, and the only place that decides what may be booked. It
// is rebuilt from the file at start. Pure: no clock, no I/O, no threads; one thread at a time.
//
// What is booked waits in the current group until `commit` (the file's transaction has returned) or
// is undone by `undo_to` or `rollback`; nothing of a group is in the tree before it is committed.
// Memory: about 100 bytes and the name per account, 24 to 50 per id (ids are remembered for ever).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.hpp"
#include "ledgerd/accounts.hpp"
#include "ledgerd/chain.hpp"
#include "ledgerd/draft.hpp"
#include "ledgerd/posting.hpp"
#include "ledgerd/refusal.hpp"
#include "ledgerd/tree.hpp"

namespace guild::ledgerd {

/// A posting that may be booked, and the accounts that it opens, in the order of their numbers.
struct Decision {
  Posting posting;
  std::vector<std::string> opens;
};

class Book {
 public:
  Book();
  ~Book();
  Book(Book&&) noexcept;
  Book& operator=(Book&&) noexcept;

  const Accounts& accounts() const { return accounts_; }
  const ChainHead& head() const { return head_; }
  /// Of what is committed.
  const Tree& tree() const { return tree_; }
  std::size_t ids() const;
  /// The posting with this id, or 0.
  std::int64_t seq_of(const Uuid& id) const;
  /// Over all accounts; zero whatever was booked.
  Int128 total() const;

  /// What booking `draft` would do; changes nothing. Its id must be new (seq_of answers 0): a known
  /// one is answered by `check_repeat`.
  std::expected<Decision, Refusal> decide(const Draft& draft, Instant now) const;
  /// Whether `draft` asks for what `earlier`, the posting with its id, did; else id_reused.
  std::expected<void, Refusal> check_repeat(const Draft& draft, const Posting& earlier) const;

  /// Books what was just decided, into the current group. The answer is valid until the next call.
  const Posting& apply(Decision decision);

  /// A place in the current group to come back to.
  struct Mark {
    std::size_t postings = 0, states = 0, opened = 0;
    ChainHead head;
  };
  Mark mark() const;
  void undo_to(const Mark& mark);
  /// Undoes the whole group.
  void rollback();

  struct Group {
    std::vector<Posting> postings;
    std::vector<AccountNumber> opened;
  };
  /// Ends the group: its postings are in the file. Hands them out, for whoever tells others.
  Group commit();

  /// Recovery: takes up a stored account, then the stored postings, in their order.
  void restore_account(std::string_view name);
  std::expected<void, Fault> restore(const Posting& posting);
  /// A closed account is neither debited nor credited.
  void set_closed(AccountNumber account, bool is_closed);

 private:
  struct Ids;
  struct Before {
    AccountNumber account;
    AccountState state;
  };

  Accounts accounts_;
  ChainHead head_;
  Tree tree_;
  std::unique_ptr<Ids> ids_;
  Group group_;
  std::vector<Before> undo_;  // The state that each leg of the group replaced.
  ChainHead group_start_;
};

}  // namespace guild::ledgerd
