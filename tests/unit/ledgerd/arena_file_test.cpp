// The arena on a real book: what an observation shows, what an action books, and what is refused
// without a trace.
#include <catch2/catch.hpp>
#include <set>

#include "ledgerd/arena.hpp"
#include "ledgerd/store_arena.hpp"
#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/economy_file.hpp"

using namespace guild;
using namespace guild::ledgerd;
using economy::Mode;
using economy::Ticket;
using messages::ActionTaken;
using messages::ArenaDirection;
using messages::ArenaMove;
using messages::OwnMove;
using messages::TakeAction;
using namespace std::chrono_literals;

namespace {

class ArenaFile : public EconomyFile {
 public:
  ArenaFile() {
    running().add_bot("alice");
    running().add_bot("bob");
  }

  Result<ActionTaken> act(const TakeAction& request, std::string_view bot = "alice",
                          Ticket ticket = Ticket::valid) {
    if (auto is_right = check_action_form(request); !is_right) return fail(is_right.error());
    return ask<ActionTaken>([&](Transaction& transaction) {
      return take_action(transaction, constants, {std::string(bot), ticket, request});
    });
  }
  messages::Observation observe(std::string_view bot = "alice") {
    return must(read_observation(*file.connect(storage::Mode::read_only), constants, bot, now()));
  }
  std::int64_t count(std::string_view table) {
    return must(file.connect(storage::Mode::read_only)
                    ->query_integer("SELECT count(*) FROM " + std::string(table)))
        .value();
  }
  std::int64_t postings() { return count("postings"); }
};

TakeAction predict(std::string_view wager, ArenaDirection direction = ArenaDirection::UP) {
  TakeAction request;
  request.observation_id = Uuid::make();
  request.action = ArenaMove::PREDICT;
  request.direction = direction;
  request.wager = money(wager);
  request.reasoning = "a hunch";
  return request;
}
TakeAction wait() {
  TakeAction request;
  request.observation_id = Uuid::make();
  request.action = ArenaMove::WAIT;
  return request;
}

}  // namespace

TEST_CASE("a prediction is one wager under its observation's name, settled as any other") {
  ArenaFile it;
  must(it.price("BTC", "100"));
  const TakeAction request = predict("50.00");
  const ActionTaken taken = must(it.act(request));
  CHECK(taken.balance == money("950.00"));
  CHECK(taken.open_price == money("100"));
  CHECK(taken.symbol == messages::Symbol("BTC"));
  CHECK(taken.due_at == it.now() + it.constants.wager_horizon);
  CHECK(it.balance("escrow/wagers") == money("100.00"));
  CHECK(it.feed().back().text == "alice wagers 50.00 on BTC UP from 100.00");
  {
    const auto reader = it.file.connect(storage::Mode::read_only);
    const auto posting = must(store::find_posting(*reader, *taken.seq)).value();
    CHECK(posting.type() == EntryType::WAGER);
    CHECK(posting.legs.front().reference == "OBS:" + request.observation_id.text());
  }
  const auto seen = it.observe();
  REQUIRE(seen.positions.size() == 1);
  CHECK(seen.positions[0].stake == money("50.00"));
  CHECK(seen.positions[0].outcome == "UP");
  CHECK(it.observe("bob").positions.empty());

  it.pass(it.constants.wager_horizon);
  CHECK(must(it.price("BTC", "101")).settled == 1);
  CHECK(it.balance("bot/alice") == money("1050.00"));
  CHECK(it.observe().positions.empty());
  CHECK(must(verify_file(*it.file.connect(storage::Mode::read_only))).ok);
}

TEST_CASE("an observation is acted on once, whatever comes with it, also after a restart") {
  ArenaFile it;
  must(it.price("BTC", "100"));
  const TakeAction request = predict("50.00");
  must(it.act(request));
  it.restart();
  const std::int64_t postings = it.postings();
  TakeAction other = wait();
  other.observation_id = request.observation_id;
  for (const Ticket ticket : {Ticket::valid, Ticket::expired})
    for (const TakeAction& again : {request, other})
      CHECK(it.act(again, "alice", ticket).error().code == "observation_used");
  CHECK(it.act(request, "bob", Ticket::expired).error().code == "observation_foreign");
  CHECK(it.postings() == postings);
  CHECK(it.count("arena_actions") == 1);
  CHECK(it.balance("bot/alice") == money("950.00"));
}

