#include "ledgerd/settling.hpp"

#include <fmt/format.h>

#include "ledgerd/escrow.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/store_arena.hpp"

namespace guild::ledgerd {
namespace {

using economy::Constants;
using messages::EntryType;
using messages::MarketKind;
using messages::MarketStatus;
using messages::PostKind;

/// Pays what the settlement says out of the market's escrow.
Result<void> pay(Transaction& transaction, const messages::Market& market,
                 const economy::Settlement& settlement) {
  const EntryType type = settlement.is_refund ? EntryType::MARKET_REFUND : EntryType::MARKET_PAYOUT;
  Payment payment(market_account(market.market), type, market_reference(market.market));
  for (const economy::Share& share : settlement.shares) {
    payment.add(transaction, share);
    if (payment.is_full()) GUILD_CHECK(payment.book(transaction));
  }
  payment.add_to_treasury(settlement.remainder);
  return payment.book(transaction);
}

std::string outcome_of(const messages::Market& market) {
  return market.outcome.value_or(Text<64>()).value;
}

/// A market asks for its question, a price market for where its symbol goes.
std::string subject_of(const messages::Market& market) {
  if (market.kind == MarketKind::price) return "the price of " + symbol_of(market);
  return market.question.value;
}

Result<void> tell_results(Transaction& transaction, const messages::Market& market,
                          const economy::Settlement& settlement,
                          std::span<const economy::Stake> stakes) {
  for (const economy::Share& share : settlement.shares) {
    const std::string text =
        settlement.is_refund
            ? fmt::format("{} gets {} back: {}", share.bot, share.amount.text(), subject_of(market))
            : fmt::format("{} wins {} on {}: {}", share.bot, share.amount.text(),
                          outcome_of(market), subject_of(market));
    GUILD_CHECK(tell(transaction, PostKind::RESULT, share.bot, text));
    if (!settlement.is_refund) GUILD_CHECK(store::add_win(transaction.file(), share.bot));
  }
  if (settlement.is_refund) return {};
  for (const economy::Stake& stake : stakes) {
    if (stake.outcome == outcome_of(market)) continue;
    GUILD_CHECK(tell(transaction, PostKind::RESULT, stake.bot,
                     fmt::format("{} loses {} on {}: {}", stake.bot, stake.amount.text(),
                                 stake.outcome, subject_of(market))));
    GUILD_CHECK(note_loss(transaction, stake.bot,
                          fmt::format("lost {} on {}, it was {}: {}", stake.amount.text(),
                                      stake.outcome, outcome_of(market), subject_of(market))));
  }
  return {};
}

}  // namespace

Result<messages::Market> end_staked(Transaction& transaction, messages::Market market,
                                    std::optional<std::string> outcome,
                                    std::optional<Money> close_price) {
  GUILD_TRY(const auto stakes, store::stakes_of(transaction.file(), market.number));
  const economy::Settlement settlement = economy::settle(stakes, outcome);
  market.status = outcome ? MarketStatus::RESOLVED : MarketStatus::REFUNDED;
  market.close_price = close_price;
  market.ended_at = transaction.now();
  if (outcome) market.outcome = *std::move(outcome);
  GUILD_CHECK(pay(transaction, market, settlement));
  GUILD_CHECK(tell_results(transaction, market, settlement, stakes));
  GUILD_CHECK(close_escrow(transaction, market.market));
  GUILD_CHECK(store::end_market(transaction.file(), market));
  return market;
}

namespace {

/// Nobody answered in time: the bounty goes back.
Result<void> end_research(Transaction& transaction, messages::Market market) {
  Payment payment(market_account(market.market), EntryType::MARKET_REFUND,
                  market_reference(market.market));
  payment.add_to_treasury(market.bounty);
  GUILD_CHECK(payment.book(transaction));
  GUILD_CHECK(close_escrow(transaction, market.market));
  market.status = MarketStatus::REFUNDED;
  market.ended_at = transaction.now();
  return store::end_market(transaction.file(), market);
}

/// At its deadline, by the last price that was fresh then.
Result<void> end_price(Transaction& transaction, const Constants& constants,
                       const messages::Market& market) {
  GUILD_TRY(const auto last,
            store::price_until(transaction.file(), symbol_of(market), market.deadline));
  std::optional<std::string> outcome;
  std::optional<Money> close_price;
  if (last && last->time >= market.opened_at &&
      market.deadline - last->time <= economy::stale_after(constants)) {
    close_price = last->price;
    if (const auto direction = economy::moved(market.open_price.value_or(Money()), last->price))
      outcome = economy::outcome_of(*direction);
  }
  GUILD_CHECK(end_staked(transaction, market, std::move(outcome), close_price));
  return {};
}

Result<void> end_at_deadline(Transaction& transaction, const Constants& constants, const Uuid& id) {
  GUILD_TRY(const store::MarketRow row, market_of(transaction.file(), id));
  switch (row.market.kind) {
    case MarketKind::research:
      return end_research(transaction, row.market);
    case MarketKind::judged:
      GUILD_CHECK(end_staked(transaction, row.market, {}));
      return {};
    case MarketKind::price:
      return end_price(transaction, constants, row.market);
  }
  return {};
}

// ---- wagers

enum class WagerEnd { won, lost, refunded };

std::string wager_reference(const store::WagerRow& wager) {
  if (wager.id.starts_with(observation_prefix)) return wager.id;
  return fmt::format("TICK:{}:WAGER", wager.id);
}

Result<void> pay_wager(Transaction& transaction, const store::WagerRow& wager, WagerEnd end) {
  const bool is_refund = end == WagerEnd::refunded;
  Payment payment(std::string(wagers_account),
                  is_refund ? EntryType::MARKET_REFUND : EntryType::MARKET_PAYOUT,
                  wager_reference(wager));
  const Money both = Money::of_units(2 * wager.stake.units());
  if (end == WagerEnd::won) payment.add(transaction, {wager.bot, both});
  if (end == WagerEnd::lost) payment.add_to_treasury(both);
  if (is_refund) {
    payment.add(transaction, {wager.bot, wager.stake});
    payment.add_to_treasury(wager.stake);
  }
  return payment.book(transaction);
}

Result<void> tell_wager(Transaction& transaction, const store::WagerRow& wager, WagerEnd end) {
  const std::string_view how = economy::outcome_of(wager.direction);
  std::string text;
  if (end == WagerEnd::won)
    text = fmt::format("{} wins {} on {} {}", wager.bot,
                       Money::of_units(2 * wager.stake.units()).text(), wager.symbol, how);
  else if (end == WagerEnd::lost)
    text = fmt::format("{} loses {} on {} {}", wager.bot, wager.stake.text(), wager.symbol, how);
  else
    text =
        fmt::format("{} gets {} back on {} {}", wager.bot, wager.stake.text(), wager.symbol, how);
  return tell(transaction, PostKind::RESULT, wager.bot, text);
}

Result<void> note_lost_wager(Transaction& transaction, const store::WagerRow& wager,
                             Money close_price) {
  return store::save_loss(
      transaction.file(), wager.bot, transaction.now(),
      fmt::format("lost {} on {} {}: the price went from {} to {}", wager.stake.text(),
                  wager.symbol, economy::outcome_of(wager.direction), wager.open_price.text(),
                  close_price.text()));
}

Result<void> end_wager(Transaction& transaction, const store::WagerRow& wager,
                       std::optional<Money> close_price) {
  WagerEnd end = WagerEnd::refunded;
  if (close_price)
    if (const auto direction = economy::moved(wager.open_price, *close_price))
      end = *direction == wager.direction ? WagerEnd::won : WagerEnd::lost;
  constexpr std::string_view names[] = {"WON", "LOST", "REFUNDED"};
  GUILD_CHECK(pay_wager(transaction, wager, end));
  GUILD_CHECK(tell_wager(transaction, wager, end));
  if (end == WagerEnd::won) GUILD_CHECK(store::add_win(transaction.file(), wager.bot));
  if (end == WagerEnd::lost)
    GUILD_CHECK(note_lost_wager(transaction, wager, close_price.value_or(Money())));
  return store::end_wager(transaction.file(), wager.number, names[static_cast<std::size_t>(end)],
                          close_price);
}

/// By the first price from its horizon on; without one in time it is given back.
Result<bool> settle_wager(Transaction& transaction, const store::WagerRow& wager) {
  GUILD_TRY(const auto price, store::price_since(transaction.file(), wager.symbol, wager.due_at));
  const bool in_time = price && price->time <= wager.refund_at;
  if (!in_time && transaction.now() < wager.refund_at) {
    GUILD_CHECK(store::put_wager_off(transaction.file(), wager.number, wager.refund_at));
    return false;
  }
  GUILD_CHECK(end_wager(transaction, wager, in_time ? std::optional(price->price) : std::nullopt));
  return true;
}

}  // namespace

Result<Settled> settle_wagers(Transaction& transaction) {
  GUILD_TRY(const auto due,
            store::wagers_due(transaction.file(), transaction.now(), settled_at_once));
  Settled settled;
  for (const store::WagerRow& wager : due) {
    bool ended = false;
    const auto settle = [&]() -> Result<void> {
      GUILD_TRY(ended, settle_wager(transaction, wager));
      return {};
    };
    GUILD_TRY(const auto refused, transaction.attempt(settle));
    if (!refused) {
      settled.ended += ended ? 1 : 0;
      continue;
    }
    const std::int64_t refusals = wager.refusals + 1;
    GUILD_CHECK(
        store::note_wager_refused(transaction.file(), wager.number, refusals,
                                  transaction.now() + economy::settle_again_after(refusals)));
    settled.refused.push_back(
        {fmt::format("wager {} of {}", wager.id, wager.bot), refusals, *refused});
  }
  return settled;
}

Result<Settled> settle_due(Transaction& transaction, const Constants& constants) {
  GUILD_TRY(Settled settled, settle_wagers(transaction));
  GUILD_TRY(auto due, store::markets_due(transaction.file(), transaction.now(), settled_at_once));
  for (store::DueMarket& market : due) {
    const auto end = [&] { return end_at_deadline(transaction, constants, market.market); };
    GUILD_TRY(const auto refused, transaction.attempt(end));
    if (!refused) {
      ++settled.ended;
      continue;
    }
    ++market.refusals;
    GUILD_CHECK(
        store::put_market_off(transaction.file(), market,
                              transaction.now() + economy::settle_again_after(market.refusals)));
    settled.refused.push_back({"market " + market.market.text(), market.refusals, *refused});
  }
  return settled;
}

}  // namespace guild::ledgerd
