#include "ledgerd/store_arena.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

#include "common/messages/enum_name.hpp"
#include "ledgerd/store_rows.hpp"

namespace guild::ledgerd::store {
namespace {

using messages::ArenaDirection;
using messages::OwnMove;
using storage::Statement;

// Of an action on an observation, and where each stands…
#define GUILD_ACTION_COLUMNS \
  "observation, time, action, symbol, direction, wager, reasoning, bot FROM arena_actions "
// …and of one in a tick.
#define GUILD_TICK_ACTION_COLUMNS \
  "tick_id, time, action, symbol, direction, stake, market, outcome FROM tick_actions "

/// What both have at the same places.
messages::OwnAction action_of(const Statement& row) {
  messages::OwnAction action;
  action.time = {row.integer(1)};
  action.action = messages::enum_of<OwnMove>(row.text(2)).value_or(OwnMove::WAIT);
  if (!row.is_null(3)) action.symbol = std::string(row.text(3));
  if (!row.is_null(4)) action.direction = messages::enum_of<ArenaDirection>(row.text(4));
  if (!row.is_null(5)) action.wager = Money::of_units(row.integer(5));
  return action;
}

messages::OwnAction arena_action_of(const Statement& row) {
  messages::OwnAction action = action_of(row);
  action.observation_id = Uuid{exactly<16>(row.blob(0))};
  action.reasoning = std::string(row.text(6));
  return action;
}

messages::OwnAction tick_action_of(const Statement& row) {
  messages::OwnAction action = action_of(row);
  action.tick_id = std::string(row.text(0));
  if (!row.is_null(6)) action.market = Uuid{exactly<16>(row.blob(6))};
  if (!row.is_null(7)) action.outcome = std::string(row.text(7));
  return action;
}

std::optional<BytesView> bytes_of(const std::optional<Uuid>& id) {
  if (!id) return {};
  return BytesView(id->bytes);
}
template <class Bounded>
std::optional<std::string_view> view_of(const std::optional<Bounded>& text) {
  if (!text) return {};
  return text->view();
}

Result<std::vector<messages::OwnAction>> actions_of(
    Statement statement, messages::OwnAction (*action_at)(const Statement&)) {
  std::vector<messages::OwnAction> actions;
  GUILD_CHECK(each_row(statement, [&](const Statement& row) {
    actions.push_back(action_at(row));
    return true;
  }));
  return actions;
}

}  // namespace

Result<std::optional<ActionRow>> find_action(Connection& file, const Uuid& observation) {
  GUILD_TRY(Statement row, file.prepare("SELECT " GUILD_ACTION_COLUMNS "WHERE observation = ?"));
  row.bind(1, BytesView(observation.bytes));
  GUILD_TRY(const bool found, row.step());
  if (!found) return std::optional<ActionRow>{};
  return std::optional(ActionRow{.bot = std::string(row.text(7)), .action = arena_action_of(row)});
}

Result<void> insert_action(Connection& file, const ActionRow& row) {
  const messages::OwnAction& action = row.action;
  std::optional<std::string_view> direction;
  std::optional<std::int64_t> wager;
  if (action.direction) direction = messages::enum_name(*action.direction);
  if (action.wager) wager = action.wager->units();
  if (action.observation_id)
    return file.execute(
        "INSERT INTO arena_actions (observation, bot, time, action, symbol, direction, wager, "
        "reasoning) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        BytesView(action.observation_id->bytes), std::string_view(row.bot), action.time.ns,
        messages::enum_name(action.action), view_of(action.symbol), direction, wager,
        view_of(action.reasoning).value_or(""));
  return file.execute(
      "INSERT INTO tick_actions (tick_id, bot, time, action, symbol, direction, stake, market, "
      "outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      view_of(action.tick_id), std::string_view(row.bot), action.time.ns,
      messages::enum_name(action.action), view_of(action.symbol), direction, wager,
      bytes_of(action.market), view_of(action.outcome));
}

Result<std::vector<messages::OwnAction>> last_actions(Connection& file, std::string_view bot,
                                                      std::int64_t limit) {
  GUILD_TRY(Statement of_arena, file.prepare("SELECT " GUILD_ACTION_COLUMNS
                                             "WHERE bot = ? ORDER BY number DESC LIMIT ?"));
  of_arena.bind_all(bot, limit);
  GUILD_TRY(const auto in_arena, actions_of(std::move(of_arena), arena_action_of));
  GUILD_TRY(Statement of_ticks, file.prepare("SELECT " GUILD_TICK_ACTION_COLUMNS
                                             "WHERE bot = ? ORDER BY number DESC LIMIT ?"));
  of_ticks.bind_all(bot, limit);
  GUILD_TRY(const auto in_ticks, actions_of(std::move(of_ticks), tick_action_of));
  std::vector<messages::OwnAction> all;
  std::ranges::merge(in_arena, in_ticks, std::back_inserter(all), std::ranges::greater{},
                     &messages::OwnAction::time, &messages::OwnAction::time);
  if (std::ssize(all) > limit) all.resize(static_cast<std::size_t>(limit));
  return all;
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
