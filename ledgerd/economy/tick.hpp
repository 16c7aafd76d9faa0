// Tick: decides one turn of a bot: its fee, whether it can pay it, which of its intents stand, and
// what is entered in which order. Pure: who calls brings what the rules look at and books what is
// decided. The rules look at what was available when the tick began; every product is rounded down.
// A bot that cannot pay out of what is available (its balance less open holds and its floor) cannot
// pay. What a rule refuses is dropped with its reason and the rest stands.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/hash.hpp"
#include "common/messages/economy.hpp"
#include "ledgerd/economy/constants.hpp"
#include "ledgerd/economy/intents.hpp"

namespace guild::ledgerd::economy {

/// What the rules look at of a market that an intent names.
struct MarketFacts {
  messages::MarketKind kind{};
  bool is_open = false;
  bool is_full = false;               ///< It takes no further stake.
  std::vector<std::string> outcomes;  ///< None of a research market.
  Digest answer_hash{};
  Money bounty;
};

struct TickFacts {
  std::string tick_id;
  Money available;  ///< What the bot could pay at the start.
  std::int64_t streak = 0;
  std::map<Uuid, MarketFacts> markets;  ///< Those that exist of the ones that intents name.
  std::optional<Money> price;           ///< Of the wager's symbol, when it is fresh.
  Money treasury;                       ///< What it could pay: it covers wagers.
};

/// The bot gives all that it has, and is dead.
struct Liquidate {
  std::string reference;
};
/// Closes the tick. Moves nothing when the amount is zero.
struct Heartbeat {
  Money fee;
  messages::EntryType type{};
  std::string reference;
};
struct PayLookup {
  Money fee;
  std::string reference;
};
struct Answer {
  Uuid market;
  bool is_right = false;
  Money stake, bounty;
  std::string reference, win_reference;
};
struct Bet {
  Uuid market;
  std::string outcome;
  Money stake;
  std::string reference;
};
struct PlaceWager {
  std::string symbol;
  Direction direction{};
  Money stake, price;
  Money fee;  ///< That it carries; zero in observe mode.
  std::string reference;
};
using Action = std::variant<Liquidate, Heartbeat, PayLookup, Answer, Bet, PlaceWager>;

struct Dropped {
  std::string intent, reason;

  bool operator==(const Dropped&) const = default;
};

struct TickDecision {
  std::vector<Action> actions;  ///< In the order of their entries.
  std::vector<Dropped> dropped;
  Money fee;                     ///< Due for this tick, whatever the mode.
  bool is_idle = true;           ///< The bot did nothing but pay.
  bool would_liquidate = false;  ///< In observe mode: it could not have paid.
  std::int64_t tools = 0;        ///< Lookups that succeeded.
};

TickDecision decide(const Constants& constants, const TickFacts& facts, const Intents& intents);

/// min(base + penalty × ⌊streak / idle_every⌋, cap)
Money fee_after(const Constants& constants, std::int64_t streak);

/// balance × confidence × share, rounded down.
Money stake_of(Money balance, std::int64_t confidence, Money share);
/// amount × share, rounded down.
Money share_of(Money amount, Money share);

/// Codes: tick_id_format.
Result<void> check_tick_id(std::string_view tick_id);

}  // namespace guild::ledgerd::economy
