#include "ledgerd/economy/tick.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/text.hpp"
#include "ledgerd/economy/market.hpp"

namespace guild::ledgerd::economy {
namespace {

using messages::EntryType;
using messages::MarketKind;

Money less(Money from, Money amount) { return Money::of_units(from.units() - amount.units()); }

/// One tick being decided.
class Deciding {
 public:
  Deciding(const Constants& constants, const TickFacts& facts, const Intents& intents)
      : constants_(constants), facts_(facts), intents_(intents) {
    decision_.fee = fee_after(constants, facts.streak);
  }

  TickDecision run() {
    if (intents_.error)
      fail_tick(*intents_.error);
    else if (facts_.available < decision_.fee)
      end_life();
    else
      take_turn();
    return std::move(decision_);
  }

 private:
  bool is_enforced() const { return constants_.mode == Mode::enforce; }
  std::string reference(std::string_view what = {}) const {
    return what.empty() ? fmt::format("TICK:{}", facts_.tick_id)
                        : fmt::format("TICK:{}:{}", facts_.tick_id, what);
  }
  std::string reference(std::string_view what, const Uuid& market) const {
    return fmt::format("TICK:{}:{}:{}", facts_.tick_id, what, market.text());
  }
  void drop(std::string intent, std::string reason) {
    decision_.dropped.push_back({std::move(intent), std::move(reason)});
  }
  void act(Action action) { decision_.actions.push_back(std::move(action)); }

  /// A decision that failed costs the base, and a bot that cannot pay it is dead.
  void fail_tick(const std::string& kind) {
    decision_.fee = constants_.entropy_base;
    if (facts_.available < decision_.fee) return end_life();
    if (is_enforced())
      act(Heartbeat{.fee = decision_.fee,
                    .type = EntryType::HEARTBEAT,
                    .reference = reference("ERROR:" + kind)});
  }

  void end_life() {
    if (is_enforced())
      act(Liquidate{reference("LIQUIDATION")});
    else
      decision_.would_liquidate = true;
    const std::string_view reason = is_enforced() ? "liquidated" : "would_liquidate";
    if (intents_.research) drop("research", std::string(reason));
    for (std::size_t i = 0; i < intents_.bets.size(); ++i)
      drop(fmt::format("bets[{}]", i), std::string(reason));
    if (intents_.wager) drop("wager", std::string(reason));
  }

  void take_turn() {
    left_ = less(facts_.available, decision_.fee);
    bets_left_ = share_of(left_, constants_.bets_share_max);
    if (intents_.research) drop_or("research", answer(*intents_.research));
    for (std::size_t i = 0; i < intents_.bets.size(); ++i)
      drop_or(fmt::format("bets[{}]", i), bet(intents_.bets[i]));
    if (intents_.wager) drop_or("wager", wager(*intents_.wager));
    if (!fee_is_carried_) close();
  }

  void drop_or(std::string intent, std::string_view reason) {
    if (!reason.empty()) drop(std::move(intent), std::string(reason));
  }

  void close() {
    act(is_enforced()
            ? Heartbeat{.fee = decision_.fee,
                        .type = EntryType::HEARTBEAT,
                        .reference = reference()}
            : Heartbeat{.fee = {}, .type = EntryType::HEARTBEAT_OBSERVE, .reference = reference()});
  }

  /// Takes `amount` of what this tick may still spend.
  bool spend(Money amount) {
    if (left_ < amount) return false;
    left_ = less(left_, amount);
    decision_.is_idle = false;
    return true;
  }

  // Each of these answers why the intent is dropped; nothing when it stands.

  std::string_view answer(const ResearchIntent& intent) {
    const auto found = facts_.markets.find(intent.market);
    if (found == facts_.markets.end()) return "market_unknown";
    const MarketFacts& market = found->second;
    if (market.kind != MarketKind::research) return "market_unfit";
    if (!market.is_open) return "CLOSED";
    // A lookup that was made must be payable, whether it succeeded is known later.
    const Money lookup = intent.lookup == Lookup::none ? Money{} : constants_.lookup_fee;
    if (less(left_, constants_.research_stake) < lookup) return "funds_short";
    spend(constants_.research_stake);
    if (intent.lookup == Lookup::hit) pay_lookup();
    act(Answer{.market = intent.market,
               .is_right = hash_of_answer(intent.answer) == market.answer_hash,
               .stake = constants_.research_stake,
               .bounty = market.bounty,
               .reference = reference("RESEARCH", intent.market),
               .win_reference = reference("RESEARCH_WIN", intent.market)});
    return {};
  }

