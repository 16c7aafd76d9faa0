// Store of the economy: every SQL statement of ticks, markets, wagers, prices, the feed and the
// meter, and nothing else, as store.hpp is of the book. The tables are in
// migrations/0004_economy.sql. Errors are those of common/storage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/messages/economy.hpp"
#include "common/storage/connection.hpp"
#include "ledgerd/bot.hpp"
#include "ledgerd/economy/market.hpp"

namespace guild::ledgerd::store {

using storage::Connection;

// ---- bots

Result<std::optional<BotRecord>> find_bot(Connection& file, std::string_view handle);

// ---- ticks

Result<std::optional<std::string>> tick_answer(Connection& file, std::string_view bot,
                                               std::string_view tick_id);

struct TickRow {
  std::string bot, tick_id;
  Instant time;
  bool enforced = false;
  Money fee;
  std::int64_t streak = 0;
  bool idle = false, would_liquidate = false;
  std::optional<std::string> error;
  std::string answer;
};
Result<void> insert_tick(Connection& file, const TickRow& tick);

struct TickTotals {
  std::int64_t ticks = 0, idle = 0, streak = 0, observed = 0;
  Money phantom_fees;
  std::int64_t would_liquidate = 0, wins = 0, tools = 0;
};
Result<TickTotals> tick_totals(Connection& file, std::string_view bot);
Result<void> save_tick_totals(Connection& file, std::string_view bot, const TickTotals& totals);
Result<void> add_win(Connection& file, std::string_view bot);
/// The last first.
Result<std::vector<messages::RecentTick>> recent_ticks(Connection& file, std::string_view bot,
                                                       std::int64_t limit);
/// Over all bots; score and verdict are not filled in.
Result<messages::Viability> count_all(Connection& file);

// ---- markets

struct MarketRow {
  messages::Market market;
  Digest content{};         ///< Of what was asked for.
  Digest answer_hash{};     ///< Of a research market; never leaves the daemon.
  std::int64_t stakes = 0;  ///< How many were placed.
};
Result<std::optional<MarketRow>> find_market(Connection& file, const Uuid& id);
Result<std::vector<messages::Market>> markets_after(Connection& file, std::int64_t after,
                                                    bool open_only, std::int64_t limit);
Result<std::int64_t> count_open_markets(Connection& file);
Result<void> insert_market(Connection& file, const MarketRow& row);
/// Writes status, close_price, ended_at, outcome and winner.
Result<void> end_market(Connection& file, const messages::Market& market);
/// Adds to the bot's stake on that outcome.
Result<void> add_stake(Connection& file, std::int64_t market, const economy::Stake& stake);
Result<std::vector<economy::Stake>> stakes_of(Connection& file, std::int64_t market);
struct DueMarket {
  Uuid market;
  std::int64_t refusals = 0;  ///< Of its settling.
};
/// Open, and to be ended: their deadline has come, or what they were put off to.
Result<std::vector<DueMarket>> markets_due(Connection& file, Instant now, std::int64_t limit);
/// Its settling was refused so often; it is not tried before `until`.
Result<void> put_market_off(Connection& file, const DueMarket& market, Instant until);

// ---- wagers and prices

struct WagerRow {
  std::int64_t number = 0;
  std::string bot;
  std::string id;  ///< The tick's, or `OBS:<observation>`.
  std::string symbol;
  economy::Direction direction{};
  Money stake, open_price;
  Instant due_at, refund_at;
  std::int64_t refusals = 0;  ///< Of its settling.
};
Result<void> insert_wager(Connection& file, const WagerRow& wager);
/// Open, and to be looked at.
Result<std::vector<WagerRow>> wagers_due(Connection& file, Instant now, std::int64_t limit);
Result<void> end_wager(Connection& file, std::int64_t number, std::string_view status,
                       std::optional<Money> close_price);
/// Nothing to be done for it before that, unless a price comes.
Result<void> put_wager_off(Connection& file, std::int64_t number, Instant until);
/// Its settling was refused so often; it is not tried before `until`, whatever price comes.
Result<void> note_wager_refused(Connection& file, std::int64_t number, std::int64_t refusals,
                                Instant until);
/// A price of that time has come: the open wagers on the symbol that wait for one are looked at.
Result<void> wake_wagers(Connection& file, std::string_view symbol, Instant time);
/// When a market or wager is to be looked at next.
Result<std::optional<Instant>> next_due(Connection& file);

struct PriceRow {
  Instant time;
  Money price;
};
Result<void> insert_price(Connection& file, std::string_view symbol, const PriceRow& price);
/// Up to a time; the last one.
Result<std::optional<PriceRow>> price_until(Connection& file, std::string_view symbol,
                                            Instant time);
/// From a time on, the first one.
Result<std::optional<PriceRow>> price_since(Connection& file, std::string_view symbol,
                                            Instant time);
Result<void> forget_prices(Connection& file, std::string_view symbol, Instant before);

// ---- feed and meter

Result<void> insert_post(Connection& file, Instant time, messages::PostKind kind,
                         std::string_view bot, std::string_view text);
Result<std::vector<messages::FeedPost>> posts_after(Connection& file, std::int64_t after,
                                                    std::int64_t limit);

struct MeterTotal {
  std::int64_t calls = 0, tokens_in = 0, tokens_out = 0;
  Money cost;
};
Result<MeterTotal> meter_of(Connection& file, std::string_view bot, std::string_view tick_id);
Result<void> save_meter(Connection& file, std::string_view bot, std::string_view tick_id,
                        const MeterTotal& total);

}  // namespace guild::ledgerd::store
