#include "ledgerd/rules.hpp"

#include <algorithm>
#include <limits>

namespace guild::ledgerd {
namespace {

using Finding = std::optional<Violation>;

Finding broken(TransferError error, AccountNumber account = 0) { return Violation{error, account}; }

bool fits(Int128 units) {
  return units >= std::numeric_limits<std::int64_t>::min() &&
         units <= std::numeric_limits<std::int64_t>::max();
}

/// What holds of every posting, whatever its type.
Finding check_shape(const Posting& posting) {
  const Legs& legs = posting.legs;
  if (legs.empty() || legs.size() > legs_max || sum_of(legs) != 0)
    return broken(TransferError::legs_unbalanced);
  for (std::size_t i = 0; i < legs.size(); ++i) {
    const Leg& leg = legs[i];
    if (leg.amount.is_zero() && legs.size() > 1) return broken(TransferError::legs_unbalanced);
    if (leg.type != posting.type()) return broken(TransferError::types_mixed, leg.account);
    if (leg.reference.size() > reference_size_max)
      return broken(TransferError::reference_too_long, leg.account);
    for (std::size_t j = 0; j < i; ++j)
      if (legs[j].account == leg.account) return broken(TransferError::same_account, leg.account);
  }
  return {};
}

/// The rules of one posting, by its type.
class Check {
 public:
  Check(const Posting& posting, const Standing& standing)
      : posting_(posting), standing_(standing), legs_(posting.legs) {}

  Finding run() const {
    if (auto found = check_facts()) return found;
    if (auto found = check_open()) return found;
    if (auto found = check_type()) return found;
    for (const Leg& leg : legs_)
      if (auto found = check_sums(leg)) return found;
    return {};
  }

 private:
  const Account& account(AccountNumber number) const { return standing_.accounts.at(number); }
  const AccountState& state(const Leg& leg) const { return account(leg.account).state; }
  AccountKind kind(const Leg& leg) const { return account(leg.account).kind; }

  template <class Kind>
  const Kind* facts() const {
    return std::get_if<Kind>(&posting_.facts);
  }
  const Hold* ended_hold() const {
    const auto* const end = facts<HoldEnd>();
    return end == nullptr ? nullptr : standing_.holds.find(end->hold);
  }

  /// Each type has its own facts, and no other.
  Finding check_facts() const {
    bool is_right = false;
    switch (posting_.type()) {
      case EntryType::HOLD:
        is_right = facts<HoldTerms>() != nullptr;
        break;
      case EntryType::HOLD_POST:
      case EntryType::HOLD_VOID:
        is_right = facts<HoldEnd>() != nullptr;
        break;
      case EntryType::FLOOR:
        is_right = facts<FloorTerms>() != nullptr;
        break;
      default:
        is_right = facts<std::monostate>() != nullptr;
    }
    if (!is_right) return broken(TransferError::facts_unfit);
    return {};
  }

  /// The account that this posting opens again; 0 when it opens none.
  AccountNumber reopened() const {
    if (posting_.type() == EntryType::REOPENED) return legs_.front().account;
    if (posting_.type() != EntryType::REVIVE) return 0;
    const auto bot =
        std::ranges::find_if(legs_, [](const Leg& leg) { return !leg.amount.is_negative(); });
    return bot == legs_.end() ? 0 : bot->account;
  }

  Finding check_open() const {
    const AccountNumber opened = reopened();
    for (const Leg& leg : legs_) {
      if (leg.account == opened && !state(leg).is_closed)
        return broken(TransferError::account_not_closed, leg.account);
      if (leg.account != opened && state(leg).is_closed)
        return broken(TransferError::account_closed, leg.account);
    }
    return {};
  }

  Finding check_type() const {
    switch (posting_.type()) {
      case EntryType::HOLD:
        return check_hold();
      case EntryType::HOLD_POST:
        return check_hold_post();
      case EntryType::HOLD_VOID:
        return check_hold_void();
      case EntryType::FLOOR:
        return check_floor();
      case EntryType::CLOSED:
        return check_closed();
      case EntryType::RETIRED:
        return check_retired();
      case EntryType::LIQUIDATION:
        return check_liquidation();
      case EntryType::REVIVE:
        return check_revive();
      case EntryType::REOPENED:
        return check_reopened();
      default:
        return {};
    }
  }

  Finding check_hold() const {
    const auto& terms = *facts<HoldTerms>();
    const Leg& leg = legs_.front();
    if (legs_.size() != 1) return broken(TransferError::facts_unfit);
    if (!terms.amount.is_positive()) return broken(TransferError::amount_not_positive);
    if (terms.expires_at <= posting_.time) return broken(TransferError::expiry_not_ahead);
    if (terms.credit == leg.account) return broken(TransferError::same_account, leg.account);
    if (terms.credit < 1 || terms.credit > standing_.accounts.size())
      return broken(TransferError::credit_account_unknown);
    if (account(terms.credit).state.is_closed)
      return broken(TransferError::account_closed, terms.credit);
    if (standing_.holds.size() >= open_holds_max) return broken(TransferError::holds_full);
    const Int128 held = Int128{state(leg).held.units()} + terms.amount.units();
    const Int128 available = state(leg).balance.units() - held;
    if (!fits(held) || !fits(available))
      return broken(TransferError::balance_overflow, leg.account);
    if (has_floor(leg) && available < state(leg).floor.units())
      return broken(TransferError::funds_short, leg.account);
    return {};
  }

