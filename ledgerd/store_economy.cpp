#include "ledgerd/store_economy.hpp"

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include <limits>

#include "common/base/assert.hpp"
#include "common/messages/enum_name.hpp"
#include "common/messages/json.hpp"
#include "ledgerd/store_rows.hpp"

namespace guild::ledgerd::store {
namespace {

using messages::MarketKind;
using messages::MarketStatus;
using storage::Statement;

/// The first one for a text that none has.
template <class Enum>
Enum value_of(std::string_view text) {
  return messages::enum_of<Enum>(text).value_or(Enum{});
}

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  if (!text) return {};
  return std::string_view(*text);
}
template <class Bounded>
std::optional<std::string_view> view_of(const std::optional<Bounded>& text) {
  if (!text) return {};
  return text->view();
}

std::optional<std::int64_t> units_of(const std::optional<Money>& amount) {
  if (!amount) return {};
  return amount->units();
}

Money money(const Statement& row, int column) { return Money::of_units(row.integer(column)); }
std::string string(const Statement& row, int column) { return std::string(row.text(column)); }
std::optional<Money> maybe_money(const Statement& row, int column) {
  if (row.is_null(column)) return {};
  return money(row, column);
}

template <class Row, class Make>
Result<std::vector<Row>> all_of(Statement statement, Make make) {
  std::vector<Row> rows;
  GUILD_CHECK(each_row(statement, [&](const Statement& row) {
    rows.push_back(make(row));
    return true;
  }));
  return rows;
}

std::string json_of(const messages::List<Text<64>, 32>& outcomes) {
  std::string json = "[";
  for (const auto& outcome : outcomes) {
    if (json.size() > 1) json += ',';
    messages::json::append_quoted(json, outcome.view());
  }
  return json += ']';
}

messages::List<Text<64>, 32> outcomes_of(std::string_view json) {
  messages::List<Text<64>, 32> outcomes;
  const auto document = messages::json::Document::parse(json);
  if (!document || document->root().kind != messages::json::Kind::array) return outcomes;
  for (const auto& node : document->root().children()) outcomes.push_back(std::string(node.text));
  return outcomes;
}

// The columns of a market, and where each stands.
#define GUILD_MARKET_COLUMNS                                                                \
  "number, id, kind, status, question, bounty, outcomes, symbol, open_price, close_price, " \
  "staked, "                                                                                \
  "opened_at, deadline, ended_at, outcome, winner, content, answer_hash, stakes"

messages::Market market_of(const Statement& row) {
  messages::Market market;
  market.number = row.integer(0);
  market.market = {exactly<16>(row.blob(1))};
  market.kind = value_of<MarketKind>(row.text(2));
  market.status = value_of<MarketStatus>(row.text(3));
  market.question = string(row, 4);
  market.bounty = money(row, 5);
  market.outcomes = outcomes_of(row.text(6));
  if (!row.is_null(7)) market.symbol = string(row, 7);
  market.open_price = maybe_money(row, 8);
  market.close_price = maybe_money(row, 9);
  market.staked = money(row, 10);
  market.opened_at = {row.integer(11)};
  market.deadline = {row.integer(12)};
  if (!row.is_null(13)) market.ended_at = Instant{row.integer(13)};
  if (!row.is_null(14)) market.outcome = string(row, 14);
  if (!row.is_null(15)) market.winner = string(row, 15);
  return market;
}

std::optional<PriceRow> price_of(const Statement& row) {
  return PriceRow{.time = {row.integer(0)}, .price = money(row, 1)};
}

}  // namespace

Result<std::optional<BotRecord>> find_bot(Connection& file, std::string_view handle) {
  GUILD_TRY(Statement row, file.prepare("SELECT account, status, created_at, grant_seq FROM bots "
                                        "WHERE handle = ?"));
  row.bind(1, handle);
  GUILD_TRY(const bool found, row.step());
  if (!found) return std::optional<BotRecord>{};
  return std::optional(BotRecord{.handle = std::string(handle),
                                 .account = account_number(row.integer(0)),
                                 .status = value_of<BotStatus>(row.text(1)),
                                 .created_at = {row.integer(2)},
                                 .grant_seq = row.integer(3)});
}

