#include "ledgerd/ticks.hpp"

#include <fmt/format.h>

#include <sstream>

#include "ledgerd/bots.hpp"
#include "ledgerd/economy/tick.hpp"
#include "ledgerd/economy/viability.hpp"
#include "ledgerd/escrow.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/store_arena.hpp"
#include "ledgerd/store_economy.hpp"

namespace guild::ledgerd {
namespace {

using economy::Constants;
using messages::EntryType;
using messages::PostKind;

/// Holds of a bot that dies may be many; the report names the first of them.
constexpr std::size_t entries_told_max = 120;

/// What the rules look at, of the book and of the file.
class Gathering {
 public:
  Gathering(Transaction& transaction, const Constants& constants)
      : transaction_(transaction), constants_(constants) {}

  Result<economy::TickFacts> facts(const BotRecord& bot, const std::string& tick_id,
                                   std::int64_t streak, const economy::Intents& intents) {
    economy::TickFacts facts{.tick_id = tick_id,
                             .available = payable(transaction_.state(), bot.account),
                             .streak = streak,
                             .markets = {},
                             .price = {},
                             .treasury = {}};
    const AccountNumber treasury = transaction_.state().accounts().find(treasury_account);
    facts.treasury = payable(transaction_.state(), treasury);
    if (intents.research) GUILD_CHECK(add(facts, intents.research->market));
    for (const economy::BetIntent& bet : intents.bets) GUILD_CHECK(add(facts, bet.market));
    if (!intents.wager) return facts;
    GUILD_TRY(facts.price, fresh_price(transaction_.file(), constants_, intents.wager->symbol,
                                       transaction_.now()));
    return facts;
  }

 private:
  Result<void> add(economy::TickFacts& facts, const Uuid& id) {
    if (facts.markets.contains(id)) return {};
    GUILD_TRY(const auto row, store::find_market(transaction_.file(), id));
    if (!row) return {};
    economy::MarketFacts market{.kind = row->market.kind,
                                .is_open = is_open(row->market),
                                .is_full = row->stakes >= economy::stakes_max,
                                .outcomes = {},
                                .answer_hash = row->answer_hash,
                                .bounty = row->market.bounty};
    for (const auto& outcome : row->market.outcomes) market.outcomes.push_back(outcome.value);
    facts.markets.emplace(id, std::move(market));
    return {};
  }

  bool is_open(const messages::Market& market) const {
    return market.status == messages::MarketStatus::OPEN && transaction_.now() < market.deadline;
  }

  Transaction& transaction_;
  const Constants& constants_;
};

/// Books and tells what was decided, in its order.
class Acting {
 public:
  Acting(Transaction& transaction, const Constants& constants, const BotRecord& bot,
         const std::string& tick_id)
      : transaction_(transaction),
        constants_(constants),
        bot_(bot),
        account_(bot_account(bot.handle)),
        tick_id_(tick_id) {}

  Result<void> run(const economy::TickDecision& decision) {
    for (const economy::Action& action : decision.actions)
      GUILD_CHECK(std::visit([this](const auto& what) { return act(what); }, action));
    return {};
  }

  messages::List<messages::TickEntry, 128> take_entries() { return std::move(entries_); }
  bool died() const { return died_; }
  std::int64_t wins() const { return wins_; }

 private:
  Result<void> book(const std::expected<Draft, Refusal>& draft) {
    if (!draft) return fail(error_of(draft.error()));
    GUILD_TRY(const Booked booked, transaction_.book(*draft));
    note(booked.posting);
    return {};
  }
  void note(const Posting& posting) {
    for (const Leg& leg : posting.legs)
      if (leg.account == bot_.account && entries_.size() < entries_told_max)
        entries_.push_back({leg.type, leg.amount, leg.reference, posting.seq});
  }
  Result<void> tell(PostKind kind, const std::string& text) {
    return store::insert_post(transaction_.file(), transaction_.now(), kind, bot_.handle, text);
  }

  Result<void> pay_treasury(Money amount, EntryType type, const std::string& reference) {
    if (amount.is_zero())
      return book(draft_record(transaction_.new_id(), account_, type, reference));
    return book(
        draft_transfer(transaction_.new_id(), account_, treasury_account, amount, reference, type));
  }