TEST_CASE("what is refused changes nothing, and the observation can still be acted on") {
  ArenaFile it;
  const std::int64_t postings = it.postings();
  TakeAction request = predict("50.00");
  const auto refused = [&](const TakeAction& asked, Ticket ticket = Ticket::valid) {
    const auto outcome = it.act(asked, "alice", ticket);
    REQUIRE_FALSE(outcome);
    return std::pair(outcome.error().code, outcome.error().kind);
  };
  using std::pair;
  CHECK(refused(request) == pair(std::string("price_stale"), ErrorKind::unavailable));
  must(it.price("BTC", "100"));
  it.pass(economy::stale_after(it.constants) + 1ns);
  CHECK(refused(request) == pair(std::string("price_stale"), ErrorKind::unavailable));
  must(it.price("BTC", "100"));
  CHECK(refused(request, Ticket::expired) ==
        pair(std::string("observation_expired"), ErrorKind::conflict));
  CHECK(refused(request, Ticket::foreign) ==
        pair(std::string("observation_foreign"), ErrorKind::denied));
  TakeAction none = request;
  none.direction.reset();
  CHECK(refused(none) == pair(std::string("direction_missing"), ErrorKind::invalid));
  none = request;
  none.wager.reset();
  CHECK(refused(none) == pair(std::string("wager_missing"), ErrorKind::invalid));
  for (const char* wager : {"0", "-0.00000001", "-50.00"}) {
    none.wager = money(wager);
    CHECK(refused(none) == pair(std::string("amount_not_positive"), ErrorKind::invalid));
  }
  none.wager = money("1000.00000001");
  CHECK(refused(none) == pair(std::string("funds_short"), ErrorKind::funds));
  none.wager = money("50.00");
  none.symbol = messages::Symbol("ETH");
  CHECK(refused(none) == pair(std::string("price_stale"), ErrorKind::unavailable));
  CHECK(it.postings() == postings);
  CHECK(it.count("arena_actions") == 0);
  CHECK(it.count("feed") == 0);

  must(it.price("ETH", "7"));
  CHECK(refused(request) == pair(std::string("symbol_missing"), ErrorKind::invalid));
  request.symbol = messages::Symbol("ETH");
  request.wager = money("1000.00");  // All of it: only what is over the balance is too much.
  CHECK(must(it.act(request)).balance.is_zero());
}

TEST_CASE("what is held or wagered already cannot be wagered again") {
  ArenaFile it;
  must(it.price("BTC", "100"));
  must(it.running().hold("h", "bot/alice", "treasury", "900.00"));
  CHECK(it.act(predict("100.01")).error().code == "funds_short");
  must(it.act(predict("60.00")));
  CHECK(it.act(predict("40.01")).error().code == "funds_short");
  must(it.act(predict("40.00")));
}

TEST_CASE("the treasury covers a wager, or there is none") {
  ArenaFile it;
  must(it.price("BTC", "100"));
  must(it.running().transfer("drain", "treasury", "user/eve", "1000000.00"));
  const auto refused = it.act(predict("50.00"));
  CHECK(refused.error().code == "treasury_short");
  CHECK(refused.error().kind == ErrorKind::unavailable);
  CHECK(it.balance("bot/alice") == money("1000.00"));
}

TEST_CASE("the dead do not play") {
  ArenaFile it;
  must(it.price("BTC", "100"));
  must(it.running().transfer("drain", "bot/alice", "treasury", "999.60"));
  CHECK(must(it.tick("alice", "t1")).status == BotStatus::DEAD);
  for (const TakeAction& request : {predict("0.10"), wait()}) {
    const auto refused = it.act(request);
    CHECK(refused.error().code == "bot_dead");
    CHECK(refused.error().kind == ErrorKind::denied);
  }
  CHECK(it.act(wait(), "zoe").error().code == "bot_unknown");
}