Result<std::optional<std::string>> tick_answer(Connection& file, std::string_view bot,
                                               std::string_view tick_id) {
  GUILD_TRY(Statement row,
            file.prepare("SELECT answer FROM tick_metrics WHERE bot = ? AND tick_id = ?"));
  row.bind_all(bot, tick_id);
  GUILD_TRY(const bool found, row.step());
  if (!found) return std::optional<std::string>{};
  return std::optional(string(row, 0));
}

Result<void> insert_tick(Connection& file, const TickRow& tick) {
  return file.execute(
      "INSERT INTO tick_metrics (bot, tick_id, time, enforced, fee, streak, idle, would_liquidate, "
      "error, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      std::string_view(tick.bot), std::string_view(tick.tick_id), tick.time.ns,
      std::int64_t{tick.enforced}, tick.fee.units(), tick.streak, std::int64_t{tick.idle},
      std::int64_t{tick.would_liquidate}, view_of(tick.error), std::string_view(tick.answer));
}

Result<TickTotals> tick_totals(Connection& file, std::string_view bot) {
  GUILD_TRY(Statement row,
            file.prepare("SELECT ticks, idle, streak, observed, phantom_fees, would_liquidate, "
                         "wins, tools FROM tick_totals WHERE bot = ?"));
  row.bind(1, bot);
  GUILD_TRY(const bool found, row.step());
  if (!found) return TickTotals{};
  return TickTotals{.ticks = row.integer(0),
                    .idle = row.integer(1),
                    .streak = row.integer(2),
                    .observed = row.integer(3),
                    .phantom_fees = money(row, 4),
                    .would_liquidate = row.integer(5),
                    .wins = row.integer(6),
                    .tools = row.integer(7)};
}

Result<void> save_tick_totals(Connection& file, std::string_view bot, const TickTotals& totals) {
  return file.execute(
      "INSERT OR REPLACE INTO tick_totals (bot, ticks, idle, streak, observed, phantom_fees, "
      "would_liquidate, wins, tools) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      bot, totals.ticks, totals.idle, totals.streak, totals.observed, totals.phantom_fees.units(),
      totals.would_liquidate, totals.wins, totals.tools);
}

Result<void> add_win(Connection& file, std::string_view bot) {
  return file.execute(
      "INSERT INTO tick_totals (bot, ticks, idle, streak, observed, phantom_fees, would_liquidate, "
      "wins, tools) VALUES (?, 0, 0, 0, 0, 0, 0, 1, 0) "
      "ON CONFLICT (bot) DO UPDATE SET wins = wins + 1",
      bot);
}

Result<std::vector<messages::RecentTick>> recent_ticks(Connection& file, std::string_view bot,
                                                       std::int64_t limit) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT tick_id, time, enforced, fee, idle, would_liquidate, error "
                         "FROM tick_metrics WHERE bot = ? ORDER BY number DESC LIMIT ?"));
  statement.bind_all(bot, limit);
  return all_of<messages::RecentTick>(std::move(statement), [](const Statement& row) {
    messages::RecentTick tick{.tick_id = string(row, 0),
                              .time = {row.integer(1)},
                              .enforced = row.integer(2) != 0,
                              .fee = money(row, 3),
                              .idle = row.integer(4) != 0,
                              .would_liquidate = row.integer(5) != 0,
                              .error = {}};
    if (!row.is_null(6)) tick.error = string(row, 6);
    return tick;
  });
}

