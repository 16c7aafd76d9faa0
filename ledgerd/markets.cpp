#include "ledgerd/markets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/bytes.hpp"
#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "ledgerd/escrow.hpp"
#include "ledgerd/settling.hpp"
#include "ledgerd/store_arena.hpp"

namespace guild::ledgerd {
namespace {

using economy::Constants;
using messages::EntryType;
using messages::MarketKind;
using messages::MarketStatus;
using messages::PostKind;

constexpr Duration prices_kept = std::chrono::hours(24 * 7);

Result<Booked> book(Transaction& transaction, const std::expected<Draft, Refusal>& draft) {
  if (!draft) return fail(error_of(draft.error()));
  return transaction.book(*draft);
}

Money negative(Money amount) { return Money::of_units(-amount.units()); }

Digest content_of(const messages::OpenMarket& request) {
  messages::OpenMarket content = request;
  content.credential.reset();
  const std::string json = messages::encode(content);
  return sha256(as_bytes(json));
}

Result<void> check_room(storage::Connection& file, const Constants& constants) {
  GUILD_TRY(const std::int64_t open, store::count_open_markets(file));
  if (open < constants.markets_open_max) return {};
  return fail(ErrorKind::exhausted, "markets_full",
              fmt::format("{} markets are open, which is all there may be", open),
              "wait until some end, or raise [economy] markets_open_max");
}

Result<store::MarketRow> make_market(Transaction& transaction, const Constants& constants,
                                     const messages::OpenMarket& request) {
  store::MarketRow row;
  messages::Market& market = row.market;
  market.market = request.market;
  market.kind = request.kind;
  market.question = request.question;
  market.outcomes = request.outcomes;
  market.symbol = request.symbol;
  market.opened_at = transaction.now();
  market.deadline = transaction.now() + request.deadline.value_or(constants.default_deadline);
  row.content = content_of(request);
  if (request.kind == MarketKind::research) {
    market.bounty = request.bounty.value_or(constants.default_bounty);
    row.answer_hash = economy::hash_of_answer(request.answer.value_or(Text<1'000>()).view());
  }
  if (request.kind != MarketKind::price) return row;
  market.outcomes = {std::string(economy::up_outcome), std::string(economy::down_outcome)};
  GUILD_TRY(market.open_price,
            fresh_price(transaction.file(), constants, symbol_of(market), transaction.now()));
  if (market.open_price) return row;
  return fail(ErrorKind::conflict, "price_stale",
              fmt::format("there is no fresh price of {}", symbol_of(market)),
              "post one: `guild oracle post SYMBOL PRICE`");
}

/// Opens the escrow; a bounty goes there from the treasury.
Draft draft_opening(const Uuid& id, const messages::Market& market) {
  const std::string escrow = market_account(market.market);
  const std::string reference = market_reference(market.market);
  Draft draft{.id = id, .legs = {}, .facts = {}, .opens = {escrow}};
  if (market.bounty.is_positive())
    draft.legs.push_back({std::string(treasury_account), negative(market.bounty),
                          EntryType::MARKET_STAKE, reference});
  draft.legs.push_back({escrow, market.bounty, EntryType::MARKET_STAKE, reference});
  return draft;
}

}  // namespace

Result<store::MarketRow> market_of(storage::Connection& file, const Uuid& id) {
  GUILD_TRY(auto found, store::find_market(file, id));
  if (found) return *std::move(found);
  return fail(ErrorKind::not_found, "market_unknown",
              fmt::format("there is no market {}", id.text()),
              "see which there are: `guild market list`");
}

std::string symbol_of(const messages::Market& market) {
  return market.symbol.value_or(messages::Symbol()).value;
}

Result<void> tell(Transaction& transaction, messages::PostKind kind, std::string_view bot,
                  std::string_view text) {
  return store::insert_post(transaction.file(), transaction.now(), kind, bot, text);
}

Result<void> note_loss(Transaction& transaction, std::string_view bot, std::string_view reason) {
  return store::save_loss(transaction.file(), bot, transaction.now(), economy::post_text(reason));
}

Money payable(const Book& book, AccountNumber account) {
  const AccountState& state = book.accounts().at(account).state;
  return Money::of_units(state.available().units() - state.floor.units());
}

std::unexpected<Error> funds_short(std::string_view account, Money available) {
  return fail(error_of(Refusal{.error = TransferError::funds_short,
                               .account = std::string(account),
                               .available = available}));
}

std::unexpected<Error> bot_unknown(std::string_view handle) {
  return fail(ErrorKind::not_found, "bot_unknown",
              fmt::format("there is no bot {}", quoted(handle)),
              "see which there are: `guild bot list`");
}

Result<BotRecord> bot_of(storage::Connection& file, std::string_view handle) {
  GUILD_TRY(auto bot, store::find_bot(file, handle));
  if (!bot) return bot_unknown(handle);
  return *std::move(bot);
}

Result<BotRecord> live_bot(storage::Connection& file, std::string_view handle) {
  GUILD_TRY(BotRecord bot, bot_of(file, handle));
  if (bot.status == BotStatus::ALIVE) return bot;
  return fail(ErrorKind::conflict, "bot_dead", fmt::format("bot {} is DEAD", handle),
              "an operator can revive it: `guild bot revive HANDLE AMOUNT`");
}

Result<messages::MarketOpened> open_market(Transaction& transaction, const Constants& constants,
                                           const messages::OpenMarket& request) {
  GUILD_CHECK(economy::check_market(request, constants));
  GUILD_TRY(const auto earlier, store::find_market(transaction.file(), request.market));
  if (earlier && earlier->content != content_of(request))
    return fail(error_of(Refusal{.error = TransferError::id_reused}));
  if (earlier) return messages::MarketOpened{request.market, earlier->market.deadline};
  GUILD_CHECK(check_room(transaction.file(), constants));
  GUILD_TRY(const store::MarketRow row, make_market(transaction, constants, request));
  GUILD_CHECK(transaction.book(draft_opening(transaction.new_id(), row.market)));
  GUILD_CHECK(store::insert_market(transaction.file(), row));
  return messages::MarketOpened{request.market, row.market.deadline};
}

namespace {

/// Who was right gets stake and bounty; the market ends, and nobody else can.
Result<Booked> pay_winner(Transaction& transaction, const MarketAnswer& answer,
                          messages::Market market) {
  const Money prize = Money::of_units(market.bounty.units() + answer.stake.units());
  GUILD_CHECK(ready_escrow(transaction, market_account(market.market), prize));
  GUILD_TRY(
      Booked paid,
      book(transaction, draft_transfer(Uuid::of_name(answer.name + "/win"),
                                       market_account(market.market), bot_account(answer.bot),
                                       prize, answer.win_reference, EntryType::RESEARCH_PAYOUT)));
  GUILD_CHECK(close_escrow(transaction, market.market));
  market.status = MarketStatus::RESOLVED;
  market.ended_at = transaction.now();
  market.winner = answer.bot;
  GUILD_CHECK(store::end_market(transaction.file(), market));
  GUILD_CHECK(tell(
      transaction, PostKind::RESULT, answer.bot,
      fmt::format("{} solves and wins {}: {}", answer.bot, prize.text(), market.question.value)));
  return paid;
}

}  // namespace

Result<std::vector<Booked>> book_answer(Transaction& transaction, const MarketAnswer& answer) {
  GUILD_TRY(const store::MarketRow row, market_of(transaction.file(), answer.market));
  const std::string escrow = market_account(answer.market);
  // A lost stake goes to the treasury at once: nothing is left to be decided of it.
  const std::string to = answer.is_right ? escrow : std::string(treasury_account);
  std::vector<Booked> all;
  GUILD_TRY(all.emplace_back(),
            book(transaction,
                 draft_transfer(Uuid::of_name(answer.name + "/stake"), bot_account(answer.bot), to,
                                answer.stake, answer.reference, EntryType::MARKET_STAKE)));
  if (answer.is_right) {
    GUILD_TRY(all.emplace_back(), pay_winner(transaction, answer, row.market));
    return all;
  }
  GUILD_CHECK(tell(transaction, PostKind::RESULT, answer.bot,
                   fmt::format("{} misses and loses {}: {}", answer.bot, answer.stake.text(),
                               row.market.question.value)));
  GUILD_CHECK(note_loss(transaction, answer.bot,
                        fmt::format("lost {} by a wrong answer: {}", answer.stake.text(),
                                    row.market.question.value)));
  return all;
}

namespace {

std::string answer_reference(const messages::AnswerMarket& request, std::string_view what) {
  return fmt::format("ANSWER:{}:{}", request.id.text(), what);
}

/// What this id was answered, if it was; the stake is its record.
Result<std::optional<messages::AnswerOutcome>> answered_before(
    Transaction& transaction, const messages::AnswerMarket& request, const std::string& name,
    Money stake, bool is_right) {
  GUILD_TRY(const std::int64_t booked, transaction.seq_of(Uuid::of_name(name + "/stake")));
  if (booked == 0) return std::optional<messages::AnswerOutcome>{};
  const std::string to = is_right ? market_account(request.market) : std::string(treasury_account);
  const auto again =
      draft_transfer(Uuid::of_name(name + "/stake"), bot_account(request.bot.view()), to, stake,
                     answer_reference(request, "RESEARCH"), EntryType::MARKET_STAKE);
  GUILD_CHECK(book(transaction, again));
  return std::optional(is_right ? messages::AnswerOutcome::WIN : messages::AnswerOutcome::MISS);
}

}  // namespace

Result<messages::AnswerReport> answer_market(Transaction& transaction, const Constants& constants,
                                             const messages::AnswerMarket& request) {
  GUILD_TRY(const store::MarketRow row, market_of(transaction.file(), request.market));
  if (row.market.kind != MarketKind::research)
    return fail(ErrorKind::invalid, "market_unfit", "only research markets are answered",
                "bet on the others in a tick");
  const std::string account = bot_account(request.bot.view());
  const std::string name = fmt::format("answer/{}/{}", request.id.text(), request.market.text());
  const bool is_right = economy::hash_of_answer(request.answer.view()) == row.answer_hash;
  GUILD_TRY(const auto before,
            answered_before(transaction, request, name, constants.research_stake, is_right));
  if (before) return messages::AnswerReport{*before, balance_of(transaction, account)};
  GUILD_TRY(const BotRecord bot, live_bot(transaction.file(), request.bot.view()));
  const bool is_open =
      row.market.status == MarketStatus::OPEN && transaction.now() < row.market.deadline;
  if (!is_open)
    return messages::AnswerReport{messages::AnswerOutcome::CLOSED,
                                  balance_of(transaction, account)};
  const Money available = payable(transaction.state(), bot.account);
  if (available < constants.research_stake) return funds_short(account, available);
  GUILD_CHECK(
      book_answer(transaction, {.name = name,
                                .bot = bot.handle,
                                .market = request.market,
                                .is_right = is_right,
                                .stake = constants.research_stake,
                                .reference = answer_reference(request, "RESEARCH"),
                                .win_reference = answer_reference(request, "RESEARCH_WIN")}));
  if (is_right) GUILD_CHECK(store::add_win(transaction.file(), bot.handle));
  return messages::AnswerReport{
      is_right ? messages::AnswerOutcome::WIN : messages::AnswerOutcome::MISS,
      balance_of(transaction, account)};
}

Result<messages::Market> resolve_market(Transaction& transaction,
                                        const messages::ResolveMarket& request) {
  GUILD_TRY(const store::MarketRow row, market_of(transaction.file(), request.market));
  const messages::Market& market = row.market;
  if (market.kind != MarketKind::judged)
    return fail(ErrorKind::invalid, "market_unfit", "only judged markets are resolved by hand",
                "a research market ends by its answer, a price market by the oracle");
  if (std::ranges::find(market.outcomes, request.outcome) == market.outcomes.end())
    return fail(ErrorKind::invalid, "market_unfit",
                fmt::format("{} is not an outcome of this market", quoted(request.outcome.view())),
                "see them: `guild market show MARKET`");
  if (market.status == MarketStatus::RESOLVED && market.outcome == request.outcome) return market;
  if (market.status != MarketStatus::OPEN)
    return fail(ErrorKind::conflict, "market_closed", "the market has ended",
                "see how: `guild market show MARKET`");
  return end_staked(transaction, market, request.outcome.value);
}

namespace {

Result<void> check_price_time(Transaction& transaction, std::string_view symbol, Instant time) {
  if (time > transaction.now())
    return fail(ErrorKind::invalid, "price_time", "the price is of a time to come",
                "give the time at which it was asked, or none");
  GUILD_TRY(const auto last, store::price_until(transaction.file(), symbol, transaction.now()));
  if (!last || last->time < time) return {};
  return fail(ErrorKind::conflict, "price_time",
              fmt::format("there is a price of {} already", to_rfc3339(last->time)),
              "prices are posted in the order of their times");
}

}  // namespace

Result<PriceTaken> post_price(Transaction& transaction, const messages::PostPrice& request) {
  GUILD_CHECK(economy::check_symbol(request.symbol.view()));
  if (!request.price.is_positive())
    return fail(ErrorKind::invalid, "price_not_positive", "the price is not above zero",
                "give a decimal above zero");
  const Instant time = request.time.value_or(transaction.now());
  GUILD_CHECK(check_price_time(transaction, request.symbol.view(), time));
  GUILD_CHECK(
      store::insert_price(transaction.file(), request.symbol.view(), {time, request.price}));
  GUILD_CHECK(store::forget_prices(transaction.file(), request.symbol.view(), time - prices_kept));
  GUILD_CHECK(store::wake_wagers(transaction.file(), request.symbol.view(), time));
  GUILD_TRY(Settled settled, settle_wagers(transaction));
  return PriceTaken{.posted = {request.symbol, request.price, time, settled.ended},
                    .refused = std::move(settled.refused)};
}

std::string observation_reference(const Uuid& observation) {
  return std::string(observation_prefix) + observation.text();
}

namespace {

/// The treasury's side of a wager, so that a win is paid whatever the treasury has by then.
Result<void> cover_wager(Transaction& transaction, const WagerOrder& order) {
  const std::string escrow(wagers_account);
  GUILD_CHECK(ready_escrow(transaction, escrow, {}));
  auto draft = draft_transfer(Uuid::of_name(order.name + "/cover"), treasury_account, escrow,
                              order.stake, order.reference, EntryType::MARKET_STAKE);
  if (draft && transaction.state().accounts().find(escrow) == 0) draft->opens = {escrow};
  GUILD_CHECK(book(transaction, draft));
  return {};
}

/// The stake to escrow, and the fee that it carries to the treasury.
Draft draft_wager(const WagerOrder& order) {
  const Money paid = Money::of_units(-order.fee.units() - order.stake.units());
  Draft draft{.id = Uuid::of_name(order.name + "/wager"), .legs = {}};
  draft.legs.push_back({bot_account(order.bot), paid, EntryType::WAGER, order.reference});
  draft.legs.push_back(
      {std::string(wagers_account), order.stake, EntryType::WAGER, order.reference});
  if (order.fee.is_positive())
    draft.legs.push_back(
        {std::string(treasury_account), order.fee, EntryType::WAGER, order.reference});
  return draft;
}

}  // namespace

Result<Booked> place_wager(Transaction& transaction, const Constants& constants,
                           const WagerOrder& order) {
  GUILD_CHECK(cover_wager(transaction, order));
  GUILD_TRY(Booked booked, transaction.book(draft_wager(order)));
  const Instant due = transaction.now() + constants.wager_horizon;
  GUILD_CHECK(store::insert_wager(transaction.file(),
                                  {.number = 0,
                                   .bot = order.bot,
                                   .id = order.id,
                                   .symbol = order.symbol,
                                   .direction = order.direction,
                                   .stake = order.stake,
                                   .open_price = order.price,
                                   .due_at = due,
                                   .refund_at = due + economy::stale_after(constants)}));
  GUILD_CHECK(
      tell(transaction, PostKind::WAGER, order.bot,
           fmt::format("{} wagers {} on {} {} from {}", order.bot, order.stake.text(), order.symbol,
                       economy::outcome_of(order.direction), order.price.text())));
  return booked;
}

Result<std::optional<Money>> fresh_price(storage::Connection& file, const Constants& constants,
                                         std::string_view symbol, Instant now) {
  GUILD_TRY(const auto last, store::price_until(file, symbol, now));
  if (!last || now - last->time > economy::stale_after(constants)) return std::optional<Money>{};
  return std::optional(last->price);
}

}  // namespace guild::ledgerd
