// The served verbs of the economy (common/messages/economy.hpp). What writes is a job of the
// journal; what reads is done on the reader's connection. A carrier shows its caller's credential;
// the scheduler drives the economy in its own name.
#include <fmt/format.h>

#include "common/log/log.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/service.hpp"
#include "ledgerd/settling.hpp"
#include "ledgerd/store_economy.hpp"
#include "ledgerd/ticks.hpp"

namespace guild::ledgerd {
namespace {

constexpr Duration settle_again_after = std::chrono::seconds(1);

/// A read of one state of the file.
template <class Reply>
Result<Reply> in_snapshot(storage::Connection& file,
                          const std::function<Result<Reply>(storage::Connection&)>& read) {
  Reply reply;
  GUILD_CHECK(file.snapshot([&](storage::Connection& snapshot) -> Result<void> {
    GUILD_TRY(reply, read(snapshot));
    return {};
  }));
  return reply;
}

Result<messages::MarketsPage> read_markets(storage::Connection& file,
                                           const messages::ListMarkets& request) {
  GUILD_TRY(auto rows,
            store::markets_after(file, request.after, request.open_only, request.limit.value + 1));
  messages::MarketsPage page;
  page.more = std::cmp_greater(rows.size(), request.limit.value);
  if (page.more) rows.pop_back();
  page.markets.assign(std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  return page;
}

Result<messages::Market> read_market(storage::Connection& file, const Uuid& id) {
  GUILD_TRY(auto row, store::find_market(file, id));
  if (row) return std::move(row->market);
  return fail(ErrorKind::not_found, "market_unknown",
              fmt::format("there is no market {}", id.text()),
              "see which there are: `guild market list`");
}

Result<messages::FeedPage> read_feed(storage::Connection& file, const messages::ListFeed& request) {
  GUILD_TRY(auto rows, store::posts_after(file, request.after, request.limit.value + 1));
  messages::FeedPage page;
  page.more = std::cmp_greater(rows.size(), request.limit.value);
  if (page.more) rows.pop_back();
  page.posts.assign(std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  return page;
}

}  // namespace

template <class Reply>
bool Service::may_drive(const std::optional<messages::Credential>& credential,
                        const host::Answer<Reply>& answer) {
  const auto driver = driver_of(answer.sender(), credential, credentials_, now());
  if (driver) return true;
  GUILD_LOG_WITH(warn, "authority", (log::Extra{{"sender", answer.sender()}}),
                 "refused a request: {}", driver.error().message);
  refuse(answer, driver.error());
  return false;
}

Result<void> Service::note_due(Transaction& transaction) {
  GUILD_TRY(const auto due, store::next_due(transaction.file()));
  transaction.after_commit([this, due] { host_.post([this, due] { market_due_ = due; }); });
  return {};
}

void Service::serve_economy() {
  serve("tick", &Service::run_tick);
  serve("market-open", &Service::open_market);
  serve("market-list", &Service::list_markets);
  serve("market-show", &Service::show_market);
  serve("market-resolve", &Service::resolve_market);
  serve("market-answer", &Service::answer_market);
  serve("oracle-post", &Service::post_price);
  serve("feed", &Service::feed);
  serve("insights", &Service::insights);
  serve("viability", &Service::viability);
  serve("meter", &Service::meter);
}

void Service::settle_markets() {
  if (!market_due_ || *market_due_ > now()) return;
  market_due_.reset();  // The job says when the next look is due.
  auto settled = std::make_shared<std::int64_t>(0);
  const auto work = [this, settled](Transaction& transaction) -> Result<void> {
    GUILD_TRY(const Settled outcome, settle_due(transaction, constants_));
    *settled = outcome.ended;
    note_refused(transaction, outcome.refused);
    return note_due(transaction);
  };
  const auto failed = [this](const Error& error) {
    GUILD_LOG(warn, "markets", "what is due is not settled yet, it is tried again: {}",
              error.text());
    market_due_ = now() + settle_again_after;
  };
  const auto done = [this, settled, failed](const Result<void>& outcome) {
    host_.post([this, settled, failed, outcome] {
      if (!outcome) return failed(outcome.error());
      settled_ += *settled;
      if (*settled == 0) return;
      GUILD_LOG(info, "markets", "{} markets and wagers ended", *settled);
      look_for_questions();
    });
  };
  if (const auto submitted = journal_->submit(work, done); !submitted) failed(submitted.error());
}

void Service::note_refused(Transaction& transaction, const std::vector<Settled::Refused>& refused) {
  if (refused.empty()) return;
  transaction.after_commit([this, refused] {
    host_.post([this, refused] {
      settlings_refused_ += std::ssize(refused);
      for (const Settled::Refused& one : refused)
        if (one.refusals == 1)
          GUILD_LOG(error, "markets", "the {} cannot be settled, it is tried again: {}", one.what,
                    one.error.text());
    });
  });
}

Result<void> Service::start_maker() {
  const auto treasury = [this] {
    const auto account = view_.find(treasury_account);
    if (!account) return Money();
    return Money::of_units(account->available().units() - account->floor.units());
  };
  GUILD_TRY(maker_, MarketMaker::start(host_, {.journal = *journal_,
                                               .reader = reader_,
                                               .treasury = treasury,
                                               .note_due = [this](Transaction& transaction) {
                                                 return note_due(transaction);
                                               }}));
  return {};
}

void Service::look_for_questions() {
  if (maker_) maker_->look();
}

void Service::bury(const std::string& handle) {
  credentials_.bury(handle);
  const BotRecord* const bot = view_.find_bot(handle);
  if (bot == nullptr) return;
  BotRecord dead = *bot;
  dead.status = BotStatus::DEAD;
  view_.add_bot(std::move(dead));
  GUILD_LOG(info, "bots", "{} is dead", handle);
}

void Service::run_tick(const messages::RunTick& request,
                       const host::Answer<messages::TickReport>& answer) {
  if (!may_drive(request.credential, answer)) return;
  auto intents = economy::read_intents(request.intents.text);
  if (!intents) return refuse(answer, intents.error());
  ++ticks_;
  act<messages::TickReport>(
      [this, request,
       intents = *std::move(intents)](Transaction& transaction) -> Result<messages::TickReport> {
        GUILD_TRY(Ticked ticked, ledgerd::run_tick(transaction, constants_, request, intents));
        if (ticked.died)
          transaction.after_commit(
              [this, handle = request.bot.value] { host_.post([this, handle] { bury(handle); }); });
        if (ticked.solved)
          transaction.after_commit([this] { host_.post([this] { look_for_questions(); }); });
        return std::move(ticked.report);
      },
      answer);
}

void Service::open_market(const messages::OpenMarket& request,
                          const host::Answer<messages::MarketOpened>& answer) {
  if (!may_drive(request.credential, answer)) return;
  act<messages::MarketOpened>(
      [this, request](Transaction& transaction) {
        return ledgerd::open_market(transaction, constants_, request);
      },
      answer);
}

void Service::list_markets(const messages::ListMarkets& request,
                           const host::Answer<messages::MarketsPage>& answer) {
  read<messages::MarketsPage>(
      reader_,
      [request](storage::Connection& file, const std::stop_token&) {
        return in_snapshot<messages::MarketsPage>(
            file, [&](storage::Connection& at) { return read_markets(at, request); });
      },
      answer);
}

void Service::show_market(const messages::GetMarket& request,
                          const host::Answer<messages::Market>& answer) {
  read<messages::Market>(
      reader_,
      [id = request.market](storage::Connection& file, const std::stop_token&) {
        return in_snapshot<messages::Market>(
            file, [&](storage::Connection& at) { return read_market(at, id); });
      },
      answer);
}

void Service::resolve_market(const messages::ResolveMarket& request,
                             const host::Answer<messages::Market>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  if (const auto may = may_manage_accounts(*principal); !may) return refuse(answer, may.error());
  act<messages::Market>(
      [request](Transaction& transaction) { return ledgerd::resolve_market(transaction, request); },
      answer);
}

void Service::answer_market(const messages::AnswerMarket& request,
                            const host::Answer<messages::AnswerReport>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  if (const auto may = may_debit(*principal, bot_account(request.bot.view())); !may)
    return refuse(answer, may.error());
  act<messages::AnswerReport>(
      [this, request](Transaction& transaction) -> Result<messages::AnswerReport> {
        GUILD_TRY(auto report, ledgerd::answer_market(transaction, constants_, request));
        if (report.outcome == messages::AnswerOutcome::WIN)
          transaction.after_commit([this] { host_.post([this] { look_for_questions(); }); });
        return report;
      },
      answer);
}

void Service::post_price(const messages::PostPrice& request,
                         const host::Answer<messages::PricePosted>& answer) {
  if (!may_drive(request.credential, answer)) return;
  act<messages::PricePosted>(
      [this, request](Transaction& transaction) -> Result<messages::PricePosted> {
        GUILD_TRY(const PriceTaken taken, ledgerd::post_price(transaction, request));
        note_refused(transaction, taken.refused);
        return taken.posted;
      },
      answer);
}

void Service::feed(const messages::ListFeed& request,
                   const host::Answer<messages::FeedPage>& answer) {
  read<messages::FeedPage>(
      reader_,
      [request](storage::Connection& file, const std::stop_token&) {
        return in_snapshot<messages::FeedPage>(
            file, [&](storage::Connection& at) { return read_feed(at, request); });
      },
      answer);
}

void Service::insights(const messages::GetBot& request,
                       const host::Answer<messages::Insights>& answer) {
  read<messages::Insights>(
      reader_,
      [bot = request.handle](storage::Connection& file, const std::stop_token&) {
        return in_snapshot<messages::Insights>(
            file, [&](storage::Connection& at) { return read_insights(at, bot.view()); });
      },
      answer);
}

void Service::viability(const messages::Nothing& /*request*/,
                        const host::Answer<messages::Viability>& answer) {
  read<messages::Viability>(
      reader_,
      [](storage::Connection& file, const std::stop_token&) {
        return in_snapshot<messages::Viability>(file, read_viability);
      },
      answer);
}

void Service::meter(const messages::MeterCall& request,
                    const host::Answer<messages::Metered>& answer) {
  if (!may_drive(request.credential, answer)) return;
  if (constants_.models.empty()) return answer(messages::Metered{});
  act<messages::Metered>(
      [this, request](Transaction& transaction) {
        return meter_call(transaction, constants_, request);
      },
      answer);
}

}  // namespace guild::ledgerd
