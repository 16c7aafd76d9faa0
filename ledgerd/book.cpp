#include "ledgerd/book.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <utility>

#include "common/base/assert.hpp"
#include "ledgerd/keyed_hasher.hpp"

namespace guild::ledgerd {
namespace {

std::unexpected<Refusal> refuse(TransferError error, std::string_view account = {},
                                Money available = {}) {
  return std::unexpected(
      Refusal{.error = error, .account = std::string(account), .available = available});
}

std::expected<void, Refusal> check_shape(const Draft& draft) {
  const auto& legs = draft.legs;
  if (legs.empty() || legs.size() > legs_max || sum_of(legs) != 0)
    return refuse(TransferError::legs_unbalanced);
  for (auto leg = legs.begin(); leg != legs.end(); ++leg) {
    if (leg->amount.is_zero() && legs.size() > 1) return refuse(TransferError::legs_unbalanced);
    if (leg->reference.size() > reference_size_max)
      return refuse(TransferError::reference_too_long, leg->account);
    const auto is_same = [&](const DraftLeg& other) { return other.account == leg->account; };
    if (std::any_of(legs.begin(), leg, is_same))
      return refuse(TransferError::same_account, leg->account);
  }
  return {};
}

/// Builds a decision leg by leg, against the accounts as they are.
class Deciding {
 public:
  Deciding(const Accounts& accounts, const Draft& draft) : accounts_(accounts), draft_(draft) {}

  std::expected<Decision, Refusal> decide(const ChainHead& head, Instant now) {
    for (const std::string& name : draft_.opens) GUILD_CHECK(open(name));
    decision_.posting = {.seq = head.seq + 1, .id = draft_.id, .time = now, .legs = {}, .hash = {}};
    decision_.posting.legs.reserve(draft_.legs.size());
    for (const DraftLeg& leg : draft_.legs) GUILD_CHECK(add(leg));
    return std::move(decision_);
  }

 private:
  std::expected<void, Refusal> open(const std::string& name) {
    if (accounts_.find(name) != 0) return refuse(TransferError::account_exists, name);
    if (accounts_.size() + decision_.opens.size() >= accounts_max)
      return refuse(TransferError::accounts_full, name);
    decision_.opens.push_back(name);
    return {};
  }

  std::expected<void, Refusal> add(const DraftLeg& leg) {
    const AccountNumber number = accounts_.find(leg.account);
    if (number == 0) return add_to_new(leg);
    const Account& account = accounts_.at(number);
    if (account.is_closed) return refuse(TransferError::account_closed, leg.account);
    return add(leg, number, account.kind, account.state);
  }

  std::expected<void, Refusal> add_to_new(const DraftLeg& leg) {
    const auto kind = account_kind(leg.account);
    if (!kind) return refuse_unknown(leg);
    auto opened = std::ranges::find(decision_.opens, leg.account);
    if (opened == decision_.opens.end()) {
      if (leg.amount.is_negative() || !opens_at_first_credit(*kind)) return refuse_unknown(leg);
      GUILD_CHECK(open(leg.account));
      opened = decision_.opens.end() - 1;
    }
    const auto place = static_cast<std::size_t>(opened - decision_.opens.begin());
    return add(leg, static_cast<AccountNumber>(accounts_.size() + place + 1), *kind, {});
  }

  static std::unexpected<Refusal> refuse_unknown(const DraftLeg& leg) {
    return refuse(leg.amount.is_negative() ? TransferError::debit_account_unknown
                                           : TransferError::credit_account_unknown,
                  leg.account);
  }

  std::expected<void, Refusal> add(const DraftLeg& leg, AccountNumber number, AccountKind kind,
                                   const AccountState& state) {
    const auto after = state.balance.plus(leg.amount);
    if (!after) return refuse(TransferError::balance_overflow, leg.account);
    if (leg.amount.is_negative() && after->is_negative() && !may_go_negative(kind))
      return refuse(TransferError::funds_short, leg.account, state.balance);
    decision_.posting.legs.push_back({.account = number,
                                      .amount = leg.amount,
                                      .type = leg.type,
                                      .reference = leg.reference,
                                      .account_seq = state.entries + 1,
                                      .previous_seq = state.last_seq});
    return {};
  }

