// Book: what all postings so far have made of the accounts and holds, and whether the next one may
// stand after them: every rule of docs/ledger.md (Posting, What a posting does). Pure. Memory:
// about 200 bytes an account, 200 an open hold, 21 to 64 an id. After a posting that was refused
// the book is of no further use.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "verifier/id_set.hpp"
#include "verifier/keyed_hash.hpp"
#include "verifier/leaf.hpp"
#include "verifier/result.hpp"
#include "verifier/sha256.hpp"

namespace guild::verifier {

__extension__ using Int128 = __int128;

struct Account {
  std::int64_t balance = 0;
  std::int64_t held = 0;  ///< By its open holds.
  std::int64_t floor = 0;
  std::int64_t entries = 0;   ///< The account_seq of its last leg.
  std::int64_t last_seq = 0;  ///< Of its last posting.
  Digest last_hash{};
  bool is_closed = false;

  Int128 available() const { return Int128{balance} - held; }
};

class Book {
 public:
  /// `hash` is the leaf's.
  Check take(const Leaf& leaf, const Digest& hash);
  /// That all balances sum to zero.
  Check check_total() const;

  std::int64_t size() const { return size_; }
  std::size_t accounts() const { return accounts_.size(); }
  /// Sorted by name.
  std::vector<std::pair<std::string_view, const Account*>> sorted_accounts() const;

 private:
  using Named = std::pair<const std::string, Account>;
  struct Hold {
    Named* debit = nullptr;
    std::string credit;
    std::int64_t held = 0;
    std::int64_t expires_at = 0;
  };
  using Holds = std::map<std::int64_t, Hold>;

  Check check_place(const Leaf& leaf);
  static Check check_sum(const Leaf& leaf);
  Check find_accounts(const Leaf& leaf);
  Named& account_named(std::string_view name);
  static Check check_sequence(const Leg& leg, const Named& account, std::int64_t seq);
  Check check_open(const Leaf& leaf) const;

  Check apply_rule(const Leaf& leaf);
  Check open_hold(const Leaf& leaf);
  Check post_hold(const Leaf& leaf);
  Check void_hold(const Leaf& leaf);
  Check set_floor(const Leaf& leaf);
  Check close(const Leaf& leaf);
  Check retire(const Leaf& leaf);
  Check liquidate(const Leaf& leaf);
  Check revive(const Leaf& leaf);
  Check reopen(const Leaf& leaf);

  Parsed<Holds::iterator> find_hold(const Leaf& leaf);
  void end_hold(Holds::iterator hold);
  Check move_money(const Leaf& leaf);

  std::unordered_map<std::string, Account, KeyedTextHash, std::equal_to<>> accounts_;
  Holds holds_;
  IdSet ids_;
  std::vector<Named*> legs_;  // The accounts of the posting that is taken, leg by leg.
  std::int64_t size_ = 0;
  Digest head_{};
};

}  // namespace guild::verifier
