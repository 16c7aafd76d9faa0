#include "ledgerd/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "common/base/assert.hpp"
#include "ledgerd/leaf.hpp"

namespace guild::ledgerd {
namespace {

using Problem = std::optional<std::string>;

Problem find_shape_problem(const Posting& posting, const Accounts& accounts) {
  const auto& legs = posting.legs;
  if (legs.empty() || legs.size() > legs_max) return fmt::format("it has {} legs", legs.size());
  for (std::size_t i = 0; i < legs.size(); ++i) {
    if (legs[i].account < 1 || legs[i].account > accounts.size())
      return fmt::format("leg {} is on account number {}, which does not exist", i,
                         legs[i].account);
    if (legs[i].reference.size() > reference_size_max)
      return fmt::format("the reference of leg {} is too long", i);
    if (legs[i].amount.is_zero() && legs.size() > 1)
      return fmt::format("leg {} is zero among others", i);
    for (std::size_t j = 0; j < i; ++j)
      if (legs[j].account == legs[i].account) return "two legs are on one account";
  }
  if (sum_of(legs) != 0) return "its legs do not sum to zero";
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
  const auto after = state.balance.plus(leg.amount);
  if (!after) return fmt::format("{}: its balance overflows", account.name);
  if (after->is_negative() && !may_go_negative(account.kind))
    return fmt::format("{}: its balance goes below zero", account.name);
  return {};
}

Problem find_problem(const Posting& posting, const Accounts& accounts, const ChainHead& head) {
  if (posting.seq != head.seq + 1) return fmt::format("posting {} is missing", head.seq + 1);
  if (auto problem = find_shape_problem(posting, accounts)) return problem;
  for (const Leg& leg : posting.legs)
    if (auto problem = find_link_problem(leg, accounts.at(leg.account))) return problem;
  if (posting.hash != hash_of(posting, accounts, head))
    return "its hash is not the hash of its content and of what came before it";
  return {};
}

}  // namespace

Digest hash_of(const Posting& posting, const Accounts& accounts, const ChainHead& head) {
  boost::container::small_vector<LeafLeg, 2> legs;
  legs.reserve(posting.legs.size());
  for (const Leg& leg : posting.legs) {
    const Account& account = accounts.at(leg.account);
    legs.push_back({.account = account.name,
                    .amount = leg.amount,
                    .type = leg.type,
                    .reference = leg.reference,
                    .account_seq = leg.account_seq,
                    .previous_hash = &account.state.last_hash});
  }
  return leaf_hash(
      {.seq = posting.seq, .id = posting.id, .time = posting.time, .previous_hash = head.hash},
      {legs.data(), legs.size()});
}

std::optional<Fault> find_fault(const Posting& posting, const Accounts& accounts,
                                const ChainHead& head) {
  auto problem = find_problem(posting, accounts, head);
  if (!problem) return {};
  // A gap is the fault of the missing one.
  const std::int64_t seq = std::min(posting.seq, head.seq + 1);
  return Fault{.seq = std::max<std::int64_t>(seq, 1), .problem = std::move(*problem)};
}

void link(const Posting& posting, Accounts& accounts, ChainHead& head) {
  for (const Leg& leg : posting.legs) {
    AccountState& state = accounts.at(leg.account).state;
    const auto balance = state.balance.plus(leg.amount);
    GUILD_ASSERT(balance.has_value());
    state = {.balance = *balance,
             .entries = leg.account_seq,
             .last_seq = posting.seq,
             .last_hash = posting.hash};
  }
  head = {.seq = posting.seq, .hash = posting.hash};
}

}  // namespace guild::ledgerd
