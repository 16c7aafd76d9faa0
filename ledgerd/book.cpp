#include "ledgerd/book.hpp"

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"
#include "ledgerd/rules.hpp"

namespace guild::ledgerd {
namespace {

std::unexpected<Refusal> refuse(TransferError error, std::string_view account = {},
                                Money available = {}) {
  return std::unexpected(
      Refusal{.error = error, .account = std::string(account), .available = available});
}

/// Makes a posting of a draft, opening on the way the accounts that it opens.
class Drafting {
 public:
  Drafting(Standing& standing, const Draft& draft) : standing_(standing), draft_(draft) {}

  std::expected<Posting, Refusal> posting(Instant now) {
    for (const std::string& name : draft_.opens) GUILD_CHECK(open(name));
    Posting posting{.seq = standing_.head.seq + 1,
                    .id = draft_.id,
                    .time = now,
                    .legs = {},
                    .facts = {},
                    .hash = {}};
    posting.legs.reserve(draft_.legs.size());
    for (const DraftLeg& leg : draft_.legs) GUILD_CHECK(add(leg, posting.legs));
    GUILD_CHECK(add_facts(posting));
    return posting;
  }

  std::vector<AccountNumber> opened;

 private:
  std::expected<void, Refusal> open(const std::string& name) {
    if (standing_.accounts.find(name) != 0) return refuse(TransferError::account_exists, name);
    if (standing_.accounts.size() >= accounts_max)
      return refuse(TransferError::accounts_full, name);
    opened.push_back(standing_.accounts.open(name));
    return {};
  }

  std::expected<void, Refusal> add(const DraftLeg& leg, Legs& legs) {
    AccountNumber number = standing_.accounts.find(leg.account);
    if (number == 0) {
      const auto kind = account_kind(leg.account);
      if (!leg.amount.is_positive() || !kind || !opens_at_first_credit(*kind))
        return refuse(leg.amount.is_positive() ? TransferError::credit_account_unknown
                                               : TransferError::debit_account_unknown,
                      leg.account);
      GUILD_CHECK(open(leg.account));
      number = opened.back();
    }
    const AccountState& state = standing_.accounts.at(number).state;
    legs.push_back({.account = number,
                    .amount = leg.amount,
                    .type = leg.type,
                    .reference = leg.reference,
                    .account_seq = state.entries + 1,
                    .previous_seq = state.last_seq});
    return {};
  }

  std::expected<void, Refusal> add_facts(Posting& posting) {
    if (const auto* const end = std::get_if<HoldEnd>(&draft_.facts)) posting.facts = *end;
    if (const auto* const floor = std::get_if<FloorTerms>(&draft_.facts)) posting.facts = *floor;
    const auto* const order = std::get_if<HoldOrder>(&draft_.facts);
    if (order == nullptr) return {};
    const AccountNumber credit = standing_.accounts.find(order->credit);
    if (credit == 0) return refuse(TransferError::credit_account_unknown, order->credit);
    posting.facts = HoldTerms{
        .credit = credit, .amount = order->amount, .expires_at = posting.time + order->lifetime};
    return {};
  }

  Standing& standing_;
  const Draft& draft_;
};

Refusal refusal_of(const Violation& violation, const Accounts& accounts) {
  Refusal refusal{.error = violation.error, .account = {}, .available = {}};
  if (violation.account == 0) return refusal;
  const Account& account = accounts.at(violation.account);
  refusal.account = account.name;
  refusal.available = account.state.available();
  return refusal;
}

/// Whether a booked posting says what was asked.
struct SaysTheSame {
  const Posting& booked;
  const Accounts& accounts;