  Result<void> act(const economy::Heartbeat& heartbeat) {
    return pay_treasury(heartbeat.fee, heartbeat.type, heartbeat.reference);
  }
  Result<void> act(const economy::PayLookup& lookup) {
    return pay_treasury(lookup.fee, EntryType::RESEARCH_LOOKUP_FEE, lookup.reference);
  }

  /// Open holds are voided first, so that exactly the balance is left to be taken.
  Result<void> act(const economy::Liquidate& liquidate) {
    GUILD_TRY(const auto voided, void_holds_of(transaction_, bot_.account, liquidate.reference));
    for (const Booked& hold : voided) note(hold.posting);
    const Money all = transaction_.state().accounts().at(bot_.account).state.balance;
    GUILD_CHECK(pay_treasury(all, EntryType::LIQUIDATION, liquidate.reference));
    GUILD_CHECK(end_life(transaction_, bot_.handle));
    died_ = true;
    return tell(PostKind::DEATH,
                fmt::format("{} could not pay its fee and is dead; {} went to the treasury",
                            bot_.handle, all.text()));
  }

  Result<void> act(const economy::Answer& answer) {
    GUILD_TRY(const auto booked,
              book_answer(transaction_, {.name = transaction_.new_id().text(),
                                         .bot = bot_.handle,
                                         .market = answer.market,
                                         .is_right = answer.is_right,
                                         .stake = answer.stake,
                                         .reference = answer.reference,
                                         .win_reference = answer.win_reference}));
    for (const Booked& one : booked) note(one.posting);
    if (answer.is_right) ++wins_;
    messages::OwnAction done = own(messages::OwnMove::ANSWER, answer.stake);
    done.market = answer.market;
    done.outcome = answer.is_right ? "WIN" : "MISS";
    return keep(std::move(done));
  }

  Result<void> act(const economy::Bet& bet) {
    GUILD_TRY(const auto row, store::find_market(transaction_.file(), bet.market));
    if (!row)
      return fail(ErrorKind::failed, "market_unknown", "a market went away while it was bet on",
                  "run `guild ledger verify`");
    GUILD_CHECK(ready_escrow(transaction_, market_account(bet.market), row->market.staked));
    GUILD_CHECK(book(draft_transfer(transaction_.new_id(), account_, market_account(bet.market),
                                    bet.stake, bet.reference, EntryType::MARKET_STAKE)));
    GUILD_CHECK(
        store::add_stake(transaction_.file(), row->market.number,
                         {.bot = bot_.handle, .outcome = bet.outcome, .amount = bet.stake}));
    messages::OwnAction done = own(messages::OwnMove::BET, bet.stake);
    done.market = bet.market;
    done.outcome = bet.outcome;
    GUILD_CHECK(keep(std::move(done)));
    const std::string about =
        row->market.symbol ? "the price of " + row->market.symbol.value_or(messages::Symbol()).value
                           : row->market.question.value;
    return tell(PostKind::WAGER, fmt::format("{} bets {} on {}: {}", bot_.handle, bet.stake.text(),
                                             bet.outcome, about));
  }

  Result<void> act(const economy::PlaceWager& wager) {
    GUILD_TRY(const Booked booked, place_wager(transaction_, constants_,
                                               {.id = tick_id_,
                                                .name = transaction_.new_id().text(),
                                                .bot = bot_.handle,
                                                .symbol = wager.symbol,
                                                .direction = wager.direction,
                                                .stake = wager.stake,
                                                .price = wager.price,
                                                .fee = wager.fee,
                                                .reference = wager.reference}));
    note(booked.posting);
    messages::OwnAction done = own(messages::OwnMove::PREDICT, wager.stake);
    done.symbol = wager.symbol;
    done.direction = wager.direction == economy::Direction::up ? messages::ArenaDirection::UP
                                                               : messages::ArenaDirection::DOWN;
    return keep(std::move(done));
  }

