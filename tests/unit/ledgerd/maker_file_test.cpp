// The market maker on a real book: what it opens is kept, known again after a restart and opened
// once; and which files of questions it takes.
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <fstream>

#include "ledgerd/maker.hpp"
#include "ledgerd/store_maker.hpp"
#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/economy_file.hpp"

using namespace guild;
using namespace guild::ledgerd;
using economy::MakerPlan;

namespace {

constexpr std::string_view three =
    "{\"question\":\"one?\",\"answer\":\"1\"}\n"
    "{\"question\":\"two?\",\"answer\":\"2\",\"bounty\":\"5.00\"}\n"
    "{\"question\":\"three?\",\"answer\":\"3\",\"deadline\":\"1h\"}\n";

class MakerFile : public EconomyFile {
 public:
  MakerFile() { running().add_bot("alice"); }

  economy::QuestionTerms terms() const {
    return economy::question_terms(host::MarketMakerSettings{}, constants).value();
  }
  economy::Questions questions = economy::read_questions(three, "q", terms()).value();

  economy::MakerFacts facts() {
    auto found = must(maker_facts(*file.connect(storage::Mode::read_only), constants, now()));
    found.treasury = balance("treasury");
    return found;
  }
  MakerPlan plan(std::int64_t open_min) { return economy::plan(questions, facts(), open_min); }
  Result<std::vector<MadeMarket>> make(const MakerPlan& plan) {
    return ask<std::vector<MadeMarket>>([&](Transaction& transaction) {
      return make_markets(transaction, constants, questions, plan.asks);
    });
  }
  std::vector<MadeMarket> look(std::int64_t open_min) { return must(make(plan(open_min))); }
  std::int64_t count(const std::string& what) {
    return must(file.connect(storage::Mode::read_only)
                    ->query_integer("SELECT count(*) FROM " + what))
        .value();
  }
};

}  // namespace

TEST_CASE("the maker opens what is missing, with its bounty from the treasury, and audits it") {
  MakerFile it;
  const auto made = it.look(2);
  REQUIRE(made.size() == 2);
  CHECK(made[0].line == 1);
  const messages::Market first = it.market(made[0].market), second = it.market(made[1].market);
  CHECK(first.question == "one?");
  CHECK(first.bounty == it.constants.default_bounty);
  CHECK(second.bounty == money("5.00"));
  CHECK(it.balance(market_account(second.market)) == money("5.00"));
  CHECK(it.balance("treasury") == money("999985.00"));
  CHECK(
      it.count("audit WHERE action = 'market-make' AND sender = 'ledgerd' AND subject = 'market/" +
               first.market.text() + "'") == 1);
  CHECK(it.count("audit WHERE detail LIKE '%\"answer%'") == 0);
  CHECK(it.look(2).empty());
  // What somebody opened by hand counts, and its question is not asked a second time.
  messages::OpenMarket by_hand;
  by_hand.question = " three? ";
  by_hand.answer = "3";
  must(it.open_market(by_hand));
  CHECK(it.plan(3).asks.empty());
  CHECK(it.plan(4).lack == economy::MakerLack::questions);
  it.running().journal().drain();
  CHECK(must(verify_file(*it.file.connect(storage::Mode::read_only))).ok);
}

TEST_CASE("what was planned is opened once, whoever does it again and whatever was restarted") {
  MakerFile it;
  const MakerPlan planned = it.plan(3);
  REQUIRE(planned.asks.size() == 3);
  CHECK(must(it.make(planned)).size() == 3);
  CHECK(must(it.make(planned)).empty());
  it.restart();
  CHECK(must(it.make(planned)).empty());
  CHECK(it.plan(3).asks.empty());
  CHECK(it.count("markets") == 3);
  CHECK(it.count("maker_questions") == 3);
}

TEST_CASE("a job that is undone has opened nothing, and is done again") {
  MakerFile it;
  const MakerPlan planned = it.plan(2);
  must(it.running().transfer("poor", "treasury", "user/eve", "999990.00"));
  CHECK(it.make(planned).error().code == "funds_short");
  CHECK(it.count("markets") == 0);
  CHECK(it.count("maker_questions") == 0);
  CHECK(it.plan(2).lack == economy::MakerLack::funds);
  CHECK(it.look(2).size() == 1);
}

TEST_CASE("a solved question is not asked again, one that nobody solved is") {
  MakerFile it;
  const auto made = it.look(3);
  REQUIRE(made.size() == 3);
  CHECK(must(it.answer("x", made[0].market, "alice", "1")).outcome == messages::AnswerOutcome::WIN);
  CHECK(it.plan(3).lack == economy::MakerLack::questions);
  CHECK(it.plan(3).asks.empty());
  it.pass(std::chrono::hours(1));
  // Past its deadline it counts no longer, and until it is refunded it is not asked again.
  CHECK(it.facts().research_open == 1);
  CHECK(it.plan(2).asks.empty());
  CHECK(it.settle() == 1);
  it.restart();
  const MakerPlan again = it.plan(3);
  REQUIRE(again.asks.size() == 1);
  CHECK(again.asks[0] == MakerPlan::Ask{.question = 2, .times = 1});
  const auto anew = must(it.make(again));
  CHECK(it.market(anew.at(0).market).question == "three?");
  CHECK(anew[0].market != made[2].market);
  CHECK(must(store::times_asked(*it.file.connect(storage::Mode::read_only),
                                it.questions[2].digest)) == 2);
}

TEST_CASE("a file of questions that others can read, or that is none, is refused") {
  const ScratchFolder folder;
  const auto path = folder / "q.jsonl";
  const auto write = [&](std::string_view text, mode_t mode = 0600) {
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
  };
  const economy::QuestionTerms terms = MakerFile().terms();
  const auto read = [&] { return read_question_file(path, terms); };
  CHECK(read().error().code == "secret_missing");
  CHECK(read().error().kind == ErrorKind::not_found);
  write(three);
  CHECK(read()->size() == 3);
  for (const mode_t mode : {0644U, 0640U, 0604U}) {
    write(three, mode);
    CHECK(read().error().code == "secret_permissions");
    CHECK(read().error().text().find("chmod 600") != std::string::npos);
  }
  write("");
  CHECK(read().error().code == "secret_format");
  write("\n\n");
  CHECK(read().error().code == "questions_empty");
  write(std::string(economy::questions_bytes_max + 1, 'x'));
  CHECK(read().error().text().find("larger than 4194304 bytes") != std::string::npos);
  write("{\"question\":\"q\",\"answer\":\"a\",\"x\":1}");
  CHECK(read().error().message == path.string() + ":1: field x: there is no such field");
}