  bool operator()(const HoldOrder& order) const {
    const auto* const terms = std::get_if<HoldTerms>(&booked.facts);
    return terms != nullptr && accounts.at(terms->credit).name == order.credit &&
           terms->amount == order.amount && terms->expires_at == booked.time + order.lifetime;
  }
  template <class Asked>
  bool operator()(const Asked& asked) const {
    const auto* const said = std::get_if<Asked>(&booked.facts);
    return said != nullptr && *said == asked;
  }
};

}  // namespace

Book::Book(const IdKey& key) : ids_(key) {}

Int128 Book::total() const {
  Int128 total = 0;
  for (std::size_t number = 1; number <= accounts().size(); ++number)
    total += accounts().at(static_cast<AccountNumber>(number)).state.balance.units();
  return total;
}

std::expected<const Posting*, Refusal> Book::book(const Draft& draft, Instant now) {
  Drafting drafting(standing_, draft);
  auto posting = drafting.posting(now);
  if (posting) {
    if (const auto violation = find_violation(*posting, standing_))
      posting = std::unexpected(refusal_of(*violation, accounts()));
  }
  if (!posting) {
    for (std::size_t i = drafting.opened.size(); i > 0; --i) standing_.accounts.take_back_last();
    return std::unexpected(std::move(posting.error()));
  }
  group_.opened.insert(group_.opened.end(), drafting.opened.begin(), drafting.opened.end());
  return &add(std::move(*posting));
}

std::expected<const Posting*, Refusal> Book::book(const Move& move, Instant now) {
  if (!move.amount.is_positive()) return refuse(TransferError::amount_not_positive);
  Posting posting{
      .seq = head().seq + 1, .id = move.id, .time = now, .legs = {}, .facts = {}, .hash = {}};
  const auto add_leg = [&](AccountNumber account, std::int64_t units) {
    const AccountState& state = accounts().at(account).state;
    posting.legs.push_back({.account = account,
                            .amount = Money::of_units(units),
                            .type = EntryType::TRANSFER,
                            .reference = std::string(move.reference),
                            .account_seq = state.entries + 1,
                            .previous_seq = state.last_seq});
  };
  add_leg(move.debit, -move.amount.units());
  add_leg(move.credit, move.amount.units());
  if (const auto violation = find_violation(posting, standing_))
    return std::unexpected(refusal_of(*violation, accounts()));
  return &add(std::move(posting));
}

const Posting& Book::add(Posting with) {
  Posting& posting = group_.postings.emplace_back(std::move(with));
  posting.hash = hash_of(posting, standing_);
  for (const Leg& leg : posting.legs)
    undo_.push_back({leg.account, accounts().at(leg.account).state});
  if (const auto* const end = std::get_if<HoldEnd>(&posting.facts))
    ended_.push_back({end->hold, *holds().find(end->hold)});
  link(posting, standing_);
  ids_.insert(ids_.hash_of(posting.id), posting.seq);
  return posting;
}

std::expected<void, Refusal> Book::check_repeat(const Draft& draft, const Posting& earlier) const {
  const auto is_same = [this](const DraftLeg& asked, const Leg& booked) {
    return asked.account == accounts().at(booked.account).name && asked.amount == booked.amount &&
           asked.type == booked.type && asked.reference == booked.reference;
  };
  if (draft.id == earlier.id && std::ranges::equal(draft.legs, earlier.legs, is_same) &&
      std::visit(SaysTheSame{earlier, accounts()}, draft.facts))
    return {};
  return refuse(TransferError::id_reused);
}

std::expected<HoldToEnd, Refusal> Book::hold_to_end(std::int64_t seq) const {
  const Hold* const hold = holds().find(seq);
  if (hold == nullptr) return refuse(TransferError::hold_ended);
  return HoldToEnd{.seq = seq,
                   .debit = accounts().at(hold->debit).name,
                   .credit = accounts().at(hold->terms.credit).name};
}

Book::Mark Book::mark() const {
  return {.postings = group_.postings.size(),
          .states = undo_.size(),
          .opened = group_.opened.size(),
          .ended = ended_.size(),
          .head = head()};
}

void Book::take_back_last() {
  const Posting& posting = group_.postings.back();
  if (std::holds_alternative<HoldTerms>(posting.facts)) standing_.holds.end(posting.seq);
  if (std::holds_alternative<HoldEnd>(posting.facts)) {
    standing_.holds.open(ended_.back().seq, ended_.back().hold);
    ended_.pop_back();
  }
  ids_.erase(ids_.hash_of(posting.id), posting.seq);
  group_.postings.pop_back();
}

void Book::undo_to(const Mark& mark) {
  while (group_.postings.size() > mark.postings) take_back_last();
  for (; undo_.size() > mark.states; undo_.pop_back())
    standing_.accounts.at(undo_.back().account).state = undo_.back().state;
  for (; group_.opened.size() > mark.opened; group_.opened.pop_back())
    standing_.accounts.take_back_last();
  standing_.head = mark.head;
}

void Book::rollback() {
  undo_to({.postings = 0, .states = 0, .opened = 0, .ended = 0, .head = group_start_});
}

Book::Group Book::commit() {
  for (const Posting& posting : group_.postings) tree_.append(posting.hash);
  group_.previous_hashes.reserve(undo_.size());
  for (const Before& before : undo_) group_.previous_hashes.push_back(before.state.last_hash);
  undo_.clear();
  ended_.clear();
  group_start_ = head();
  return std::exchange(group_, {});
}

std::unordered_map<AccountNumber, AccountState> Book::states_before_group() const {
  std::unordered_map<AccountNumber, AccountState> states;
  for (const Before& before : undo_) states.try_emplace(before.account, before.state);
  return states;
}

void Book::restore_account(std::string_view name) { standing_.accounts.open(name); }

void Book::restore_state(AccountNumber account, const AccountState& state) {
  standing_.accounts.at(account).state = state;
}

void Book::restore_hold(std::int64_t seq, const Hold& hold) { standing_.holds.open(seq, hold); }

void Book::restore_id(std::uint64_t hash, std::int64_t seq) { ids_.insert(hash, seq); }

void Book::restore_head(const ChainHead& head, Tree tree) {
  standing_.head = head;
  group_start_ = head;
  tree_ = std::move(tree);
}

std::expected<void, Fault> Book::restore(const Posting& posting, const HasId& has_id) {
  if (auto fault = find_fault(posting, standing_)) return std::unexpected(std::move(*fault));
  if (ids_.find(posting.id, has_id) != 0)
    return std::unexpected(Fault{.seq = posting.seq, .problem = "its id was used before"});
  ids_.insert(ids_.hash_of(posting.id), posting.seq);
  link(posting, standing_);
  tree_.append(posting.hash);
  group_start_ = head();
  return {};
}

}  // namespace guild::ledgerd