Result<messages::Viability> count_all(Connection& file) {
  messages::Viability all;
  GUILD_TRY(Statement bots,
            file.prepare("SELECT count(*), coalesce(sum(status = 'ALIVE'), 0) FROM bots"));
  GUILD_TRY(const bool counted, bots.step());
  GUILD_ASSERT(counted);
  all.bots = bots.integer(0);
  all.alive = bots.integer(1);
  GUILD_TRY(Statement sums,
            file.prepare("SELECT coalesce(sum(ticks), 0), coalesce(sum(wins), 0), "
                         "coalesce(sum(would_liquidate), 0), coalesce(sum(tools), 0) "
                         "FROM tick_totals"));
  GUILD_TRY(const bool summed, sums.step());
  GUILD_ASSERT(summed);
  all.ticks = sums.integer(0);
  all.wins = sums.integer(1);
  all.phantom = sums.integer(2);
  all.tools = sums.integer(3);
  return all;
}

Result<std::optional<MarketRow>> find_market(Connection& file, const Uuid& id) {
  GUILD_TRY(Statement row,
            file.prepare("SELECT " GUILD_MARKET_COLUMNS " FROM markets WHERE id = ?"));
  row.bind(1, BytesView(id.bytes));
  GUILD_TRY(const bool found, row.step());
  if (!found) return std::optional<MarketRow>{};
  return std::optional(MarketRow{.market = market_of(row),
                                 .content = exactly<32>(row.blob(16)),
                                 .answer_hash = exactly<32>(row.blob(17)),
                                 .stakes = row.integer(18)});
}

Result<std::vector<messages::Market>> markets_after(Connection& file, std::int64_t after,
                                                    bool open_only, std::int64_t limit) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT " GUILD_MARKET_COLUMNS
                         " FROM markets WHERE number > ? AND (? = 0 OR status = 'OPEN') "
                         "ORDER BY number LIMIT ?"));
  statement.bind_all(after, std::int64_t{open_only}, limit);
  return all_of<messages::Market>(std::move(statement), market_of);
}

Result<std::int64_t> count_open_markets(Connection& file) {
  GUILD_TRY(const auto count,
            file.query_integer("SELECT count(*) FROM markets WHERE status = 'OPEN'"));
  return count.value_or(0);
}

Result<void> insert_market(Connection& file, const MarketRow& row) {
  const messages::Market& market = row.market;
  std::optional<BytesView> answer_hash;
  if (market.kind == MarketKind::research) answer_hash = BytesView(row.answer_hash);
  return file.execute(
      "INSERT INTO markets (id, content, kind, status, question, answer_hash, bounty, outcomes, "
      "symbol, open_price, stakes, staked, opened_at, deadline) "
      "VALUES (?, ?, ?, 'OPEN', ?, ?, ?, ?, ?, ?, 0, 0, ?, ?)",
      BytesView(market.market.bytes), BytesView(row.content), messages::enum_name(market.kind),
      market.question.view(), answer_hash, market.bounty.units(),
      std::string_view(json_of(market.outcomes)), view_of(market.symbol),
      units_of(market.open_price), market.opened_at.ns, market.deadline.ns);
}

Result<void> end_market(Connection& file, const messages::Market& market) {
  std::optional<std::int64_t> ended_at;
  if (market.ended_at) ended_at = market.ended_at->ns;
  return file.execute(
      "UPDATE markets SET status = ?, close_price = ?, ended_at = ?, outcome = ?, winner = ? "
      "WHERE number = ? AND status = 'OPEN'",
      messages::enum_name(market.status), units_of(market.close_price), ended_at,
      view_of(market.outcome), view_of(market.winner), market.number);
}

Result<void> add_stake(Connection& file, std::int64_t market, const economy::Stake& stake) {
  GUILD_CHECK(file.execute(
      "INSERT INTO market_stakes (market, bot, outcome, amount) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (market, bot, outcome) DO UPDATE SET amount = amount + excluded.amount",
      market, std::string_view(stake.bot), std::string_view(stake.outcome), stake.amount.units()));
  return file.execute(
      "UPDATE markets SET stakes = stakes + 1, staked = staked + ? WHERE number = ?",
      stake.amount.units(), market);
}

