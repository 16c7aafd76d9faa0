#include "ledgerd/arena.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/messages/enum_name.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/store_arena.hpp"

namespace guild::ledgerd {
namespace {

using economy::Constants;
using messages::ActionTaken;
using messages::ArenaDirection;
using messages::ArenaMove;
using messages::TakeAction;

constexpr std::int64_t actions_shown = 5;

std::unexpected<Error> price_stale(std::string_view what) {
  return fail(ErrorKind::unavailable, "price_stale", fmt::format("there is no fresh price{}", what),
              "wait for the oracle's next one");
}

/// The bot, alive.
Result<BotRecord> player(storage::Connection& file, std::string_view handle) {
  GUILD_TRY(BotRecord bot, bot_of(file, handle));
  if (bot.status == BotStatus::ALIVE) return bot;
  return player_dead(handle);
}

/// The observation is this bot's, fresh, and was not acted on.
Result<void> check_observation(storage::Connection& file, const ArenaTurn& turn) {
  GUILD_TRY(const auto earlier, store::find_action(file, turn.request.observation_id));
  if (earlier && earlier->bot != turn.bot) return observation_foreign();
  if (earlier)
    return fail(
        ErrorKind::conflict, "observation_used",
        fmt::format("the observation was acted on at {}, by {}", to_rfc3339(earlier->action.time),
                    messages::enum_name(earlier->action.action)),
        "that stands; ask for a new observation to act again");
  if (turn.ticket == economy::Ticket::foreign) return observation_foreign();
  if (turn.ticket == economy::Ticket::valid) return {};
  return fail(ErrorKind::conflict, "observation_expired",
              "the observation is not fresh any more, or never was one",
              "ask for a new one, and act on it in time");
}

/// What is predicted: the one named, or the only one that has a fresh price.
Result<messages::ShownPrice> price_to_predict(storage::Connection& file, const Constants& constants,
                                              const TakeAction& request, Instant now) {
  if (request.symbol) {
    GUILD_TRY(const auto price, fresh_price(file, constants, request.symbol->view(), now));
    if (!price) return price_stale(" of " + quoted(request.symbol->view()));
    return messages::ShownPrice{.symbol = *request.symbol, .price = *price, .time = now};
  }
  GUILD_TRY(const auto prices,
            store::last_prices(file, now - economy::stale_after(constants), now, 2));
  if (prices.empty()) return price_stale("");
  if (prices.size() == 1) return prices.front();
  return fail(ErrorKind::invalid, "symbol_missing", "several symbols have a price",
              "say which: \"symbol\"");
}

/// Both sides can pay it.
Result<void> check_funds(Transaction& transaction, const BotRecord& bot, Money wager) {
  const Book& book = transaction.state();
  if (const Money available = payable(book, bot.account); available < wager)
    return funds_short(bot_account(bot.handle), available);
  // The bank's side is put into escrow with the bot's: nothing is bet off the book.
  if (payable(book, book.accounts().find(treasury_account)) >= wager) return {};
  return fail(ErrorKind::unavailable, "treasury_short", "the treasury cannot cover this wager",
              "wager less, or ask the operator");
}

economy::Direction direction_of(ArenaDirection direction) {
  return direction == ArenaDirection::UP ? economy::Direction::up : economy::Direction::down;
}

messages::OwnMove move_of(ArenaMove move) {
  return move == ArenaMove::PREDICT ? messages::OwnMove::PREDICT : messages::OwnMove::WAIT;
}

Result<void> predict(Transaction& transaction, const Constants& constants, const BotRecord& bot,
                     const TakeAction& request, ActionTaken& taken) {
  GUILD_TRY(const auto price,
            price_to_predict(transaction.file(), constants, request, transaction.now()));
  const Money wager = request.wager.value_or(Money());
  GUILD_CHECK(check_funds(transaction, bot, wager));
  const std::string reference = observation_reference(request.observation_id);
  const ArenaDirection direction = request.direction.value_or(ArenaDirection::UP);
  GUILD_TRY(const Booked booked, place_wager(transaction, constants,
                                             {.id = reference,
                                              .name = "arena/" + request.observation_id.text(),
                                              .bot = bot.handle,
                                              .symbol = price.symbol,
                                              .direction = direction_of(direction),
                                              .stake = wager,
                                              .price = price.price,
                                              .fee = {},
                                              .reference = reference}));
  taken.symbol = price.symbol;
  taken.direction = direction;
  taken.wager = wager;
  taken.open_price = price.price;
  taken.due_at = transaction.now() + constants.wager_horizon;
  taken.seq = booked.posting.seq;
  return {};
}

}  // namespace

std::unexpected<Error> player_dead(std::string_view bot) {
  return fail(ErrorKind::denied, "bot_dead", fmt::format("{} is DEAD", bot),
              "an operator can revive it");
}

std::unexpected<Error> observation_foreign() {
  return fail(ErrorKind::denied, "observation_foreign", "the observation is another bot's",
              "act on your own");
}

Result<messages::Observation> read_observation(storage::Connection& file,
                                               const Constants& constants, std::string_view bot,
                                               Instant now) {
  messages::Observation observation;
  observation.bot = std::string(bot);
  GUILD_CHECK(file.snapshot([&](storage::Connection& snapshot) -> Result<void> {
    GUILD_TRY(auto prices, store::last_prices(snapshot, now - economy::stale_after(constants), now,
                                              decltype(observation.prices)::size_max));
    GUILD_TRY(auto positions,
              store::open_positions(snapshot, bot, decltype(observation.positions)::size_max));
    GUILD_TRY(auto actions, store::last_actions(snapshot, bot, actions_shown));
    GUILD_TRY(auto loss, store::last_loss(snapshot, bot));
    observation.prices.assign(prices.begin(), prices.end());
    observation.positions.assign(positions.begin(), positions.end());
    observation.last_actions.assign(actions.begin(), actions.end());
    observation.last_loss.reset();
    if (loss) observation.last_loss = *std::move(loss);
    return {};
  }));
  return observation;
}

Result<void> check_action_form(const TakeAction& request) {
  if (request.action == ArenaMove::WAIT) return {};
  if (!request.direction)
    return fail(ErrorKind::invalid, "direction_missing", "a prediction has a direction",
                "say UP or DOWN as \"direction\"");
  if (!request.wager)
    return fail(ErrorKind::invalid, "wager_missing", "a prediction has a wager",
                R"(say how much as "wager": "50.00")");
  if (request.wager->is_positive()) return {};
  return fail(ErrorKind::invalid, "amount_not_positive", "a wager is more than nothing",
              "wager an amount above zero, or WAIT");
}

Result<ActionTaken> take_action(Transaction& transaction, const Constants& constants,
                                const ArenaTurn& turn) {
  const TakeAction& request = turn.request;
  GUILD_TRY(const BotRecord bot, player(transaction.file(), turn.bot));
  GUILD_CHECK(check_observation(transaction.file(), turn));
  ActionTaken taken;
  taken.observation_id = request.observation_id;
  taken.action = request.action;
  if (request.action == ArenaMove::PREDICT)
    GUILD_CHECK(predict(transaction, constants, bot, request, taken));
  messages::OwnAction action;
  action.observation_id = request.observation_id;
  action.time = transaction.now();
  action.action = move_of(request.action);
  action.symbol = taken.symbol;
  action.direction = taken.direction;
  action.wager = taken.wager;
  action.reasoning = request.reasoning;
  GUILD_CHECK(store::insert_action(transaction.file(), {bot.handle, std::move(action)}));
  taken.balance = transaction.state().accounts().at(bot.account).state.balance;
  return taken;
}

}  // namespace guild::ledgerd