  void pay_lookup() {
    ++decision_.tools;
    spend(constants_.lookup_fee);
    // A fee and no stake: in observe mode it is only counted.
    if (is_enforced() && constants_.lookup_fee.is_positive())
      act(PayLookup{.fee = constants_.lookup_fee, .reference = reference("TOOL_FEE")});
  }

  std::string_view bet(const BetIntent& intent) {
    if (facts_.available < constants_.funds_min) return "funds_short";
    const auto found = facts_.markets.find(intent.market);
    if (found == facts_.markets.end()) return "market_unknown";
    const MarketFacts& market = found->second;
    if (market.kind == MarketKind::research) return "market_unfit";
    if (!market.is_open) return "market_closed";
    if (bet_on_.contains(intent.market)) return "market_repeated";
    if (std::ranges::find(market.outcomes, intent.outcome) == market.outcomes.end())
      return "outcome_unknown";
    const std::int64_t step = Money::units_per_one / confidence_one;
    if (intent.confidence * step <= constants_.confidence_min.units()) return "confidence_low";
    if (std::cmp_greater_equal(bet_on_.size(), constants_.bets_max.value)) return "bets_full";
    if (market.is_full) return "market_full";
    return stake(intent);
  }

  std::string_view stake(const BetIntent& intent) {
    const Money stake =
        std::min(stake_of(facts_.available, intent.confidence, constants_.bet_share), bets_left_);
    if (stake < constants_.bet_min) return "stake_small";
    if (!spend(stake)) return "funds_short";
    bets_left_ = less(bets_left_, stake);
    bet_on_.insert(intent.market);
    act(Bet{.market = intent.market,
            .outcome = intent.outcome,
            .stake = stake,
            .reference = reference("MARKET", intent.market)});
    return {};
  }

  std::string_view wager(const WagerIntent& intent) {
    if (!decision_.is_idle) return "not_alone";
    if (!intent.amount.is_positive()) return "amount_not_positive";
    if (left_ < constants_.funds_min) return "funds_short";
    if (!facts_.price) return "price_stale";
    const Money most = share_of(left_, constants_.wager_share_max);
    const Money stake = std::min(std::max(intent.amount, constants_.bet_min), most);
    if (stake < constants_.bet_min) return "stake_small";
    // The bank's side is put into escrow with the bot's: nothing is bet off the book.
    if (facts_.treasury < stake) return "treasury_short";
    spend(stake);
    fee_is_carried_ = is_enforced();
    act(PlaceWager{.symbol = intent.symbol,
                   .direction = intent.direction,
                   .stake = stake,
                   .price = *facts_.price,
                   .fee = fee_is_carried_ ? decision_.fee : Money{},
                   .reference = reference()});
    return {};
  }

  const Constants& constants_;
  const TickFacts& facts_;
  const Intents& intents_;
  TickDecision decision_;
  Money left_;       // To be spent, the fee put aside.
  Money bets_left_;  // Of it, on bets.
  std::set<Uuid> bet_on_;
  bool fee_is_carried_ = false;
};

}  // namespace

Money fee_after(const Constants& constants, std::int64_t streak) {
  const Int128 fee = Int128{constants.entropy_base.units()} +
                     Int128{constants.idle_penalty.units()} * (streak / constants.idle_every);
  return fee < constants.fee_cap.units() ? Money::of_units(static_cast<std::int64_t>(fee))
                                         : constants.fee_cap;
}

Money stake_of(Money balance, std::int64_t confidence, Money share) {
  const Int128 product = Int128{balance.units()} * confidence * share.units();
  return Money::of_units(
      static_cast<std::int64_t>(product / confidence_one / Money::units_per_one));
}

Money share_of(Money amount, Money share) {
  const Int128 product = Int128{amount.units()} * share.units();
  return Money::of_units(static_cast<std::int64_t>(product / Money::units_per_one));
}

TickDecision decide(const Constants& constants, const TickFacts& facts, const Intents& intents) {
  return Deciding(constants, facts, intents).run();
}

Result<void> check_tick_id(std::string_view tick_id) {
  constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  if (!tick_id.empty() && tick_id.find_first_not_of(allowed) == std::string_view::npos) return {};
  return guild::fail(ErrorKind::invalid, "tick_id_format",
                     fmt::format("{} is not the id of a tick", guild::quoted(tick_id)),
                     "give it 1 to 40 of A-Z a-z 0-9 - _ .");
}

}  // namespace guild::ledgerd::economy