Result<std::vector<economy::Stake>> stakes_of(Connection& file, std::int64_t market) {
  GUILD_TRY(Statement statement, file.prepare("SELECT bot, outcome, amount FROM market_stakes "
                                              "WHERE market = ? ORDER BY bot, outcome"));
  statement.bind(1, market);
  return all_of<economy::Stake>(std::move(statement), [](const Statement& row) {
    return economy::Stake{
        .bot = string(row, 0), .outcome = string(row, 1), .amount = money(row, 2)};
  });
}

// When a market is looked at, as the index markets_open has it.
#define GUILD_MARKET_LOOK_AT "coalesce(look_at, deadline)"

Result<std::vector<DueMarket>> markets_due(Connection& file, Instant now, std::int64_t limit) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT id, refusals FROM markets "
                         "WHERE status = 'OPEN' AND " GUILD_MARKET_LOOK_AT " <= ? "
                         "ORDER BY " GUILD_MARKET_LOOK_AT " LIMIT ?"));
  statement.bind_all(now.ns, limit);
  return all_of<DueMarket>(std::move(statement), [](const Statement& row) {
    return DueMarket{.market = {exactly<16>(row.blob(0))}, .refusals = row.integer(1)};
  });
}

Result<void> put_market_off(Connection& file, const DueMarket& market, Instant until) {
  return file.execute("UPDATE markets SET look_at = ?, refusals = ? WHERE id = ?", until.ns,
                      market.refusals, BytesView(market.market.bytes));
}

Result<void> insert_wager(Connection& file, const WagerRow& wager) {
  return file.execute(
      "INSERT INTO wagers (bot, tick_id, symbol, direction, stake, open_price, due_at, refund_at, "
      "look_at, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'OPEN')",
      std::string_view(wager.bot), std::string_view(wager.id), std::string_view(wager.symbol),
      economy::outcome_of(wager.direction), wager.stake.units(), wager.open_price.units(),
      wager.due_at.ns, wager.refund_at.ns, wager.due_at.ns);
}

Result<std::vector<WagerRow>> wagers_due(Connection& file, Instant now, std::int64_t limit) {
  GUILD_TRY(
      Statement statement,
      file.prepare("SELECT number, bot, tick_id, symbol, direction, stake, open_price, "
                   "due_at, refund_at, refusals FROM wagers WHERE status = 'OPEN' AND look_at <= ? "
                   "ORDER BY look_at, number LIMIT ?"));
  statement.bind_all(now.ns, limit);
  return all_of<WagerRow>(std::move(statement), [](const Statement& row) {
    return WagerRow{.number = row.integer(0),
                    .bot = string(row, 1),
                    .id = string(row, 2),
                    .symbol = string(row, 3),
                    .direction = row.text(4) == economy::up_outcome ? economy::Direction::up
                                                                    : economy::Direction::down,
                    .stake = money(row, 5),
                    .open_price = money(row, 6),
                    .due_at = {row.integer(7)},
                    .refund_at = {row.integer(8)},
                    .refusals = row.integer(9)};
  });
}

Result<void> end_wager(Connection& file, std::int64_t number, std::string_view status,
                       std::optional<Money> close_price) {
  return file.execute(
      "UPDATE wagers SET status = ?, close_price = ? WHERE number = ? AND status = 'OPEN'", status,
      units_of(close_price), number);
}

Result<void> put_wager_off(Connection& file, std::int64_t number, Instant until) {
  return file.execute("UPDATE wagers SET look_at = ? WHERE number = ?", until.ns, number);
}

Result<void> note_wager_refused(Connection& file, std::int64_t number, std::int64_t refusals,
                                Instant until) {
  return file.execute("UPDATE wagers SET look_at = ?, refusals = ? WHERE number = ?", until.ns,
                      refusals, number);
}

Result<void> wake_wagers(Connection& file, std::string_view symbol, Instant time) {
  return file.execute(
      "UPDATE wagers SET look_at = due_at WHERE status = 'OPEN' AND symbol = ? AND due_at <= ? "
      "AND refund_at >= ? AND refusals = 0",
      symbol, time.ns, time.ns);
}

