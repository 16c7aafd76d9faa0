#include "ledgerd/economy/market.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/base/bytes.hpp"
#include "common/base/text.hpp"

namespace guild::ledgerd::economy {
namespace {

using messages::MarketKind;

std::unexpected<Error> unfit(std::string message) {
  return fail(ErrorKind::invalid, "market_unfit", std::move(message),
              "`guild market open --help` shows what each kind has");
}

Result<void> check_research(const messages::OpenMarket& request) {
  if (!request.answer || trimmed(request.answer->view()).empty())
    return unfit("a research market has an answer");
  if (request.bounty && !request.bounty->is_positive())
    return unfit("the bounty of a research market is above zero");
  if (!request.outcomes.empty()) return unfit("a research market has no outcomes");
  if (request.symbol) return unfit("a research market has no symbol");
  return {};
}

Result<void> check_judged(const messages::OpenMarket& request) {
  if (request.answer || request.bounty || request.symbol)
    return unfit("a judged market has outcomes, and no answer, bounty or symbol");
  if (request.outcomes.size() < 2) return unfit("a judged market has two outcomes or more");
  std::set<std::string_view> seen;
  for (const auto& outcome : request.outcomes)
    if (outcome.empty() || !seen.insert(outcome.view()).second)
      return unfit(fmt::format("outcome {} is empty or there twice", quoted(outcome.view())));
  return {};
}

Result<void> check_price(const messages::OpenMarket& request) {
  if (request.answer || request.bounty || !request.outcomes.empty())
    return unfit("a price market has a symbol, and no answer, bounty or outcomes");
  if (!request.symbol) return unfit("a price market has a symbol");
  return check_symbol(request.symbol->view());
}

Result<void> check_kind(const messages::OpenMarket& request) {
  if (request.kind != MarketKind::price && trimmed(request.question.view()).empty())
    return unfit("a market asks a question");
  switch (request.kind) {
    case MarketKind::research:
      return check_research(request);
    case MarketKind::judged:
      return check_judged(request);
    case MarketKind::price:
      return check_price(request);
  }
  return {};
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

Digest hash_of_answer(std::string_view answer) { return sha256(as_bytes(trimmed(answer))); }

std::optional<Direction> moved(Money from, Money to) {
  if (from == to) return {};
  return to > from ? Direction::up : Direction::down;
}

std::string_view outcome_of(Direction direction) {
  return direction == Direction::up ? up_outcome : down_outcome;
}

namespace {

Settlement refund(std::span<const Stake> stakes) {
  std::map<std::string, std::int64_t> by_bot;
  for (const Stake& stake : stakes) by_bot[stake.bot] += stake.amount.units();
  Settlement settlement{.is_refund = true, .shares = {}, .remainder = {}};
  for (const auto& [bot, units] : by_bot)
    settlement.shares.push_back({.bot = bot, .amount = Money::of_units(units)});
  return settlement;
}

}  // namespace

Settlement settle(std::span<const Stake> stakes, const std::optional<std::string>& outcome) {
  Int128 pool = 0, won = 0;
  std::map<std::string, Int128> winners;
  for (const Stake& stake : stakes) {
    pool += stake.amount.units();
    if (!outcome || stake.outcome != *outcome) continue;
    won += stake.amount.units();
    winners[stake.bot] += stake.amount.units();
  }
  if (won == 0) return refund(stakes);
  Settlement settlement;
  Int128 left = pool;
  for (const auto& [bot, staked] : winners) {
    // At least what was staked, since the pool holds all that won.
    const Int128 share = pool * staked / won;
    left -= share;
    settlement.shares.push_back(
        {.bot = bot, .amount = Money::of_units(static_cast<std::int64_t>(share))});
  }
  settlement.remainder = Money::of_units(static_cast<std::int64_t>(left));
  return settlement;
}

Duration settle_again_after(std::int64_t refusals) {
  constexpr Duration first = std::chrono::seconds(1), last = std::chrono::minutes(10);
  constexpr std::int64_t doublings_max = 10;
  return std::min(first * (1 << std::clamp<std::int64_t>(refusals - 1, 0, doublings_max)), last);
}

Result<void> check_market(const messages::OpenMarket& request, const Constants& constants) {
  GUILD_CHECK(check_kind(request));
  if (!request.deadline) return {};
  if (*request.deadline > Duration::zero() && *request.deadline <= constants.deadline_max)
    return {};
  return fail(ErrorKind::invalid, "deadline_unfit",
              fmt::format("a market ends in {} at most", to_text(constants.deadline_max)),
              "give it a time above zero and up to that");
}

Result<void> check_symbol(std::string_view symbol) {
  constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";
  if (!symbol.empty() && symbol.find_first_not_of(allowed) == std::string_view::npos) return {};
  return fail(ErrorKind::invalid, "symbol_format",
              fmt::format("{} is not a symbol", quoted(symbol)),
              "give it 1 to 32 of A-Z a-z 0-9 - _ . /");
}

Duration stale_after(const Constants& constants) {
  return constants.price_every * constants.price_stale_after.value;
}

std::string post_text(std::string_view text) {
  constexpr std::size_t characters_max = 280;
  const auto begins = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; };
  std::size_t characters = 0, cut = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!begins(text[i])) continue;
    if (++characters == characters_max) cut = i;
    if (characters > characters_max) return std::string(text.substr(0, cut)) + "…";
  }
  return std::string(text);
}

}  // namespace guild::ledgerd::economy
