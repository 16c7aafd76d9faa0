// The economy's messages (BEHAVIOUR §1): ticks, markets, prices, the feed, and what is counted.
// Requests are served as `ledgerd/<verb>`. What may be sent again with the same id gets the first
// answer. Codes of all: not_permitted, credential_required, credentials_invalid.
#pragma once

#include <optional>
#include <string>

#include "common/messages/codec.hpp"
#include "common/messages/ledgerd.hpp"
#include "common/messages/principal.hpp"
#include "common/messages/types.hpp"

namespace guild::messages {

using TickId = Text<40>;
using Symbol = Text<32>;

/// `ledgerd/tick` → TickReport. One turn of a bot, in one transaction: fee, intents, heartbeat.
/// A tick_id is decided once for a bot; whoever sends it again, with whatever intents, gets the
/// stored answer. Intents: {"research":{"market","answer","lookup":"hit|miss|none"}},
/// {"bets":[{"market","outcome","confidence":0.8}]}, {"wager":{"symbol","direction":"UP|DOWN",
/// "amount"}}, or {"error":"KIND"} alone, for a decision that failed. By operators and the
/// scheduler. Codes: bot_unknown, bot_dead, tick_id_format, and those of reading intents
/// (field_unknown, field_missing, field_type, field_range, field_too_long, field_value).
struct RunTick {
  Handle bot;
  TickId tick_id;  ///< A-Z a-z 0-9 - _ .
  JsonObject intents;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(RunTick, (), (bot, tick_id, intents, credential))
GUILD_OPTIONAL_FIELDS(RunTick, "intents")
/// One entry of the bot's account.
struct TickEntry {
  EntryType type{};
  Money amount;
  Text<128> reference;
  std::int64_t seq = 0;  ///< Of its posting.
};
BOOST_DESCRIBE_STRUCT(TickEntry, (), (type, amount, reference, seq))
/// An intent that a rule refused; the rest stands.
struct DroppedIntent {
  Text<16> intent;  ///< "research", "bets[1]", "wager"
  Text<64> reason;  ///< Such as CLOSED, market_unknown, market_repeated, funds_short, price_stale.
};
BOOST_DESCRIBE_STRUCT(DroppedIntent, (), (intent, reason))
struct TickReport {
  BotStatus status{};
  Money balance;
  List<TickEntry, 128> entries;
  List<DroppedIntent, 128> dropped;
};
BOOST_DESCRIBE_STRUCT(TickReport, (), (status, balance, entries, dropped))

enum class MarketKind { research, judged, price };
BOOST_DESCRIBE_ENUM(MarketKind, research, judged, price)
/// Each ends in one of the last two.
enum class MarketStatus { OPEN, RESOLVED, REFUNDED };
BOOST_DESCRIBE_ENUM(MarketStatus, OPEN, RESOLVED, REFUNDED)

/// `ledgerd/market-open` → MarketOpened. A research market has an answer and a bounty (from the
/// treasury); a judged one a question and two outcomes or more; a price one a symbol with a fresh
/// price, its outcomes are UP and DOWN. It ends at its deadline. By operators and the scheduler.
/// Codes: market_unfit (with what), deadline_unfit, price_stale, markets_full, funds_short,
/// id_reused.
struct OpenMarket {
  Uuid market;  ///< Chosen by whoever opens it.
  MarketKind kind{};
  Text<2'000> question;
  std::optional<Text<1'000>> answer;
  std::optional<Money> bounty;
  List<Text<64>, 32> outcomes;
  std::optional<Symbol> symbol;
  std::optional<Duration> deadline;  ///< From now.
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(OpenMarket, (),
                      (market, kind, question, answer, bounty, outcomes, symbol, deadline,
                       credential))
GUILD_OPTIONAL_FIELDS(OpenMarket, "question", "outcomes")
struct MarketOpened {
  Uuid market;
  Instant deadline;
};
BOOST_DESCRIBE_STRUCT(MarketOpened, (), (market, deadline))

/// `ledgerd/market-list` → MarketsPage, by number, after `after`. `ledgerd/market-show` (GetMarket)
/// → Market, code market_unknown. What the answer hashes to is never shown.
struct ListMarkets {
  std::int64_t after = 0;
  bool open_only = false;
  Range<1, 200, 100> limit;
};
BOOST_DESCRIBE_STRUCT(ListMarkets, (), (after, open_only, limit))
GUILD_OPTIONAL_FIELDS(ListMarkets, "after", "open_only", "limit")
struct GetMarket {
  Uuid market;
};
BOOST_DESCRIBE_STRUCT(GetMarket, (), (market))
struct Market {
  Uuid market;
  std::int64_t number = 0;  ///< In the order of opening.
  MarketKind kind{};
  MarketStatus status{};
  Text<2'000> question;
  Money bounty;
  List<Text<64>, 32> outcomes;
  std::optional<Symbol> symbol;
  std::optional<Money> open_price, close_price;
  Money staked;
  Instant opened_at, deadline;
  std::optional<Instant> ended_at;
  std::optional<Text<64>> outcome;
  std::optional<Handle> winner;  ///< Of a research market.
};
BOOST_DESCRIBE_STRUCT(Market, (),
                      (market, number, kind, status, question, bounty, outcomes, symbol, open_price,
                       close_price, staked, opened_at, deadline, ended_at, outcome, winner))
struct MarketsPage {
  List<Market, 200> markets;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(MarketsPage, (), (markets, more))

/// `ledgerd/market-resolve` → Market: an operator says how a judged market came out. Codes:
/// market_unknown, market_closed (it ended otherwise), market_unfit (not a judged one, or not one
/// of its outcomes).
struct ResolveMarket {
  Uuid market;
  Text<64> outcome;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(ResolveMarket, (), (market, outcome, credential))

enum class AnswerOutcome { WIN, MISS, CLOSED };
BOOST_DESCRIBE_ENUM(AnswerOutcome, WIN, MISS, CLOSED)
/// `ledgerd/market-answer` → AnswerReport: a bot answers a research market outside a tick, for the
/// stake alone. By that bot and operators. Codes: bot_unknown, bot_dead, market_unknown,
/// market_unfit, funds_short, id_reused.
struct AnswerMarket {
  Uuid id;
  Uuid market;
  Handle bot;
  Text<1'000> answer;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(AnswerMarket, (), (id, market, bot, answer, credential))
struct AnswerReport {
  AnswerOutcome outcome{};
  Money balance;
};
BOOST_DESCRIBE_STRUCT(AnswerReport, (), (outcome, balance))

/// `ledgerd/oracle-post` → PricePosted. Settles the wagers on this symbol that are due. By
/// operators and the scheduler. Codes: symbol_format, price_not_positive, price_time (in the
/// future, or not after the last one).
struct PostPrice {
  Symbol symbol;  ///< A-Z a-z 0-9 - _ . /
  Money price;
  std::optional<Instant> time;  ///< Now when there is none.
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(PostPrice, (), (symbol, price, time, credential))
struct PricePosted {
  Symbol symbol;
  Money price;
  Instant time;
  std::int64_t settled = 0;  ///< Wagers.
};
BOOST_DESCRIBE_STRUCT(PricePosted, (), (symbol, price, time, settled))

enum class PostKind { WAGER, RESULT, DEATH, REVIVAL, ERROR };
BOOST_DESCRIBE_ENUM(PostKind, WAGER, RESULT, DEATH, REVIVAL, ERROR)
/// `ledgerd/feed` → FeedPage: what happened, oldest first, after `after`.
struct ListFeed {
  std::int64_t after = 0;
  Range<1, 1'000, 100> limit;
};
BOOST_DESCRIBE_STRUCT(ListFeed, (), (after, limit))
GUILD_OPTIONAL_FIELDS(ListFeed, "after", "limit")
struct FeedPost {
  std::int64_t number = 0;
  Instant time;
  PostKind kind{};
  Handle bot;
  Text<1'120> text;  ///< At most 280 characters.
};
BOOST_DESCRIBE_STRUCT(FeedPost, (), (number, time, kind, bot, text))
struct FeedPage {
  List<FeedPost, 1'000> posts;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(FeedPage, (), (posts, more))

/// `ledgerd/insights` (GetBot) → Insights. Code bot_unknown.
struct RecentTick {
  TickId tick_id;
  Instant time;
  bool enforced = false;
  Money fee;  ///< Charged when enforced; else what it would have been.
  bool idle = false;
  bool would_liquidate = false;
  std::optional<Text<32>> error;
};
BOOST_DESCRIBE_STRUCT(RecentTick, (), (tick_id, time, enforced, fee, idle, would_liquidate, error))
struct Insights {
  std::int64_t ticks = 0;
  Money idle_rate;            ///< Idle ticks by ticks, a decimal rounded down.
  Money average_phantom_fee;  ///< Of the ticks in observe mode.
  std::int64_t would_have_been_liquidated = 0;
  List<RecentTick, 20> recent;  ///< The last first.
};
BOOST_DESCRIBE_STRUCT(Insights, (),
                      (ticks, idle_rate, average_phantom_fee, would_have_been_liquidated, recent))

enum class Verdict { VIABLE, MARGINAL, AT_RISK };
BOOST_DESCRIBE_ENUM(Verdict, VIABLE, MARGINAL, AT_RISK)
/// `ledgerd/viability` (Nothing) → Viability of all bots together.
struct Viability {
  Money score;  ///< From 0 to 100.
  Verdict verdict{};
  std::int64_t bots = 0, alive = 0, ticks = 0, wins = 0, phantom = 0, tools = 0;
};
BOOST_DESCRIBE_STRUCT(Viability, (), (score, verdict, bots, alive, ticks, wins, phantom, tools))

/// `ledgerd/meter` → Metered: what a model call of a tick cost, by `[economy] models`; without any
/// it is off, and nothing is written. Calls of one tick add up. By operators and the scheduler.
/// Codes: bot_unknown, model_unknown, tick_id_format, tokens_negative, meter_full.
struct MeterCall {
  Handle bot;
  TickId tick_id;
  Text<64> model;
  std::int64_t tokens_in = 0, tokens_out = 0;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(MeterCall, (), (bot, tick_id, model, tokens_in, tokens_out, credential))
struct Metered {
  bool on = false;
  Money cost;     ///< Of this call.
  Money of_tick;  ///< Of all calls of the tick so far.
};
BOOST_DESCRIBE_STRUCT(Metered, (), (on, cost, of_tick))

}  // namespace guild::messages