  messages::OwnAction own(messages::OwnMove move, Money stake) const {
    messages::OwnAction action;
    action.tick_id = tick_id_;
    action.time = transaction_.now();
    action.action = move;
    action.wager = stake;
    return action;
  }
  /// For the bot to be shown what it did.
  Result<void> keep(messages::OwnAction action) {
    return store::insert_action(transaction_.file(), {bot_.handle, std::move(action)});
  }

  Transaction& transaction_;
  const Constants& constants_;
  const BotRecord& bot_;
  const std::string account_;
  const std::string& tick_id_;
  messages::List<messages::TickEntry, 128> entries_;
  bool died_ = false;
  std::int64_t wins_ = 0;
};

bool is_enforced(const Constants& constants) { return constants.mode == economy::Mode::enforce; }

void count(store::TickTotals& totals, const Constants& constants,
           const economy::TickDecision& decision) {
  ++totals.ticks;
  totals.idle += decision.is_idle ? 1 : 0;
  totals.streak = decision.is_idle ? totals.streak + 1 : 0;
  totals.tools += decision.tools;
  totals.would_liquidate += decision.would_liquidate ? 1 : 0;
  if (is_enforced(constants)) return;
  ++totals.observed;
  // A sum that no longer fits stays where it is: it only tells of an average.
  totals.phantom_fees = totals.phantom_fees.plus(decision.fee).value_or(totals.phantom_fees);
}

messages::TickReport report_of(const Transaction& transaction, const BotRecord& bot, Acting& acting,
                               const economy::TickDecision& decision) {
  messages::TickReport report;
  report.status = acting.died() ? BotStatus::DEAD : BotStatus::ALIVE;
  report.balance = transaction.state().accounts().at(bot.account).state.balance;
  report.entries = acting.take_entries();
  for (const economy::Dropped& dropped : decision.dropped)
    report.dropped.push_back({dropped.intent, dropped.reason});
  return report;
}

Result<std::optional<Ticked>> ticked_before(Transaction& transaction,
                                            const messages::RunTick& request) {
  GUILD_TRY(const auto answer,
            store::tick_answer(transaction.file(), request.bot.view(), request.tick_id.view()));
  if (!answer) return std::optional<Ticked>{};
  GUILD_TRY(auto report, messages::decode<messages::TickReport>(*answer));
  return std::optional(
      Ticked{.report = std::move(report), .repeated = true, .died = false, .solved = false});
}

}  // namespace

Result<Ticked> run_tick(Transaction& transaction, const Constants& constants,
                        const messages::RunTick& request, const economy::Intents& intents) {
  GUILD_CHECK(economy::check_tick_id(request.tick_id.view()));
  GUILD_TRY(auto before, ticked_before(transaction, request));
  if (before) return *std::move(before);
  GUILD_TRY(const BotRecord bot, live_bot(transaction.file(), request.bot.view()));
  GUILD_TRY(store::TickTotals totals, store::tick_totals(transaction.file(), bot.handle));
  const std::int64_t streak = totals.streak;
  GUILD_TRY(const economy::TickFacts facts,
            Gathering(transaction, constants).facts(bot, request.tick_id.value, streak, intents));
  const economy::TickDecision decision = economy::decide(constants, facts, intents);
  Acting acting(transaction, constants, bot, request.tick_id.value);
  GUILD_CHECK(acting.run(decision));
  if (intents.error)
    GUILD_CHECK(
        store::insert_post(transaction.file(), transaction.now(), PostKind::ERROR, bot.handle,
                           fmt::format("{} failed to decide: {}", bot.handle, *intents.error)));
  count(totals, constants, decision);
  totals.wins += acting.wins();
  GUILD_CHECK(store::save_tick_totals(transaction.file(), bot.handle, totals));
  Ticked ticked{
      .report = {}, .repeated = false, .died = acting.died(), .solved = acting.wins() > 0};
  ticked.report = report_of(transaction, bot, acting, decision);
  GUILD_CHECK(store::insert_tick(transaction.file(), {.bot = bot.handle,
                                                      .tick_id = request.tick_id.value,
                                                      .time = transaction.now(),
                                                      .enforced = is_enforced(constants),
                                                      .fee = decision.fee,
                                                      .streak = streak,
                                                      .idle = decision.is_idle,
                                                      .would_liquidate = decision.would_liquidate,
                                                      .error = intents.error,
                                                      .answer = messages::encode(ticked.report)}));
  return ticked;
}

namespace {

struct Rate {
  Money in, out;  ///< Per million tokens.
};

Result<Rate> rate_of(const Constants& constants, std::string_view model) {
  for (const auto& line : constants.models) {
    std::istringstream words(line.value);
    std::string name, in, out;
    words >> name >> in >> out;
    if (name != model) continue;
    GUILD_TRY(const Money rate_in, Money::parse(in));
    GUILD_TRY(const Money rate_out, Money::parse(out));
    return Rate{rate_in, rate_out};
  }
  return fail(ErrorKind::not_found, "model_unknown",
              fmt::format("there is no rate for the model {}", quoted(model)),
              "add one to [economy] models");
}

/// Rounded down; nothing when it is more than an amount can hold.
std::optional<Money> cost_of(const Rate& rate, std::int64_t in, std::int64_t out) {
  const Int128 units = (Int128{rate.in.units()} * in + Int128{rate.out.units()} * out) / 1'000'000;
  if (units > std::numeric_limits<std::int64_t>::max()) return {};
  return Money::of_units(static_cast<std::int64_t>(units));
}

/// A call may have so many tokens, and a tick so many of them in all.
constexpr std::int64_t tokens_max = 1'000'000'000'000;

}  // namespace

Result<messages::Metered> meter_call(Transaction& transaction, const Constants& constants,
                                     const messages::MeterCall& request) {
  GUILD_CHECK(economy::check_tick_id(request.tick_id.view()));
  if (request.tokens_in < 0 || request.tokens_out < 0)
    return fail(ErrorKind::invalid, "tokens_negative", "tokens are counted from zero",
                "send what the call used");
  GUILD_TRY(const BotRecord bot, bot_of(transaction.file(), request.bot.view()));
  GUILD_TRY(const Rate rate, rate_of(constants, request.model.view()));
  GUILD_TRY(store::MeterTotal total,
            store::meter_of(transaction.file(), bot.handle, request.tick_id.view()));
  const bool fits = request.tokens_in <= tokens_max - total.tokens_in &&
                    request.tokens_out <= tokens_max - total.tokens_out;
  const auto cost =
      fits ? cost_of(rate, request.tokens_in, request.tokens_out) : std::optional<Money>{};
  const auto sum = cost ? total.cost.plus(*cost) : Result<Money>(std::unexpected(Error{}));
  if (!sum)
    return fail(ErrorKind::exhausted, "meter_full", "the tick's calls come to more than is counted",
                "meter them under another tick_id");
  total = {.calls = total.calls + 1,
           .tokens_in = total.tokens_in + request.tokens_in,
           .tokens_out = total.tokens_out + request.tokens_out,
           .cost = *sum};
  GUILD_CHECK(store::save_meter(transaction.file(), bot.handle, request.tick_id.view(), total));
  return messages::Metered{.on = true, .cost = cost.value_or(Money()), .of_tick = total.cost};
}

Result<messages::Insights> read_insights(storage::Connection& file, std::string_view bot) {
  GUILD_CHECK(bot_of(file, bot));
  GUILD_TRY(const store::TickTotals totals, store::tick_totals(file, bot));
  messages::Insights insights;
  insights.ticks = totals.ticks;
  insights.would_have_been_liquidated = totals.would_liquidate;
  if (totals.ticks > 0)
    insights.idle_rate = Money::of_units(
        static_cast<std::int64_t>(Int128{totals.idle} * Money::units_per_one / totals.ticks));
  if (totals.observed > 0)
    insights.average_phantom_fee = Money::of_units(totals.phantom_fees.units() / totals.observed);
  GUILD_TRY(auto recent, store::recent_ticks(file, bot, 20));
  insights.recent.assign(std::make_move_iterator(recent.begin()),
                         std::make_move_iterator(recent.end()));
  return insights;
}

Result<messages::Viability> read_viability(storage::Connection& file) {
  GUILD_TRY(const messages::Viability all, store::count_all(file));
  return economy::viability_of(all.bots, all.alive, all.ticks, all.wins, all.phantom, all.tools);
}

}  // namespace guild::ledgerd
