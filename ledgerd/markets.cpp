#include "ledgerd/markets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/bytes.hpp"
#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "ledgerd/store_arena.hpp"

namespace guild::ledgerd {
namespace {

using economy::Constants;
using messages::EntryType;
using messages::MarketKind;
using messages::MarketStatus;
using messages::PostKind;

/// Legs of one payment, beside those of escrow and treasury.
constexpr std::size_t shares_at_once = 200;
constexpr Duration prices_kept = std::chrono::hours(24 * 7);

Money negative(Money amount) { return Money::of_units(-amount.units()); }

Uuid id_of(const Uuid& market, std::string_view what) {
  return Uuid::of_name(fmt::format("market/{}/{}", market.text(), what));
}

Result<Booked> book(Transaction& transaction, const std::expected<Draft, Refusal>& draft) {
  if (!draft) return fail(error_of(draft.error()));
  return transaction.book(*draft);
}

std::unexpected<Error> market_unknown(const Uuid& market) {
  return fail(ErrorKind::not_found, "market_unknown",
              fmt::format("there is no market {}", market.text()),
              "see which there are: `guild market list`");
}

Result<store::MarketRow> market_of(storage::Connection& file, const Uuid& id) {
  GUILD_TRY(auto found, store::find_market(file, id));
  if (!found) return market_unknown(id);
  return *std::move(found);
}

bool is_closed(const Transaction& transaction, std::string_view account) {
  const AccountNumber number = transaction.state().accounts().find(account);
  return number == 0 || transaction.state().accounts().at(number).state.is_closed;
}

Money balance_of(const Transaction& transaction, std::string_view account) {
  const AccountNumber number = transaction.state().accounts().find(account);
  return number == 0 ? Money{} : transaction.state().accounts().at(number).state.balance;
}

/// One posting that pays out of an escrow account; the legs of the living and of the treasury.
class Payment {
 public:
  Payment(std::string escrow, EntryType type, std::string reference)
      : escrow_(std::move(escrow)), type_(type), reference_(std::move(reference)) {}

  void add(const Transaction& transaction, const economy::Share& share) {
    const std::string account = bot_account(share.bot);
    if (is_closed(transaction, account)) return add_to_treasury(share.amount);
    units_ += share.amount.units();
    legs_.push_back({account, share.amount, type_, reference_});
  }
  void add_to_treasury(Money amount) {
    units_ += amount.units();
    to_treasury_ += amount.units();
  }
  bool is_full() const { return legs_.size() >= shares_at_once; }

  /// Books it, when it pays anything.
  Result<void> book(Transaction& transaction, const Uuid& id) {
    if (units_ == 0) return {};
    GUILD_CHECK(ready_escrow(transaction, escrow_, Money::of_units(units_)));
    Draft draft{.id = id, .legs = {}};
    draft.legs.push_back({escrow_, Money::of_units(-units_), type_, reference_});
    draft.legs.insert(draft.legs.end(), legs_.begin(), legs_.end());
    if (to_treasury_ != 0)
      draft.legs.push_back(
          {std::string(treasury_account), Money::of_units(to_treasury_), type_, reference_});
    GUILD_CHECK(transaction.book(draft));
    legs_.clear();
    units_ = to_treasury_ = 0;
    return {};
  }

