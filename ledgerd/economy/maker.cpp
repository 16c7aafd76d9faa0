#include "ledgerd/economy/maker.hpp"

#include <algorithm>
#include <utility>

namespace guild::ledgerd::economy {
namespace {

/// Those that may be asked, in the order in which they are.
std::vector<MakerPlan::Ask> askable(const Questions& questions, const MakerFacts& facts) {
  std::vector<MakerPlan::Ask> all;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Digest& digest = questions[i].digest;
    const auto before = facts.asked.find(digest);
    const Asked asked = before == facts.asked.end() ? Asked{} : before->second;
    if (!asked.is_solved && !facts.open.contains(digest))
      all.push_back({.question = i, .times = asked.times});
  }
  // Not stable_sort: libstdc++'s calls what clang knows to be deprecated.
  std::ranges::sort(all, {},
                    [](const MakerPlan::Ask& ask) { return std::pair(ask.times, ask.question); });
  return all;
}

}  // namespace

MakerPlan plan(const Questions& questions, const MakerFacts& facts, std::int64_t open_min) {
  const std::vector<MakerPlan::Ask> all = askable(questions, facts);
  const std::int64_t wanted = std::max<std::int64_t>(open_min - facts.research_open, 0);
  MakerPlan plan;
  Money funds = facts.treasury;
  for (const MakerPlan::Ask& ask : all) {
    if (std::ssize(plan.asks) == wanted) break;
    const Money bounty = questions[ask.question].market.bounty.value_or(Money());
    if (std::ssize(plan.asks) >= facts.room) plan.lack = MakerLack::room;
    if (bounty > funds) plan.lack = MakerLack::funds;
    if (plan.lack != MakerLack::nothing) break;
    funds = Money::of_units(funds.units() - bounty.units());
    plan.asks.push_back(ask);
  }
  const bool all_are_asked = plan.asks.size() == all.size();
  if (all_are_asked && std::ssize(plan.asks) < wanted) plan.lack = MakerLack::questions;
  plan.left = std::ssize(all) - std::ssize(plan.asks);
  return plan;
}

}  // namespace guild::ledgerd::economy
