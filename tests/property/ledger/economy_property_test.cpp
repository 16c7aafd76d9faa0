// Laws of the economy: whatever ticks, markets, prices, restarts and time do, money is neither made
// nor lost, a balance is the sum of its entries, nothing is bet off the book, every market ends,
// and the file reads back as it was. A failure prints the seed; rerun with RC_PARAMS="seed=N".
#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "ledgerd/history.hpp"
#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/economy_file.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

enum class Act {
  idle,
  error,
  research,
  bet,
  wager,
  open_research,
  open_judged,
  resolve,
  price,
  pass,
  settle,
  restart,
  repeat
};

struct Step {
  Act act{};
  unsigned bot = 0, market = 0, number = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << static_cast<int>(step.act) << ':' << step.bot << '/' << step.market << '/'
             << step.number;
}

rc::Gen<std::vector<Step>> any_steps() {
  const auto act = rc::gen::weightedElement<Act>({{4, Act::idle},
                                                  {2, Act::error},
                                                  {6, Act::research},
                                                  {6, Act::bet},
                                                  {6, Act::wager},
                                                  {3, Act::open_research},
                                                  {3, Act::open_judged},
                                                  {2, Act::resolve},
                                                  {6, Act::price},
                                                  {4, Act::pass},
                                                  {3, Act::settle},
                                                  {1, Act::restart},
                                                  {2, Act::repeat}});
  const auto step = rc::gen::build<Step>(rc::gen::set(&Step::act, act),
                                         rc::gen::set(&Step::bot, rc::gen::inRange(0U, 3U)),
                                         rc::gen::set(&Step::market, rc::gen::inRange(0U, 8U)),
                                         rc::gen::set(&Step::number, rc::gen::inRange(0U, 4U)));
  return rc::gen::resize(50, rc::gen::container<std::vector<Step>>(step));
}

constexpr std::array<std::string_view, 3> bots = {"rich", "poor", "third"};

class Run {
 public:
  explicit Run(economy::Mode mode) : it_(mode) {
    it_.running().add_bot("rich", "1000.00");
    it_.running().add_bot("poor", "7.00");
    it_.running().add_bot("third", "33.33333333");
  }

  void take(const Step& step) {
    const std::string market = markets_.empty() ? Uuid().text() : id(step).text();
    const std::string number = std::to_string(step.number);
    switch (step.act) {
      case Act::idle:
        return tick(step, "{}");
      case Act::error:
        return tick(step, R"({"error":"X"})");
      case Act::research:
        return tick(step, R"({"research":{"market":")" + market + R"(","answer":")" + number +
                              R"(","lookup":"hit"}})");
      case Act::bet:
        return tick(step, R"({"bets":[{"market":")" + market + R"(","outcome":")" +
                              (step.number % 2 == 0 ? "YES" : "NO") + R"(","confidence":0.9}]})");
      case Act::wager:
        return tick(step, R"({"wager":{"symbol":"S","direction":")" +
                              std::string(step.number % 2 == 0 ? "UP" : "DOWN") +
                              R"(","amount":"3.00"}})");
      case Act::open_research:
        return markets_.push_back(it_.research(number, "2.50"));
      case Act::open_judged:
        return markets_.push_back(it_.judged());
      case Act::resolve:
        if (!markets_.empty()) (void)it_.resolve(id(step), step.number % 2 == 0 ? "YES" : "NO");
        return;
      case Act::price:
        it_.pass(std::chrono::seconds(1));
        return (void)must(it_.price("S", std::to_string(99 + step.number)));
      case Act::pass:
        return it_.pass(std::chrono::minutes(step.number == 0 ? 60 * 24 : 2));
      case Act::settle:
        return (void)it_.settle();
      case Act::restart:
        return it_.restart();
      case Act::repeat:
        return repeat();
    }
  }

  /// Time passes until every deadline is over.
  void end_all() {
    it_.pass(std::chrono::hours(48));
    while (it_.settle() != 0) {
    }
  }

  void check(economy::Mode mode) {
    it_.restart();  // Recovery finds a sound book…
    const auto file = it_.file.connect(storage::Mode::read_only);
    const auto report = must(verify_file(*file));  // …and so does verify.
    RC_ASSERT(report.ok);
    auto recovered = must(recover(*file));
    RC_ASSERT(recovered.book.total() == 0);
    RC_ASSERT(it_.balance("escrow/wagers").is_zero());
    for (const Uuid& market : markets_) {
      RC_ASSERT(it_.market(market).status != messages::MarketStatus::OPEN);
      RC_ASSERT(it_.balance(market_account(market)).is_zero());
      RC_ASSERT(it_.is_closed(market_account(market)));
      RC_ASSERT(paid_once(*file, market));
    }
    for (const std::string_view bot : bots) {
      const auto page = must(read_entries(*file, bot_account(bot), 0, 1'000));
      std::int64_t sum = 0;
      for (const auto& entry : page.entries) {
        sum += entry.amount.units();
        if (mode == economy::Mode::observe)
          RC_ASSERT(is_stake(entry.type) || entry.amount.is_zero());
      }
      RC_ASSERT(sum == it_.balance(bot_account(bot)).units());
      RC_ASSERT(sum >= 0);
    }
  }

 private:
  const Uuid& id(const Step& step) const { return markets_[step.market % markets_.size()]; }

  void tick(const Step& step, const std::string& intents) {
    const std::string name = "t" + std::to_string(ticks_++);
    const auto report = it_.tick(bots[step.bot], name, intents);
    if (!report) return RC_ASSERT(report.error().code == "bot_dead");
    last_ = {std::string(bots[step.bot]), name, messages::encode(*report)};
  }
  void repeat() {
    if (last_.tick.empty()) return;
    RC_ASSERT(messages::encode(must(it_.tick(last_.bot, last_.tick))) == last_.answer);
  }

  static bool is_stake(messages::EntryType type) {
    using enum messages::EntryType;
    return type == GRANT || type == WAGER || type == MARKET_STAKE || type == MARKET_PAYOUT ||
           type == MARKET_REFUND || type == RESEARCH_PAYOUT;
  }

  /// What left the escrow is what came in, and of a research market there is one winner at most.
  static bool paid_once(storage::Connection& file, const Uuid& market) {
    const auto page = must(read_entries(file, market_account(market), 0, 1'000));
    const auto count = [&](messages::EntryType type) {
      return std::ranges::count(page.entries, type, &messages::Entry::type);
    };
    return count(messages::EntryType::RESEARCH_PAYOUT) <= 1 &&
           count(messages::EntryType::MARKET_PAYOUT) + count(messages::EntryType::MARKET_REFUND) <=
               1 &&
           count(messages::EntryType::CLOSED) == 1;
  }

  struct Last {
    std::string bot, tick, answer;
  };
  EconomyFile it_;
  std::vector<Uuid> markets_;
  Last last_;
  int ticks_ = 0;
};

}  // namespace

TEST_CASE("no sequence of ticks and markets makes, loses or strands money, in either mode") {
  CHECK(rc::check("economy", [] {
    const auto mode = *rc::gen::element(economy::Mode::enforce, economy::Mode::observe);
    const auto steps = *any_steps();
    Run run(mode);
    for (const Step& step : steps) run.take(step);
    run.end_all();
    run.check(mode);
  }));
}
