// EconomyFile: a book with bots, markets and a clock that a test sets, on a real file.
#pragma once

#include <atomic>

#include "ledgerd/escrow.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/settling.hpp"
#include "ledgerd/ticks.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"

namespace guild::ledgerd {

class EconomyFile {
 public:
  explicit EconomyFile(economy::Mode mode = economy::Mode::enforce) {
    constants.mode = mode;
    open();
  }

  economy::Constants constants;
  LedgerFile file;

  RunningJournal& running() { return *running_; }
  Instant now() const { return {now_ns_}; }
  void pass(Duration time) { now_ns_ += time.count(); }
  void restart() {
    running_.reset();
    open();
  }

  template <class Made>
  Result<Made> ask(const std::function<Result<Made>(Transaction&)>& work) {
    Made made;
    const auto outcome = running_->journal().run([&](Transaction& transaction) -> Result<void> {
      GUILD_TRY(made, work(transaction));
      return {};
    });
    if (!outcome) return fail(outcome.error());
    return made;
  }

  Result<messages::TickReport> tick(std::string_view bot, std::string_view id,
                                    std::string_view json = "{}") {
    const auto intents = economy::read_intents(json);
    if (!intents) return fail(intents.error());
    const messages::RunTick request{std::string(bot), std::string(id), {std::string(json)}, {}};
    return ask<messages::TickReport>([&](Transaction& transaction) -> Result<messages::TickReport> {
      GUILD_TRY(Ticked ticked, run_tick(transaction, constants, request, *intents));
      return ticked.report;
    });
  }
  Result<messages::MarketOpened> open_market(messages::OpenMarket request) {
    if (request.market.is_nil()) request.market = Uuid::make();
    return ask<messages::MarketOpened>([&](Transaction& transaction) {
      return ledgerd::open_market(transaction, constants, request);
    });
  }
  Uuid research(std::string answer, std::string_view bounty = "25.00") {
    messages::OpenMarket request;
    request.question = "?";
    request.answer = std::move(answer);
    request.bounty = money(bounty);
    return must(open_market(request)).market;
  }
  Uuid judged() {
    messages::OpenMarket request;
    request.kind = messages::MarketKind::judged;
    request.question = "rain?";
    request.outcomes = {"YES", "NO"};
    return must(open_market(request)).market;
  }
  Result<messages::PricePosted> price(std::string_view symbol, std::string_view price) {
    const auto taken = ask<PriceTaken>([&](Transaction& transaction) {
      return post_price(transaction, {std::string(symbol), money(price), {}, {}});
    });
    if (!taken) return fail(taken.error());
    return taken->posted;
  }
  Settled settle_all() {
    return must(
        ask<Settled>([&](Transaction& transaction) { return settle_due(transaction, constants); }));
  }
  std::int64_t settle() {
    const Settled settled = settle_all();
    CHECK(settled.refused.empty());
    return settled.ended;
  }
  Result<messages::Market> resolve(const Uuid& market, std::string_view outcome) {
    return ask<messages::Market>([&](Transaction& transaction) {
      return resolve_market(transaction, {market, std::string(outcome), {}});
    });
  }
  Result<messages::AnswerReport> answer(std::string_view id, const Uuid& market,
                                        std::string_view bot, std::string_view text) {
    return ask<messages::AnswerReport>([&](Transaction& transaction) {
      return answer_market(transaction, constants,
                           {id_of(id), market, std::string(bot), std::string(text), {}});
    });
  }

  /// Of the book in memory, whatever was told at commits.
  Money balance(std::string_view account) {
    Money balance;
    must(running_->journal().run([&](Transaction& transaction) -> Result<void> {
      const auto& accounts = transaction.state().accounts();
      const AccountNumber number = accounts.find(account);
      if (number != 0) balance = accounts.at(number).state.balance;
      return {};
    }));
    return balance;
  }
  bool is_closed(std::string_view account) {
    bool closed = false;
    must(running_->journal().run([&](Transaction& transaction) -> Result<void> {
      const auto& accounts = transaction.state().accounts();
      closed = accounts.at(accounts.find(account)).state.is_closed;
      return {};
    }));
    return closed;
  }
  messages::Market market(const Uuid& id) {
    return must(store::find_market(*file.connect(storage::Mode::read_only), id))->market;
  }
  std::vector<messages::FeedPost> feed() {
    return must(store::posts_after(*file.connect(storage::Mode::read_only), 0, 1'000));
  }
  messages::Insights insights(std::string_view bot) {
    return must(read_insights(*file.connect(storage::Mode::read_only), bot));
  }

 private:
  void open() {
    running_ = std::make_unique<RunningJournal>(file, money("1000000.00"), 65'536,
                                                [this] { return Instant{now_ns_}; });
  }

  std::atomic<std::int64_t> now_ns_ = 1'800'000'000'000'000'000;
  std::unique_ptr<RunningJournal> running_;
};

}  // namespace guild::ledgerd