 private:
  std::string escrow_;
  EntryType type_;
  std::string reference_;
  std::vector<DraftLeg> legs_;
  std::int64_t units_ = 0, to_treasury_ = 0;
};

std::string reference_of(const Uuid& market) { return "MARKET:" + market.text(); }

/// What somebody else put there is the treasury's; closed by hand it may be already.
Result<void> close_escrow(Transaction& transaction, const Uuid& market) {
  const std::string escrow = market_account(market);
  if (is_closed(transaction, escrow)) return {};
  GUILD_CHECK(ready_escrow(transaction, escrow, {}));
  if (const Money rest = balance_of(transaction, escrow); rest.is_positive())
    GUILD_CHECK(book(transaction, draft_transfer(id_of(market, "rest"), escrow, treasury_account,
                                                 rest, reference_of(market))));
  GUILD_CHECK(transaction.book(draft_record(id_of(market, "close"), market_account(market),
                                            EntryType::CLOSED, reference_of(market))));
  return {};
}

Result<void> tell(Transaction& transaction, PostKind kind, std::string_view bot,
                  std::string_view text) {
  return store::insert_post(transaction.file(), transaction.now(), kind, bot, text);
}

/// What a bot is told when it asks why it lost last.
Result<void> note_loss(Transaction& transaction, std::string_view bot, std::string_view reason) {
  return store::save_loss(transaction.file(), bot, transaction.now(), economy::post_text(reason));
}

/// Pays what the settlement says out of the market's escrow.
Result<void> pay(Transaction& transaction, const messages::Market& market,
                 const economy::Settlement& settlement) {
  const EntryType type = settlement.is_refund ? EntryType::MARKET_REFUND : EntryType::MARKET_PAYOUT;
  Payment payment(market_account(market.market), type, reference_of(market.market));
  int part = 0;
  for (const economy::Share& share : settlement.shares) {
    payment.add(transaction, share);
    if (payment.is_full())
      GUILD_CHECK(payment.book(transaction, id_of(market.market, fmt::format("pay/{}", part++))));
  }
  payment.add_to_treasury(settlement.remainder);
  return payment.book(transaction, id_of(market.market, fmt::format("pay/{}", part)));
}

/// Empty when it has none.
std::string symbol_of(const messages::Market& market) {
  return market.symbol.value_or(messages::Symbol()).value;
}
std::string outcome_of(const messages::Market& market) {
  return market.outcome.value_or(Text<64>()).value;
}

/// A market asks for its question, a price market for where its symbol goes.
std::string subject_of(const messages::Market& market) {
  if (market.kind == MarketKind::price) return "the price of " + symbol_of(market);
  return market.question.value;
}

Result<void> tell_results(Transaction& transaction, const messages::Market& market,
                          const economy::Settlement& settlement,
                          std::span<const economy::Stake> stakes) {
  for (const economy::Share& share : settlement.shares) {
    const std::string text =
        settlement.is_refund
            ? fmt::format("{} gets {} back: {}", share.bot, share.amount.text(), subject_of(market))
            : fmt::format("{} wins {} on {}: {}", share.bot, share.amount.text(),
                          outcome_of(market), subject_of(market));
    GUILD_CHECK(tell(transaction, PostKind::RESULT, share.bot, text));
    if (!settlement.is_refund) GUILD_CHECK(store::add_win(transaction.file(), share.bot));
  }
  if (settlement.is_refund) return {};
  for (const economy::Stake& stake : stakes) {
    if (stake.outcome == outcome_of(market)) continue;
    GUILD_CHECK(tell(transaction, PostKind::RESULT, stake.bot,
                     fmt::format("{} loses {} on {}: {}", stake.bot, stake.amount.text(),
                                 stake.outcome, subject_of(market))));
    GUILD_CHECK(note_loss(transaction, stake.bot,
                          fmt::format("lost {} on {}, it was {}: {}", stake.amount.text(),
                                      stake.outcome, outcome_of(market), subject_of(market))));
  }
  return {};
}

/// Ends a market of stakes: pays, tells, closes its escrow.
Result<messages::Market> end_staked(Transaction& transaction, messages::Market market,
                                    std::optional<std::string> outcome,
                                    std::optional<Money> close_price = {}) {
  GUILD_TRY(const auto stakes, store::stakes_of(transaction.file(), market.number));
  const economy::Settlement settlement = economy::settle(stakes, outcome);
  market.status = outcome ? MarketStatus::RESOLVED : MarketStatus::REFUNDED;
  market.close_price = close_price;
  market.ended_at = transaction.now();
  if (outcome) market.outcome = *std::move(outcome);
  GUILD_CHECK(pay(transaction, market, settlement));
  GUILD_CHECK(tell_results(transaction, market, settlement, stakes));
  GUILD_CHECK(close_escrow(transaction, market.market));
  GUILD_CHECK(store::end_market(transaction.file(), market));
  return market;
}

/// Nobody answered in time: the bounty goes back.
Result<void> end_research(Transaction& transaction, messages::Market market) {
  Payment payment(market_account(market.market), EntryType::MARKET_REFUND,
                  reference_of(market.market));
  payment.add_to_treasury(market.bounty);
  GUILD_CHECK(payment.book(transaction, id_of(market.market, "refund")));
  GUILD_CHECK(close_escrow(transaction, market.market));
  market.status = MarketStatus::REFUNDED;
  market.ended_at = transaction.now();
  return store::end_market(transaction.file(), market);
}

/// At its deadline, by the last price that was fresh then.
Result<void> end_price(Transaction& transaction, const Constants& constants,
                       const messages::Market& market) {
  GUILD_TRY(const auto last,
            store::price_until(transaction.file(), symbol_of(market), market.deadline));
  std::optional<std::string> outcome;
  std::optional<Money> close_price;
  if (last && last->time >= market.opened_at &&
      market.deadline - last->time <= economy::stale_after(constants)) {
    close_price = last->price;
    if (const auto direction = economy::moved(market.open_price.value_or(Money()), last->price))
      outcome = economy::outcome_of(*direction);
  }
  GUILD_CHECK(end_staked(transaction, market, std::move(outcome), close_price));
  return {};
}

Result<void> end_at_deadline(Transaction& transaction, const Constants& constants, const Uuid& id) {
  GUILD_TRY(const store::MarketRow row, market_of(transaction.file(), id));
  switch (row.market.kind) {
    case MarketKind::research:
      return end_research(transaction, row.market);
    case MarketKind::judged:
      GUILD_CHECK(end_staked(transaction, row.market, {}));
      return {};
    case MarketKind::price:
      return end_price(transaction, constants, row.market);
  }
  return {};
}

// ---- wagers

enum class WagerEnd { won, lost, refunded };

constexpr std::string_view observation_prefix = "OBS:";

std::string wager_reference(const store::WagerRow& wager) {
  if (wager.id.starts_with(observation_prefix)) return wager.id;
  return fmt::format("TICK:{}:WAGER", wager.id);
}

Result<void> pay_wager(Transaction& transaction, const store::WagerRow& wager, WagerEnd end) {
  const bool is_refund = end == WagerEnd::refunded;
  Payment payment(std::string(wagers_account),
                  is_refund ? EntryType::MARKET_REFUND : EntryType::MARKET_PAYOUT,
                  wager_reference(wager));
  const Money both = Money::of_units(2 * wager.stake.units());
  if (end == WagerEnd::won) payment.add(transaction, {wager.bot, both});
  if (end == WagerEnd::lost) payment.add_to_treasury(both);
  if (is_refund) {
    payment.add(transaction, {wager.bot, wager.stake});
    payment.add_to_treasury(wager.stake);
  }
  return payment.book(transaction,
                      Uuid::of_name(fmt::format("wager/{}/{}/pay", wager.bot, wager.id)));
}

Result<void> tell_wager(Transaction& transaction, const store::WagerRow& wager, WagerEnd end) {
  const std::string_view how = economy::outcome_of(wager.direction);
  std::string text;
  if (end == WagerEnd::won)
    text = fmt::format("{} wins {} on {} {}", wager.bot,
                       Money::of_units(2 * wager.stake.units()).text(), wager.symbol, how);
  else if (end == WagerEnd::lost)
    text = fmt::format("{} loses {} on {} {}", wager.bot, wager.stake.text(), wager.symbol, how);
  else
    text =
        fmt::format("{} gets {} back on {} {}", wager.bot, wager.stake.text(), wager.symbol, how);
  return tell(transaction, PostKind::RESULT, wager.bot, text);
}

Result<void> note_lost_wager(Transaction& transaction, const store::WagerRow& wager,
                             Money close_price) {
  return store::save_loss(
      transaction.file(), wager.bot, transaction.now(),
      fmt::format("lost {} on {} {}: the price went from {} to {}", wager.stake.text(),
                  wager.symbol, economy::outcome_of(wager.direction), wager.open_price.text(),
                  close_price.text()));
}

Result<void> end_wager(Transaction& transaction, const store::WagerRow& wager,
                       std::optional<Money> close_price) {
  WagerEnd end = WagerEnd::refunded;
  if (close_price)
    if (const auto direction = economy::moved(wager.open_price, *close_price))
      end = *direction == wager.direction ? WagerEnd::won : WagerEnd::lost;
  constexpr std::string_view names[] = {"WON", "LOST", "REFUNDED"};
  GUILD_CHECK(pay_wager(transaction, wager, end));
  GUILD_CHECK(tell_wager(transaction, wager, end));
  if (end == WagerEnd::won) GUILD_CHECK(store::add_win(transaction.file(), wager.bot));
  if (end == WagerEnd::lost)
    GUILD_CHECK(note_lost_wager(transaction, wager, close_price.value_or(Money())));
  return store::end_wager(transaction.file(), wager.number, names[static_cast<std::size_t>(end)],
                          close_price);
}

/// By the first price from its horizon on; without one in time it is given back.
Result<bool> settle_wager(Transaction& transaction, const store::WagerRow& wager) {
  GUILD_TRY(const auto price, store::price_since(transaction.file(), wager.symbol, wager.due_at));
  const bool in_time = price && price->time <= wager.refund_at;
  if (!in_time && transaction.now() < wager.refund_at) {
    GUILD_CHECK(store::put_wager_off(transaction.file(), wager.number, wager.refund_at));
    return false;
  }
  GUILD_CHECK(end_wager(transaction, wager, in_time ? std::optional(price->price) : std::nullopt));
  return true;
}

Result<std::int64_t> settle_wagers(Transaction& transaction) {
  GUILD_TRY(const auto due,
            store::wagers_due(transaction.file(), transaction.now(), settled_at_once));
  std::int64_t settled = 0;
  for (const store::WagerRow& wager : due) {
    GUILD_TRY(const bool ended, settle_wager(transaction, wager));
    settled += ended ? 1 : 0;
  }
  return settled;
}

// ---- opening

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
Draft draft_opening(const messages::Market& market) {
  const std::string escrow = market_account(market.market);
  const std::string reference = reference_of(market.market);
  Draft draft{.id = id_of(market.market, "open"), .legs = {}, .facts = {}, .opens = {escrow}};
  if (market.bounty.is_positive())
    draft.legs.push_back({std::string(treasury_account), negative(market.bounty),
                          EntryType::MARKET_STAKE, reference});
  draft.legs.push_back({escrow, market.bounty, EntryType::MARKET_STAKE, reference});
  return draft;
}

}  // namespace

std::string market_account(const Uuid& market) { return "escrow/" + market.text(); }

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

Result<std::vector<Booked>> void_holds_of(Transaction& transaction, AccountNumber account,
                                          std::string_view reference) {
  std::vector<Booked> voided;
  if (transaction.state().accounts().at(account).state.open_holds == 0) return voided;
  std::vector<std::int64_t> seqs;
  for (const auto& [seq, hold] : transaction.state().holds().all())
    if (hold.debit == account) seqs.push_back(seq);
  for (const std::int64_t seq : seqs) {
    const auto hold = transaction.state().hold_to_end(seq);
    if (!hold) return fail(error_of(hold.error()));
    GUILD_TRY(voided.emplace_back(),
              transaction.book(
                  draft_hold_void(Uuid::of_name(fmt::format("void/{}", seq)), *hold, reference)));
  }
  return voided;
}

Result<void> ready_escrow(Transaction& transaction, const std::string& account, Money need) {
  const AccountNumber number = transaction.state().accounts().find(account);
  if (number == 0) return {};
  const auto id = [&](std::string_view what) {
    return Uuid::of_name(fmt::format("{}/{}/{}", account, what, transaction.state().head().seq));
  };
  const auto state = [&] { return transaction.state().accounts().at(number).state; };
  if (state().is_closed)
    GUILD_CHECK(
        transaction.book(draft_record(id("reopen"), account, EntryType::REOPENED, "MARKET")));
  GUILD_CHECK(void_holds_of(transaction, number, "MARKET"));
  if (state().floor.is_positive())
    GUILD_CHECK(transaction.book(draft_floor(id("floor"), account, {}, "MARKET")));
  if (state().balance >= need) return {};
  const Money missing = Money::of_units(need.units() - state().balance.units());
  GUILD_CHECK(book(transaction,
                   draft_transfer(id("missing"), treasury_account, account, missing, "MARKET")));
  return {};
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
  GUILD_CHECK(transaction.book(draft_opening(row.market)));
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

Result<messages::PricePosted> post_price(Transaction& transaction,
                                         const messages::PostPrice& request) {
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
  GUILD_TRY(const std::int64_t settled, settle_wagers(transaction));
  return messages::PricePosted{request.symbol, request.price, time, settled};
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

Result<std::int64_t> settle_due(Transaction& transaction, const Constants& constants) {
  GUILD_TRY(std::int64_t settled, settle_wagers(transaction));
  GUILD_TRY(const auto due,
            store::markets_due(transaction.file(), transaction.now(), settled_at_once));
  for (const Uuid& market : due) {
    GUILD_CHECK(end_at_deadline(transaction, constants, market));
    ++settled;
  }
  return settled;
}

}  // namespace guild::ledgerd