  Finding check_hold_post() const {
    const Hold* const hold = ended_hold();
    if (hold == nullptr) return broken(TransferError::hold_ended);
    if (hold->terms.expires_at <= posting_.time) return broken(TransferError::hold_ended);
    if (legs_.size() != 2 || legs_[0].account != hold->debit ||
        legs_[1].account != hold->terms.credit)
      return broken(TransferError::facts_unfit);
    if (!legs_[1].amount.is_positive()) return broken(TransferError::amount_not_positive);
    if (legs_[1].amount > hold->terms.amount)
      return broken(TransferError::hold_exceeded, hold->debit);
    return {};
  }

  Finding check_hold_void() const {
    const Hold* const hold = ended_hold();
    if (hold == nullptr) return broken(TransferError::hold_ended);
    if (legs_.size() != 1 || legs_[0].account != hold->debit)
      return broken(TransferError::facts_unfit);
    // Nobody but time calls a hold expired.
    if (legs_[0].reference == expired_reference && posting_.time < hold->terms.expires_at)
      return broken(TransferError::facts_unfit);
    return {};
  }

  Finding check_floor() const {
    const Leg& leg = legs_.front();
    if (legs_.size() != 1 || !has_floor(leg))
      return broken(TransferError::facts_unfit, leg.account);
    if (facts<FloorTerms>()->floor.is_negative())
      return broken(TransferError::floor_negative, leg.account);
    if (state(leg).available() < facts<FloorTerms>()->floor)
      return broken(TransferError::floor_above_available, leg.account);
    return {};
  }

  /// Bots die and are revived; world and the treasury are always there.
  bool may_close(const Leg& leg) const {
    return kind(leg) == AccountKind::user || kind(leg) == AccountKind::escrow;
  }

  Finding check_reopened() const {
    const Leg& leg = legs_.front();
    if (legs_.size() != 1 || !may_close(leg))
      return broken(TransferError::facts_unfit, leg.account);
    return {};
  }

  Finding check_closed() const {
    const Leg& leg = legs_.front();
    if (legs_.size() != 1 || !may_close(leg))
      return broken(TransferError::facts_unfit, leg.account);
    if (!state(leg).balance.is_zero()) return broken(TransferError::account_not_empty, leg.account);
    return check_no_holds(leg);
  }

  Finding check_retired() const {
    const Leg& leg = legs_.front();
    if (legs_.size() != 1 || kind(leg) != AccountKind::bot)
      return broken(TransferError::facts_unfit, leg.account);
    return check_no_holds(leg);
  }

  /// All of a bot's balance, to the treasury.
  Finding check_liquidation() const {
    const Leg& bot = legs_.front();
    if (kind(bot) != AccountKind::bot) return broken(TransferError::facts_unfit, bot.account);
    if (legs_.size() > 2 || (legs_.size() == 2 && kind(legs_[1]) != AccountKind::treasury))
      return broken(TransferError::facts_unfit, bot.account);
    if (Int128{bot.amount.units()} + state(bot).balance.units() != 0)
      return broken(TransferError::facts_unfit, bot.account);
    return check_no_holds(bot);
  }

  /// To a bot, from the treasury or world.
  Finding check_revive() const {
    const Leg& bot = legs_.back();
    if (kind(bot) != AccountKind::bot || bot.amount.is_negative() || legs_.size() > 2)
      return broken(TransferError::facts_unfit, bot.account);
    if (legs_.size() == 1) return {};
    const AccountKind from = kind(legs_.front());
    if (from != AccountKind::treasury && from != AccountKind::world)
      return broken(TransferError::facts_unfit, legs_.front().account);
    return {};
  }

  Finding check_no_holds(const Leg& leg) const {
    if (state(leg).open_holds != 0) return broken(TransferError::account_has_holds, leg.account);
    return {};
  }

  bool has_floor(const Leg& leg) const { return !may_go_negative(kind(leg)); }

  /// Both sums fit, and what leaves the account leaves it above its floor.
  Finding check_sums(const Leg& leg) const {
    Int128 held = state(leg).held.units();
    if (const Hold* const hold = ended_hold(); hold != nullptr && hold->debit == leg.account)
      held -= hold->terms.amount.units();
    const Int128 balance = Int128{state(leg).balance.units()} + leg.amount.units();
    if (!fits(balance) || !fits(balance - held))
      return broken(TransferError::balance_overflow, leg.account);
    // A liquidation takes all there is.
    const bool counts = has_floor(leg) && posting_.type() != EntryType::LIQUIDATION;
    if (leg.amount.is_negative() && counts && balance - held < state(leg).floor.units())
      return broken(TransferError::funds_short, leg.account);
    return {};
  }

  const Posting& posting_;
  const Standing& standing_;
  const Legs& legs_;
};

}  // namespace

std::optional<Violation> find_violation(const Posting& posting, const Standing& standing) {
  if (auto found = check_shape(posting)) return found;
  return Check(posting, standing).run();
}

}  // namespace guild::ledgerd
