#include "verifier/book.hpp"

#include <algorithm>
#include <limits>

#include "verifier/account_name.hpp"

namespace guild::verifier {
namespace {

constexpr std::string_view expired_reference = "EXPIRED";

bool fits(Int128 sum) {
  return sum >= std::numeric_limits<std::int64_t>::min() &&
         sum <= std::numeric_limits<std::int64_t>::max();
}

/// Of an available amount, which may need 65 bits.
std::string amount_text_of(Int128 units) {
  return fits(units) ? amount_text(static_cast<std::int64_t>(units)) : std::string("too much");
}

bool has_floor(std::string_view account) { return account != world_account; }

Check check_floor(std::string_view name, const Account& account) {
  if (!has_floor(name) || account.available() >= account.floor) return {};
  return because(name, " would have ", amount_text_of(account.available()),
                 " available, below its floor ", amount_text(account.floor));
}

Check check_no_hold(std::string_view name, const Account& account) {
  if (account.held == 0) return {};
  return because(name, " has open holds of ", amount_text(account.held));
}

/// The one leg of zero that a record stands on.
Check check_record(const Leaf& leaf) {
  if (leaf.legs.size() == 1) return {};
  return because("a ", name_of(leaf.type), " has one leg, this one ", leaf.legs.size());
}

/// Whether this leg is the one whose closed account the posting opens.
bool opens(EntryType type, std::string_view account) {
  return type == EntryType::REOPENED || (type == EntryType::REVIVE && is_bot_account(account));
}

/// The place of the bot's leg: of one leg, or of two that the other of which is on one of `others`.
Parsed<std::size_t> find_bot_leg(const Leaf& leaf, std::initializer_list<std::string_view> others) {
  const auto is_bot = [](const Leg& leg) { return is_bot_account(leg.account); };
  const auto is_other = [&](const Leg& leg) {
    return std::ranges::find(others, leg.account) != others.end();
  };
  const auto bot = std::ranges::find_if(leaf.legs, is_bot);
  const bool has_other = leaf.legs.size() == 2 && std::ranges::any_of(leaf.legs, is_other);
  if (bot == leaf.legs.end() || (leaf.legs.size() != 1 && !has_other))
    return because("a ", name_of(leaf.type), " is not booked on these accounts");
  return static_cast<std::size_t>(bot - leaf.legs.begin());
}

}  // namespace

Check Book::take(const Leaf& leaf, const Digest& hash) {
  VERIFIER_CHECK(check_place(leaf));
  VERIFIER_CHECK(check_sum(leaf));
  VERIFIER_CHECK(find_accounts(leaf));
  VERIFIER_CHECK(check_open(leaf));
  VERIFIER_CHECK(apply_rule(leaf));
  VERIFIER_CHECK(move_money(leaf));
  for (Named* account : legs_) account->second.last_hash = hash;
  size_ = leaf.seq;
  head_ = hash;
  return {};
}

Check Book::check_place(const Leaf& leaf) {
  if (leaf.seq != size_ + 1) return because("its seq is ", leaf.seq);
  if (leaf.previous_hash != head_)
    return because("its previous hash is not the hash of posting ", size_);
  if (!ids_.insert(leaf.id)) return because("its id ", to_hex(leaf.id), " was used before");
  return {};
}

Check Book::check_sum(const Leaf& leaf) {
  Int128 sum = 0;
  for (const Leg& leg : leaf.legs) {
    sum += leg.amount;
    if (leg.amount == 0 && leaf.legs.size() > 1)
      return because("its leg of zero on ", leg.account, " does not stand alone");
  }
  if (sum != 0) return because("its legs do not sum to zero");
  return {};
}

Book::Named& Book::account_named(std::string_view name) {
  const auto found = accounts_.find(name);
  return found != accounts_.end() ? *found : *accounts_.emplace(name, Account{}).first;
}

Check Book::find_accounts(const Leaf& leaf) {
  legs_.clear();
  for (const Leg& leg : leaf.legs) {
    Named& account = account_named(leg.account);
    VERIFIER_CHECK(check_sequence(leg, account, leaf.seq));
    account.second.last_seq = leaf.seq;
    account.second.entries = leg.account_seq;
    legs_.push_back(&account);
  }
  return {};
}

Check Book::check_sequence(const Leg& leg, const Named& account, std::int64_t seq) {
  const auto& [name, state] = account;
  if (state.last_seq == seq) return because(name, " has two legs");
  if (leg.account_seq != state.entries + 1)
    return because("its account_seq on ", name, " is ", leg.account_seq, " after ", state.entries);
  if (leg.previous_hash != state.last_hash)
    return because("its previous hash on ", name, " is not that of the account's posting ",
                   state.last_seq);
  return {};
}

Check Book::check_open(const Leaf& leaf) const {
  for (const Named* account : legs_) {
    const bool is_opened = opens(leaf.type, account->first);
    if (account->second.is_closed && !is_opened) return because(account->first, " is closed");
    if (!account->second.is_closed && is_opened) return because(account->first, " is not closed");
  }
  return {};
}

Check Book::apply_rule(const Leaf& leaf) {
  switch (leaf.type) {
    case EntryType::HOLD:
      return open_hold(leaf);
    case EntryType::HOLD_POST:
      return post_hold(leaf);
    case EntryType::HOLD_VOID:
      return void_hold(leaf);
    case EntryType::FLOOR:
      return set_floor(leaf);
    case EntryType::CLOSED:
      return close(leaf);
    case EntryType::RETIRED:
      return retire(leaf);
    case EntryType::LIQUIDATION:
      return liquidate(leaf);
    case EntryType::REVIVE:
      return revive(leaf);
    case EntryType::REOPENED:
      return reopen(leaf);
    default:
      return {};
  }
}

Check Book::open_hold(const Leaf& leaf) {
  VERIFIER_CHECK(check_record(leaf));
  auto& [name, account] = *legs_.front();
  const Facts& facts = leaf.facts;
  if (facts.held <= 0) return because("it holds ", amount_text(facts.held));
  if (facts.credit == name) return because("its credit is its own account");
  if (facts.expires_at <= leaf.time) return because("it expires before it begins");
  const Int128 held = Int128{account.held} + facts.held;
  if (!fits(held)) return because("the holds of ", name, " would not fit 64 bits");
  account.held = static_cast<std::int64_t>(held);
  VERIFIER_CHECK(check_floor(name, account));
  holds_.emplace(leaf.seq, Hold{.debit = legs_.front(),
                                .credit = std::string(facts.credit),
                                .held = facts.held,
                                .expires_at = facts.expires_at});
  return {};
}

Parsed<Book::Holds::iterator> Book::find_hold(const Leaf& leaf) {
  const auto hold = holds_.find(leaf.facts.hold);
  if (hold == holds_.end()) return because("there is no open hold ", leaf.facts.hold);
  if (hold->second.debit != legs_.front())
    return because("hold ", hold->first, " is on ", hold->second.debit->first);
  return hold;
}

void Book::end_hold(Holds::iterator hold) {
  hold->second.debit->second.held -= hold->second.held;
  holds_.erase(hold);
}

Check Book::post_hold(const Leaf& leaf) {
  if (leaf.legs.size() != 2)
    return because("a HOLD_POST has two legs, this one ", leaf.legs.size());
  const auto found = find_hold(leaf);
  if (!found) return std::unexpected(found.error());
  const Hold& hold = (*found)->second;
  const std::int64_t posted = leaf.legs[1].amount;
  if (leaf.legs[1].account != hold.credit)
    return because("hold ", leaf.facts.hold, " is for ", hold.credit);
  if (posted <= 0) return because("its first leg is not the debit");
  if (posted > hold.held)
    return because("it posts ", amount_text(posted), " of a hold of ", amount_text(hold.held));
  if (leaf.time >= hold.expires_at) return because("hold ", leaf.facts.hold, " had expired");
  end_hold(*found);
  return {};
}

Check Book::void_hold(const Leaf& leaf) {
  VERIFIER_CHECK(check_record(leaf));
  const auto found = find_hold(leaf);
  if (!found) return std::unexpected(found.error());
  const bool says_expired = leaf.legs.front().reference == expired_reference;
  if (says_expired && leaf.time < (*found)->second.expires_at)
    return because("hold ", leaf.facts.hold, " had not expired");
  end_hold(*found);
  return {};
}

Check Book::set_floor(const Leaf& leaf) {
  VERIFIER_CHECK(check_record(leaf));
  auto& [name, account] = *legs_.front();
  if (!has_floor(name)) return because(name, " has no floor");
  if (leaf.facts.floor < 0) return because("a floor of ", amount_text(leaf.facts.floor));
  account.floor = leaf.facts.floor;
  return check_floor(name, account);
}

Check Book::close(const Leaf& leaf) {
  VERIFIER_CHECK(check_record(leaf));
  auto& [name, account] = *legs_.front();
  if (account.balance != 0)
    return because(name, " is closed with a balance of ", amount_text(account.balance));
  account.is_closed = true;
  return check_no_hold(name, account);
}

Check Book::retire(const Leaf& leaf) {
  VERIFIER_CHECK(check_record(leaf));
  auto& [name, account] = *legs_.front();
  if (!is_bot_account(name)) return because(name, " is not a bot's account");
  account.is_closed = true;
  return check_no_hold(name, account);
}

Check Book::liquidate(const Leaf& leaf) {
  const auto place = find_bot_leg(leaf, {treasury_account});
  if (!place) return std::unexpected(place.error());
  auto& [name, account] = *legs_[*place];
  if (Int128{account.balance} + leaf.legs[*place].amount != 0)
    return because("it takes ", amount_text_of(-Int128{leaf.legs[*place].amount}), " from ", name,
                   ", which has ", amount_text(account.balance));
  account.is_closed = true;
  return check_no_hold(name, account);
}

Check Book::revive(const Leaf& leaf) {
  const auto place = find_bot_leg(leaf, {treasury_account, world_account});
  if (!place) return std::unexpected(place.error());
  if (leaf.legs[*place].amount < 0) return because("it takes from ", legs_[*place]->first);
  legs_[*place]->second.is_closed = false;
  return {};
}

Check Book::reopen(const Leaf& leaf) {
  VERIFIER_CHECK(check_record(leaf));
  legs_.front()->second.is_closed = false;
  return {};
}

Check Book::move_money(const Leaf& leaf) {
  for (std::size_t i = 0; i < legs_.size(); ++i) {
    auto& [name, account] = *legs_[i];
    const std::int64_t amount = leaf.legs[i].amount;
    const Int128 balance = Int128{account.balance} + amount;
    if (!fits(balance)) return because("the balance of ", name, " would not fit 64 bits");
    account.balance = static_cast<std::int64_t>(balance);
    // A liquidation takes all there is, whatever the floor.
    if (amount < 0 && leaf.type != EntryType::LIQUIDATION)
      VERIFIER_CHECK(check_floor(name, account));
  }
  return {};
}

Check Book::check_total() const {
  Int128 total = 0;
  for (const auto& [name, account] : accounts_) total += account.balance;
  if (total != 0) return because("all balances together are not zero");
  return {};
}

std::vector<std::pair<std::string_view, const Account*>> Book::sorted_accounts() const {
  std::vector<std::pair<std::string_view, const Account*>> sorted;
  sorted.reserve(accounts_.size());
  for (const auto& [name, account] : accounts_) sorted.emplace_back(name, &account);
  std::ranges::sort(sorted, {}, [](const auto& entry) { return entry.first; });
  return sorted;
}

}  // namespace guild::verifier
