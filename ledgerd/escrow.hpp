// Escrow: the accounts that markets and wagers keep money on, and what is paid out of them. The
// stakes of a market and its bounty are on escrow/<market>, which is closed when it ends; those of
// all price wagers, and the treasury's side of them, on escrow/wagers. What a dead bot wins or gets
// back is the treasury's; what is missing, because somebody moved it away by hand, comes from
// there. Jobs of the journal. Its postings have ids that nobody can tell before: whoever booked one
// first would keep the market from being paid. Errors: what the book refuses, such as funds_short
// (the treasury).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledgerd/economy/market.hpp"
#include "ledgerd/journal.hpp"

namespace guild::ledgerd {

inline constexpr std::string_view wagers_account = "escrow/wagers";
std::string market_account(const Uuid& market);
/// Of what is booked for a market.
std::string market_reference(const Uuid& market);

/// Zero for an account that there is not.
Money balance_of(const Transaction& transaction, std::string_view account);

/// One posting that pays out of an escrow account; the legs of the living and of the treasury.
class Payment {
 public:
  Payment(std::string escrow, messages::EntryType type, std::string reference);

  void add(const Transaction& transaction, const economy::Share& share);
  void add_to_treasury(Money amount);
  /// Has as many legs as one posting should.
  bool is_full() const;
  /// Books it, when it pays anything; then it is empty.
  Result<void> book(Transaction& transaction);

 private:
  std::string escrow_;
  messages::EntryType type_;
  std::string reference_;
  std::vector<DraftLeg> legs_;
  std::int64_t units_ = 0, to_treasury_ = 0;
};

/// Ready to be paid out of: open, without holds and floor, and with `need` at least.
Result<void> ready_escrow(Transaction& transaction, const std::string& account, Money need);
/// What somebody else put there is the treasury's; closed by hand it may be already.
Result<void> close_escrow(Transaction& transaction, const Uuid& market);
/// Ends every open hold of the account, moving nothing.
Result<std::vector<Booked>> void_holds_of(Transaction& transaction, AccountNumber account,
                                          std::string_view reference);

}  // namespace guild::ledgerd
