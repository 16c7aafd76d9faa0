#include "ledgerd/store_arena.hpp"

#include "common/messages/enum_name.hpp"
#include "ledgerd/store_rows.hpp"

namespace guild::ledgerd::store {
namespace {

using messages::ArenaDirection;
using messages::ArenaMove;
using storage::Statement;

// Of an action, and where each stands.
#define GUILD_ACTION_COLUMNS \
  "observation, time, action, symbol, direction, wager, reasoning, bot FROM arena_actions "

messages::OwnAction action_of(const Statement& row) {
  messages::OwnAction action;
  action.observation_id = {exactly<16>(row.blob(0))};
  action.time = {row.integer(1)};
  action.action = messages::enum_of<ArenaMove>(row.text(2)).value_or(ArenaMove::WAIT);
  if (!row.is_null(3)) action.symbol = std::string(row.text(3));
  if (!row.is_null(4)) action.direction = messages::enum_of<ArenaDirection>(row.text(4));
  if (!row.is_null(5)) action.wager = Money::of_units(row.integer(5));
  action.reasoning = std::string(row.text(6));
  return action;
}

}  // namespace

Result<std::optional<ActionRow>> find_action(Connection& file, const Uuid& observation) {
  GUILD_TRY(Statement row, file.prepare("SELECT " GUILD_ACTION_COLUMNS "WHERE observation = ?"));
  row.bind(1, BytesView(observation.bytes));
  GUILD_TRY(const bool found, row.step());
  if (!found) return std::optional<ActionRow>{};
  return std::optional(ActionRow{.bot = std::string(row.text(7)), .action = action_of(row)});
}

Result<void> insert_action(Connection& file, const ActionRow& row) {
  const messages::OwnAction& action = row.action;
  std::optional<std::string_view> symbol, direction;
  std::optional<std::int64_t> wager;
  if (action.symbol) symbol = action.symbol->view();
  if (action.direction) direction = messages::enum_name(*action.direction);
  if (action.wager) wager = action.wager->units();
  return file.execute(
      "INSERT INTO arena_actions (observation, bot, time, action, symbol, direction, wager, "
      "reasoning) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      BytesView(action.observation_id.bytes), row.bot, action.time.ns,
      messages::enum_name(action.action), symbol, direction, wager, action.reasoning.view());
}

Result<std::vector<messages::OwnAction>> last_actions(Connection& file, std::string_view bot,
                                                      std::int64_t limit) {
  GUILD_TRY(Statement statement, file.prepare("SELECT " GUILD_ACTION_COLUMNS
                                              "WHERE bot = ? ORDER BY number DESC LIMIT ?"));
  statement.bind_all(bot, limit);
  std::vector<messages::OwnAction> actions;
  GUILD_CHECK(each_row(statement, [&](const Statement& row) {
    actions.push_back(action_of(row));
    return true;
  }));
  return actions;
}

Result<std::vector<messages::ShownPrice>> last_prices(Connection& file, Instant since,
                                                      Instant until, std::int64_t limit) {
  // From symbol to symbol by the primary key: what is old of each is not read.
  GUILD_TRY(Statement statement,
            file.prepare("WITH RECURSIVE known (symbol) AS (SELECT min(symbol) FROM prices "
                         "UNION ALL SELECT (SELECT min(symbol) FROM prices "
                         "WHERE symbol > known.symbol) FROM known WHERE known.symbol IS NOT NULL) "
                         "SELECT prices.symbol, time, price FROM known CROSS JOIN prices "
                         "ON prices.symbol = known.symbol AND time = (SELECT max(time) FROM prices "
                         "AS other WHERE other.symbol = known.symbol AND other.time <= ?) "
                         "WHERE time >= ? LIMIT ?"));
  statement.bind_all(until.ns, since.ns, limit);
  std::vector<messages::ShownPrice> prices;
  GUILD_CHECK(each_row(statement, [&](const Statement& row) {
    prices.push_back({.symbol = std::string(row.text(0)),
                      .price = Money::of_units(row.integer(2)),
                      .time = {row.integer(1)}});
    return true;
  }));
  return prices;
}

Result<std::vector<messages::OpenPosition>> open_positions(Connection& file, std::string_view bot,
                                                           std::int64_t limit) {
  std::vector<messages::OpenPosition> positions;
  GUILD_TRY(Statement wagers,
            file.prepare("SELECT symbol, direction, stake, open_price, due_at FROM wagers "
                         "WHERE bot = ? AND status = 'OPEN' ORDER BY number DESC LIMIT ?"));
  wagers.bind_all(bot, limit);
  GUILD_CHECK(each_row(wagers, [&](const Statement& row) {
    messages::OpenPosition position;
    position.symbol = std::string(row.text(0));
    position.outcome = std::string(row.text(1));
    position.stake = Money::of_units(row.integer(2));
    position.open_price = Money::of_units(row.integer(3));
    position.ends_at = {row.integer(4)};
    positions.push_back(std::move(position));
    return true;
  }));
  // From the open markets, which are bounded, and not from all that the bot ever staked.
  GUILD_TRY(Statement bets,
            file.prepare("SELECT id, market_stakes.outcome, amount, deadline FROM markets "
                         "CROSS JOIN market_stakes ON market = number AND bot = ? "
                         "WHERE status = 'OPEN' ORDER BY number DESC LIMIT ?"));
  bets.bind_all(bot, limit - std::ssize(positions));
  GUILD_CHECK(each_row(bets, [&](const Statement& row) {
    messages::OpenPosition position;
    position.market = Uuid{exactly<16>(row.blob(0))};
    position.outcome = std::string(row.text(1));
    position.stake = Money::of_units(row.integer(2));
    position.ends_at = {row.integer(3)};
    positions.push_back(std::move(position));
    return true;
  }));
  return positions;
}

Result<void> save_loss(Connection& file, std::string_view bot, Instant time,
                       std::string_view reason) {
  return file.execute(
      "INSERT INTO last_losses (bot, time, reason) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (bot) DO UPDATE SET time = ?2, reason = ?3",
      bot, time.ns, reason);
}

Result<std::optional<std::string>> last_loss(Connection& file, std::string_view bot) {
  GUILD_TRY(Statement row, file.prepare("SELECT reason FROM last_losses WHERE bot = ?"));
  row.bind(1, bot);
  GUILD_TRY(const bool found, row.step());
  return found ? std::optional(std::string(row.text(0))) : std::nullopt;
}

}  // namespace guild::ledgerd::store
