#include "ledgerd/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "common/base/assert.hpp"
#include "ledgerd/leaf.hpp"
#include "ledgerd/rules.hpp"

namespace guild::ledgerd {
namespace {

using Problem = std::optional<std::string>;

Problem find_missing_account(const Posting& posting, const Accounts& accounts) {
  for (std::size_t i = 0; i < posting.legs.size(); ++i)
    if (posting.legs[i].account < 1 || posting.legs[i].account > accounts.size())
      return fmt::format("leg {} is on account number {}, which does not exist", i,
                         posting.legs[i].account);
  const auto* const hold = std::get_if<HoldTerms>(&posting.facts);
  if (hold != nullptr && (hold->credit < 1 || hold->credit > accounts.size()))
    return fmt::format("it holds for account number {}, which does not exist", hold->credit);
  return {};
}

Problem find_link_problem(const Leg& leg, const Account& account) {
  const AccountState& state = account.state;
  if (leg.account_seq != state.entries + 1)
    return fmt::format("{}: its own sequence is {} where {} follows", account.name, leg.account_seq,
                       state.entries + 1);
  if (leg.previous_seq != state.last_seq)
    return fmt::format("{}: links to posting {} where {} is its last", account.name,
                       leg.previous_seq, state.last_seq);
  return {};
}

std::string text_of(const Violation& violation, const Accounts& accounts) {
  const std::string code = error_of(Refusal{.error = violation.error}).code;
  if (violation.account == 0) return fmt::format("it breaks the rule {}", code);
  return fmt::format("{}: it breaks the rule {}", accounts.at(violation.account).name, code);
}

Problem find_problem(const Posting& posting, const Standing& standing) {
  const ChainHead& head = standing.head;
  if (posting.seq != head.seq + 1) return fmt::format("posting {} is missing", head.seq + 1);
  if (posting.legs.empty()) return "its legs cannot be read";
  if (auto problem = find_missing_account(posting, standing.accounts)) return problem;
  for (const Leg& leg : posting.legs)
    if (auto problem = find_link_problem(leg, standing.accounts.at(leg.account))) return problem;
  if (const auto violation = find_violation(posting, standing))
    return text_of(*violation, standing.accounts);
  if (posting.hash != hash_of(posting, standing))
    return "its hash is not the hash of its content and of what came before it";
  return {};
}

/// Does `make(head, legs, facts)` with what a leaf says of the posting.
template <class Make>
auto with_leaf_of(const Posting& posting, const Standing& standing, Make make) {
  boost::container::small_vector<LeafLeg, 2> legs;
  legs.reserve(posting.legs.size());
  for (const Leg& leg : posting.legs) {
    const Account& account = standing.accounts.at(leg.account);
    legs.push_back({.account = account.name,
                    .amount = leg.amount,
                    .type = leg.type,
                    .reference = leg.reference,
                    .account_seq = leg.account_seq,
                    .previous_hash = &account.state.last_hash});
  }
  const auto* const hold = std::get_if<HoldTerms>(&posting.facts);
  const LeafFacts facts{
      posting.facts, hold == nullptr ? std::string_view()
                                     : std::string_view(standing.accounts.at(hold->credit).name)};
  const LeafHead head{.seq = posting.seq,
                      .id = posting.id,
                      .time = posting.time,
                      .previous_hash = standing.head.hash};
  return make(head, std::span<const LeafLeg>(legs.data(), legs.size()), facts);
}

Money sum(Money a, Money b) {
  const auto both = a.plus(b);
  GUILD_ASSERT(both.has_value());
  return *both;
}
Money difference(Money a, Money b) {
  const auto rest = a.minus(b);
  GUILD_ASSERT(rest.has_value());
  return *rest;
}

bool closes(const Posting& posting, const Leg& leg) {
  if (posting.type() == EntryType::LIQUIDATION) return &leg == &posting.legs.front();
  return posting.type() == EntryType::CLOSED || posting.type() == EntryType::RETIRED;
}
bool opens(const Posting& posting, const Leg& leg) {
  if (posting.type() == EntryType::REVIVE) return &leg == &posting.legs.back();
  return posting.type() == EntryType::REOPENED;
}

/// What a posting's facts do to the account of its first leg, and to the holds.
struct ApplyFacts {
  const Posting& posting;
  Standing& standing;

  void operator()(std::monostate) const {}
  void operator()(const HoldTerms& terms) const {
    state().held = sum(state().held, terms.amount);
    ++state().open_holds;
    standing.holds.open(posting.seq, {.debit = posting.legs.front().account, .terms = terms});
  }
  void operator()(const HoldEnd& end) const {
    const Hold* const hold = standing.holds.find(end.hold);
    GUILD_ASSERT(hold != nullptr);
    state().held = difference(state().held, hold->terms.amount);
    --state().open_holds;
    standing.holds.end(end.hold);
  }
  void operator()(const FloorTerms& terms) const { state().floor = terms.floor; }

  AccountState& state() const { return standing.accounts.at(posting.legs.front().account).state; }
};

}  // namespace

Digest hash_of(const Posting& posting, const Standing& standing) {
  return with_leaf_of(posting, standing,
                      [](const LeafHead& head, std::span<const LeafLeg> legs,
                         const LeafFacts& facts) { return leaf_hash(head, legs, facts); });
}

Bytes leaf_of(const Posting& posting, const Standing& standing) {
  return with_leaf_of(posting, standing,
                      [](const LeafHead& head, std::span<const LeafLeg> legs,
                         const LeafFacts& facts) { return leaf_of(head, legs, facts); });
}

std::optional<Fault> find_fault(const Posting& posting, const Standing& standing) {
  auto problem = find_problem(posting, standing);
  if (!problem) return {};
  // A gap is the fault of the missing one.
  const std::int64_t seq = std::min(posting.seq, standing.head.seq + 1);
  return Fault{.seq = std::max<std::int64_t>(seq, 1), .problem = std::move(*problem)};
}

void link(const Posting& posting, Standing& standing) {
  std::visit(ApplyFacts{posting, standing}, posting.facts);
  for (const Leg& leg : posting.legs) {
    AccountState& state = standing.accounts.at(leg.account).state;
    state.balance = sum(state.balance, leg.amount);
    state.entries = leg.account_seq;
    state.last_seq = posting.seq;
    state.last_hash = posting.hash;
    if (closes(posting, leg)) state.is_closed = true;
    if (opens(posting, leg)) state.is_closed = false;
  }
  standing.head = {.seq = posting.seq, .hash = posting.hash};
}

}  // namespace guild::ledgerd