TEST_CASE("an observation shows fresh prices, the last five actions and the last loss") {
  ArenaFile it;
  auto seen = it.observe();
  CHECK(seen.prices.empty());
  CHECK(seen.last_actions.empty());
  CHECK_FALSE(seen.last_loss);
  must(it.price("OLD", "1"));
  it.pass(economy::stale_after(it.constants) + 1ns);
  must(it.price("ETH", "7"));
  must(it.price("BTC", "99"));
  it.pass(1s);
  must(it.price("BTC", "100"));
  seen = it.observe();
  REQUIRE(seen.prices.size() == 2);
  CHECK(seen.prices[0].symbol == "BTC");
  CHECK(seen.prices[0].price == money("100"));
  CHECK(seen.prices[1].symbol == "ETH");

  for (int i = 0; i < 6; ++i) {
    TakeAction request = wait();
    request.reasoning = "nothing yet " + std::to_string(i);
    must(it.act(request));
  }
  must(it.act(wait(), "bob"));
  TakeAction request = predict("50.00", ArenaDirection::DOWN);
  request.symbol = messages::Symbol("BTC");
  must(it.act(request));
  seen = it.observe();
  REQUIRE(seen.last_actions.size() == 5);
  CHECK(seen.last_actions[0].observation_id == request.observation_id);
  CHECK(seen.last_actions[0].direction == ArenaDirection::DOWN);
  CHECK(seen.last_actions[0].wager == money("50.00"));
  CHECK(seen.last_actions[0].reasoning == Text<2'000>("a hunch"));
  CHECK(seen.last_actions[4].reasoning == Text<2'000>("nothing yet 2"));

  it.pass(it.constants.wager_horizon);
  must(it.price("BTC", "101"));
  CHECK(it.observe().last_loss ==
        Text<1'120>("lost 50.00 on BTC DOWN: the price went from 100.00 to 101.00"));
  CHECK_FALSE(it.observe("bob").last_loss);
}

TEST_CASE(
    "the last five actions are those in ticks too, each intent that stood, in order of time") {
  ArenaFile it;
  must(it.price("BTC", "100"));
  const Uuid research = it.research("Paris"), rain = it.judged(), snow = it.judged();
  const auto bet = [](const Uuid& market, std::string_view confidence) {
    return R"({"market":")" + market.text() + R"(","outcome":"YES","confidence":)" +
           std::string(confidence) + "}";
  };
  must(it.act(wait()));
  it.pass(1s);
  must(it.tick("alice", "t1"));  // Idle: it did nothing.
  must(it.tick("alice", "t2", R"({"error":"TIMEOUT"})"));
  must(it.tick("alice", "t3",
               R"({"bets":[)" + bet(rain, "0.8") + "," + bet(snow, "0.1") +
                   R"(],"research":{"market":")" + research.text() + R"(","answer":"Rome"}})"));
  auto seen = it.observe();
  REQUIRE(seen.last_actions.size() == 3);
  CHECK(seen.last_actions[2].action == OwnMove::WAIT);
  CHECK_FALSE(seen.last_actions[2].tick_id);
  CHECK(seen.last_actions[2].observation_id);
  const auto& last = seen.last_actions[0];
  CHECK(last.tick_id == messages::TickId("t3"));
  CHECK_FALSE(last.observation_id);
  CHECK_FALSE(last.reasoning);
  std::set<OwnMove> moves;
  for (int i = 0; i < 2; ++i) moves.insert(seen.last_actions[static_cast<std::size_t>(i)].action);
  CHECK(moves == std::set{OwnMove::ANSWER, OwnMove::BET});
  for (int i = 0; i < 2; ++i) {
    const auto& action = seen.last_actions[static_cast<std::size_t>(i)];
    const bool is_bet = action.action == OwnMove::BET;
    CHECK(action.market == (is_bet ? rain : research));
    CHECK(action.outcome == Text<64>(is_bet ? "YES" : "MISS"));
    CHECK(action.time == it.now());
  }
  it.pass(1s);
  must(it.tick("alice", "t4", R"({"wager":{"symbol":"BTC","direction":"DOWN","amount":"10.00"}})"));
  must(it.tick("alice", "t4", R"({"wager":{"symbol":"BTC","direction":"UP","amount":"10.00"}})"));
  must(it.tick("bob", "t1", R"({"wager":{"symbol":"BTC","direction":"UP","amount":"10.00"}})"));
  it.pass(1s);
  must(it.act(predict("5.00")));
  it.pass(1s);
  must(it.tick("alice", "t5",
               R"({"research":{"market":")" + research.text() + R"(","answer":"Paris"}})"));
  it.restart();
  seen = it.observe();
  REQUIRE(seen.last_actions.size() == 5);
  CHECK(seen.last_actions[0].outcome == Text<64>("WIN"));
  CHECK(seen.last_actions[0].wager == money("1.00"));
  CHECK(seen.last_actions[1].reasoning == Text<2'000>("a hunch"));
  CHECK(seen.last_actions[2].action == OwnMove::PREDICT);
  CHECK(seen.last_actions[2].tick_id == messages::TickId("t4"));
  CHECK(seen.last_actions[2].direction == ArenaDirection::DOWN);
  CHECK(seen.last_actions[2].symbol == messages::Symbol("BTC"));
  CHECK(seen.last_actions[2].wager == money("10.00"));
  CHECK(seen.last_actions[4].tick_id == messages::TickId("t3"));
}

TEST_CASE("bets are open positions until their market ends, and lost ones are the last loss") {
  ArenaFile it;
  const Uuid market = it.judged();
  must(it.tick(
      "alice", "t1",
      R"({"bets":[{"market":")" + market.text() + R"(","outcome":"NO","confidence":0.8}]})"));
  const auto seen = it.observe();
  REQUIRE(seen.positions.size() == 1);
  CHECK(seen.positions[0].market == market);
  CHECK(seen.positions[0].outcome == "NO");
  CHECK(it.observe("bob").positions.empty());
  must(it.tick(
      "bob", "t1",
      R"({"bets":[{"market":")" + market.text() + R"(","outcome":"YES","confidence":0.8}]})"));
  must(it.resolve(market, "YES"));
  CHECK(it.observe().positions.empty());
  CHECK(it.observe().last_loss->view().starts_with("lost "));
  CHECK(it.observe().last_loss->view().ends_with("on NO, it was YES: rain?"));

  const Uuid research = it.research("Paris");
  CHECK(must(it.answer("x", research, "bob", "Rome")).outcome == messages::AnswerOutcome::MISS);
  CHECK(it.observe("bob").last_loss == Text<1'120>("lost 1.00 by a wrong answer: ?"));
}