Result<std::optional<Instant>> next_due(Connection& file) {
  GUILD_TRY(const auto market,
            file.query_integer("SELECT min(" GUILD_MARKET_LOOK_AT ") FROM markets "
                               "WHERE status = 'OPEN'"));
  GUILD_TRY(const auto wager,
            file.query_integer("SELECT min(look_at) FROM wagers WHERE status = 'OPEN'"));
  if (!market && !wager) return std::optional<Instant>{};
  return std::optional(Instant{std::min(market.value_or(std::numeric_limits<std::int64_t>::max()),
                                        wager.value_or(std::numeric_limits<std::int64_t>::max()))});
}

Result<void> insert_price(Connection& file, std::string_view symbol, const PriceRow& price) {
  return file.execute("INSERT INTO prices (symbol, time, price) VALUES (?, ?, ?)", symbol,
                      price.time.ns, price.price.units());
}

Result<std::optional<PriceRow>> price_until(Connection& file, std::string_view symbol,
                                            Instant time) {
  GUILD_TRY(Statement row, file.prepare("SELECT time, price FROM prices WHERE symbol = ? AND "
                                        "time <= ? ORDER BY time DESC LIMIT 1"));
  row.bind_all(symbol, time.ns);
  GUILD_TRY(const bool found, row.step());
  return found ? price_of(row) : std::optional<PriceRow>{};
}

Result<std::optional<PriceRow>> price_since(Connection& file, std::string_view symbol,
                                            Instant time) {
  GUILD_TRY(Statement row, file.prepare("SELECT time, price FROM prices WHERE symbol = ? AND "
                                        "time >= ? ORDER BY time LIMIT 1"));
  row.bind_all(symbol, time.ns);
  GUILD_TRY(const bool found, row.step());
  return found ? price_of(row) : std::optional<PriceRow>{};
}

Result<void> forget_prices(Connection& file, std::string_view symbol, Instant before) {
  return file.execute("DELETE FROM prices WHERE symbol = ? AND time < ?", symbol, before.ns);
}

Result<void> insert_post(Connection& file, Instant time, messages::PostKind kind,
                         std::string_view bot, std::string_view text) {
  return file.execute("INSERT INTO feed (time, kind, bot, text) VALUES (?, ?, ?, ?)", time.ns,
                      messages::enum_name(kind), bot, std::string_view(economy::post_text(text)));
}

Result<std::vector<messages::FeedPost>> posts_after(Connection& file, std::int64_t after,
                                                    std::int64_t limit) {
  GUILD_TRY(Statement statement, file.prepare("SELECT number, time, kind, bot, text FROM feed "
                                              "WHERE number > ? ORDER BY number LIMIT ?"));
  statement.bind_all(after, limit);
  return all_of<messages::FeedPost>(std::move(statement), [](const Statement& row) {
    return messages::FeedPost{.number = row.integer(0),
                              .time = {row.integer(1)},
                              .kind = value_of<messages::PostKind>(row.text(2)),
                              .bot = string(row, 3),
                              .text = string(row, 4)};
  });
}

Result<MeterTotal> meter_of(Connection& file, std::string_view bot, std::string_view tick_id) {
  GUILD_TRY(Statement row, file.prepare("SELECT calls, tokens_in, tokens_out, cost FROM meter "
                                        "WHERE bot = ? AND tick_id = ?"));
  row.bind_all(bot, tick_id);
  GUILD_TRY(const bool found, row.step());
  if (!found) return MeterTotal{};
  return MeterTotal{.calls = row.integer(0),
                    .tokens_in = row.integer(1),
                    .tokens_out = row.integer(2),
                    .cost = money(row, 3)};
}

Result<void> save_meter(Connection& file, std::string_view bot, std::string_view tick_id,
                        const MeterTotal& total) {
  return file.execute(
      "INSERT OR REPLACE INTO meter (bot, tick_id, calls, tokens_in, tokens_out, cost) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      bot, tick_id, total.calls, total.tokens_in, total.tokens_out, total.cost.units());
}

}  // namespace guild::ledgerd::store
