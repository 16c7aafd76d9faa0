// The arena's messages (BEHAVIOUR §1, "observation and action"): a bot is shown how things stand,
// and may act once on what it saw while that is fresh. Served by ledgerd as `ledgerd/<verb>`. A bot
// asks for itself; operators and the scheduler for the bot that they name.
// Common codes: credential_required, credentials_invalid, not_permitted (for another bot),
// bot_missing, bot_unknown, bot_dead (kind denied, also for whoever shows a dead bot's own keys).
#pragma once

#include <cstdint>
#include <optional>

#include "common/messages/codec.hpp"
#include "common/messages/economy.hpp"
#include "common/messages/ledgerd.hpp"
#include "common/messages/principal.hpp"
#include "common/messages/types.hpp"

namespace guild::messages {

enum class ArenaMove { PREDICT, WAIT };
BOOST_DESCRIBE_ENUM(ArenaMove, PREDICT, WAIT)
enum class ArenaDirection { UP, DOWN };
BOOST_DESCRIBE_ENUM(ArenaDirection, UP, DOWN)

/// `ledgerd/arena-observe` → Observation. It writes nothing; a restart of ledgerd forgets what was
/// shown before it.
struct Observe {
  std::optional<Handle> bot;  ///< None: the credential's own.
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(Observe, (), (bot, credential))
struct ShownPrice {
  Symbol symbol;
  Money price;
  Instant time;
};
BOOST_DESCRIBE_STRUCT(ShownPrice, (), (symbol, price, time))
/// Money of the bot's that is staked: a price wager has a symbol, a bet a market.
struct OpenPosition {
  std::optional<Symbol> symbol;
  std::optional<Uuid> market;
  Text<64> outcome;  ///< UP or DOWN, or the market's.
  Money stake;
  std::optional<Money> open_price;
  Instant ends_at;  ///< The first price from then on settles it; the market's deadline.
};
BOOST_DESCRIBE_STRUCT(OpenPosition, (), (symbol, market, outcome, stake, open_price, ends_at))
/// PREDICT is a wager on a price, by either road; ANSWER and BET are of ticks, WAIT of the arena.
enum class OwnMove { PREDICT, WAIT, ANSWER, BET };
BOOST_DESCRIBE_ENUM(OwnMove, PREDICT, WAIT, ANSWER, BET)
/// What the bot did on an observation, or as an intent of a tick that stood.
struct OwnAction {
  std::optional<Uuid> observation_id;
  std::optional<TickId> tick_id;
  Instant time;
  OwnMove action{};
  std::optional<Symbol> symbol;  ///< This and the direction: of a PREDICT.
  std::optional<ArenaDirection> direction;
  std::optional<Uuid> market;            ///< This and the outcome: of an ANSWER and a BET.
  std::optional<Text<64>> outcome;       ///< What was bet on; WIN or MISS of an ANSWER.
  std::optional<Money> wager;            ///< What was staked.
  std::optional<Text<2'000>> reasoning;  ///< In the arena.
};
BOOST_DESCRIBE_STRUCT(OwnAction, (),
                      (observation_id, tick_id, time, action, symbol, direction, market, outcome,
                       wager, reasoning))
struct Observation {
  Uuid observation_id;
  Handle bot;
  Instant server_time, expires_at;
  List<ShownPrice, 256> prices;       ///< The last of each symbol that has a fresh one.
  List<OpenPosition, 200> positions;  ///< The last ones first.
  Money balance, available;
  List<OwnAction, 5> last_actions;  ///< In the arena and in ticks; the last one first.
  std::optional<Text<1'120>> last_loss;
};
BOOST_DESCRIBE_STRUCT(Observation, (),
                      (observation_id, bot, server_time, expires_at, prices, positions, balance,
                       available, last_actions, last_loss))

/// `ledgerd/arena-act` → ActionTaken. PREDICT books the wager, WAIT is only recorded; either is
/// bound to the observation, once. A refusal changes nothing and leaves the observation as it is.
/// Codes: direction_missing, wager_missing, amount_not_positive, symbol_missing (several have a
/// price); observation_foreign; observation_used, observation_expired; funds_short; price_stale,
/// treasury_short.
struct TakeAction {
  Uuid observation_id;
  ArenaMove action{};
  std::optional<ArenaDirection> direction;
  std::optional<Money> wager;
  std::optional<Symbol> symbol;  ///< Needed when more than one has a fresh price.
  Text<2'000> reasoning;
  std::optional<Handle> bot;  ///< None: the credential's own.
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(TakeAction, (),
                      (observation_id, action, direction, wager, symbol, reasoning, bot,
                       credential))
GUILD_OPTIONAL_FIELDS(TakeAction, "reasoning")
struct ActionTaken {
  Uuid observation_id;
  ArenaMove action{};
  std::optional<Symbol> symbol;
  std::optional<ArenaDirection> direction;
  std::optional<Money> wager, open_price;
  std::optional<Instant> due_at;
  std::optional<std::int64_t> seq;  ///< Of the wager's posting.
  Money balance;
};
BOOST_DESCRIBE_STRUCT(ActionTaken, (),
                      (observation_id, action, symbol, direction, wager, open_price, due_at, seq,
                       balance))

}  // namespace guild::messages