  const Accounts& accounts_;
  const Draft& draft_;
  Decision decision_;
};

}  // namespace

struct Book::Ids {
  boost::unordered_flat_map<Uuid, std::int64_t, KeyedHasher> seq_by_id;
};

Book::Book() : ids_(std::make_unique<Ids>()) {}
Book::~Book() = default;
Book::Book(Book&&) noexcept = default;
Book& Book::operator=(Book&&) noexcept = default;

std::size_t Book::ids() const { return ids_->seq_by_id.size(); }

std::int64_t Book::seq_of(const Uuid& id) const {
  const auto found = ids_->seq_by_id.find(id);
  return found == ids_->seq_by_id.end() ? 0 : found->second;
}

Int128 Book::total() const {
  Int128 total = 0;
  for (std::size_t number = 1; number <= accounts_.size(); ++number)
    total += accounts_.at(static_cast<AccountNumber>(number)).state.balance.units();
  return total;
}

std::expected<Decision, Refusal> Book::decide(const Draft& draft, Instant now) const {
  GUILD_ASSERT(seq_of(draft.id) == 0);
  GUILD_CHECK(check_shape(draft));
  return Deciding(accounts_, draft).decide(head_, now);
}

std::expected<void, Refusal> Book::check_repeat(const Draft& draft, const Posting& earlier) const {
  const auto is_same = [this](const DraftLeg& asked, const Leg& booked) {
    return asked.account == accounts_.at(booked.account).name && asked.amount == booked.amount &&
           asked.type == booked.type && asked.reference == booked.reference;
  };
  if (draft.id == earlier.id && std::ranges::equal(draft.legs, earlier.legs, is_same)) return {};
  return refuse(TransferError::id_reused);
}

const Posting& Book::apply(Decision decision) {
  GUILD_ASSERT(decision.posting.seq == head_.seq + 1);
  for (const std::string& name : decision.opens) group_.opened.push_back(accounts_.open(name));
  Posting& posting = group_.postings.emplace_back(std::move(decision.posting));
  posting.hash = hash_of(posting, accounts_, head_);
  for (const Leg& leg : posting.legs)
    undo_.push_back({leg.account, accounts_.at(leg.account).state});
  link(posting, accounts_, head_);
  ids_->seq_by_id.emplace(posting.id, posting.seq);
  return posting;
}

Book::Mark Book::mark() const {
  return {.postings = group_.postings.size(),
          .states = undo_.size(),
          .opened = group_.opened.size(),
          .head = head_};
}

void Book::undo_to(const Mark& mark) {
  for (; undo_.size() > mark.states; undo_.pop_back())
    accounts_.at(undo_.back().account).state = undo_.back().state;
  for (; group_.postings.size() > mark.postings; group_.postings.pop_back())
    ids_->seq_by_id.erase(group_.postings.back().id);
  for (; group_.opened.size() > mark.opened; group_.opened.pop_back()) accounts_.take_back_last();
  head_ = mark.head;
}

void Book::rollback() { undo_to({.postings = 0, .states = 0, .opened = 0, .head = group_start_}); }

Book::Group Book::commit() {
  for (const Posting& posting : group_.postings) tree_.append(posting.hash);
  undo_.clear();
  group_start_ = head_;
  return std::exchange(group_, {});
}

void Book::restore_account(std::string_view name) { accounts_.open(name); }

std::expected<void, Fault> Book::restore(const Posting& posting) {
  if (auto fault = find_fault(posting, accounts_, head_)) return std::unexpected(std::move(*fault));
  if (!ids_->seq_by_id.emplace(posting.id, posting.seq).second)
    return std::unexpected(Fault{.seq = posting.seq, .problem = "its id was used before"});
  link(posting, accounts_, head_);
  tree_.append(posting.hash);
  group_start_ = head_;
  return {};
}

void Book::set_closed(AccountNumber account, bool is_closed) {
  accounts_.at(account).is_closed = is_closed;
}

}  // namespace guild::ledgerd
