// Ticks and markets on a real book: what is booked, kept, told and answered again, in both modes.
#include <catch2/catch.hpp>

#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/economy_file.hpp"

using namespace guild;
using namespace guild::ledgerd;
using economy::Mode;
using messages::AnswerOutcome;
using messages::EntryType;
using messages::MarketStatus;
using messages::PostKind;

namespace {

std::string quoted_id(const Uuid& id) { return '"' + id.text() + '"'; }
std::string research_of(const Uuid& market, std::string_view answer,
                        std::string_view lookup = "none") {
  return R"({"research":{"market":)" + quoted_id(market) + R"(,"answer":")" + std::string(answer) +
         R"(","lookup":")" + std::string(lookup) + "\"}}";
}
std::string bet_of(const Uuid& market, std::string_view outcome) {
  return R"({"bets":[{"market":)" + quoted_id(market) + R"(,"outcome":")" + std::string(outcome) +
         R"(","confidence":0.8}]})";
}
std::string wager_of(std::string_view direction, std::string_view amount = "50.00") {
  return R"({"wager":{"symbol":"BTC","direction":")" + std::string(direction) + R"(","amount":")" +
         std::string(amount) + "\"}}";
}
/// "TYPE amount" of each entry.
std::vector<std::string> entries(const messages::TickReport& report) {
  std::vector<std::string> all;
  for (const auto& entry : report.entries)
    all.push_back(std::string(name_of(entry.type)) + " " + entry.amount.text());
  return all;
}
using Entries = std::vector<std::string>;

void check_sound(EconomyFile& it) {
  it.running().journal().drain();
  const auto report = must(verify_file(*it.file.connect(storage::Mode::read_only)));
  INFO(report.problem);
  CHECK(report.ok);
}

}  // namespace

TEST_CASE("a tick charges its fee once, however often it is sent, also after a restart") {
  EconomyFile it;
  it.running().add_bot("a");
  const auto first = must(it.tick("a", "t1"));
  CHECK(entries(first) == Entries{"HEARTBEAT -0.50"});
  CHECK(first.entries[0].reference == "TICK:t1");
  CHECK(messages::encode(must(it.tick("a", "t1", wager_of("UP")))) == messages::encode(first));
  it.restart();
  CHECK(messages::encode(must(it.tick("a", "t1"))) == messages::encode(first));
  CHECK(it.balance("bot/a") == money("999.50"));
  CHECK(it.insights("a").ticks == 1);
  CHECK(it.tick("a", "not ok").error().code == "tick_id_format");
  CHECK(it.tick("zoe", "t1").error().code == "bot_unknown");
}

TEST_CASE("the streak counts in both modes, and the sixth idle tick costs 0.75") {
  for (const Mode mode : {Mode::enforce, Mode::observe}) {
    EconomyFile it(mode);
    it.running().add_bot("a");
    for (int i = 1; i <= 6; ++i) must(it.tick("a", "t" + std::to_string(i)));
    const auto insights = it.insights("a");
    CHECK(insights.recent.front().fee.text() == "0.75");
    CHECK(insights.recent.back().fee.text() == "0.50");
    CHECK(insights.idle_rate.text() == "1.00");
    CHECK(it.balance("bot/a") == money(mode == Mode::enforce ? "996.75" : "1000.00"));
    CHECK(insights.average_phantom_fee.text() == (mode == Mode::enforce ? "0.00" : "0.54166666"));
  }
}

TEST_CASE("every change of a constant is recorded whole, with its time, and audited") {
  EconomyFile it;
  const store::Economy before{money("1000.00"), money("1000000.00")};
  const store::Economy economy{before.genesis_grant, before.treasury_grant,
                               economy::text_of(it.constants)};
  auto& journal = it.running().journal();
  CHECK(must(keep_economy(journal, before, economy)) == EconomyChange::changed);
  CHECK(must(keep_economy(journal, economy, economy)) == EconomyChange::none);
  journal.drain();
  const auto file = it.file.connect(storage::Mode::read_only);
  CHECK(must(store::last_economy(*file)) == economy);
  CHECK(economy.constants.find(R"("entropy_base":"0.50")") != std::string::npos);
  CHECK(economy.constants.find(R"("wager_horizon":"5m")") != std::string::npos);
  CHECK(must(file->query_integer("SELECT count(*) FROM audit WHERE action = 'economy-change' AND "
                                 "detail LIKE '%\"mode\":\"enforce\"%'")) == 1);
}

TEST_CASE("a change of mode counts for later ticks only") {
  EconomyFile it(Mode::observe);
  it.running().add_bot("a");
  const auto observed = must(it.tick("a", "t1"));
  CHECK(entries(observed) == Entries{"HEARTBEAT_OBSERVE 0.00"});
  it.constants.mode = Mode::enforce;
  CHECK(messages::encode(must(it.tick("a", "t1"))) == messages::encode(observed));
  CHECK(entries(must(it.tick("a", "t2"))) == Entries{"HEARTBEAT -0.50"});
}

TEST_CASE(
    "liquidation voids holds, takes exactly the balance, and is told; then nothing is written") {
  EconomyFile it;
  it.running().add_bot("a", "1.00");
  must(it.running().hold("h", "bot/a", "treasury", "0.60"));
  const auto dead = must(it.tick("a", "t1"));
  CHECK(dead.status == messages::BotStatus::DEAD);
  CHECK(entries(dead) == Entries{"HOLD_VOID 0.00", "LIQUIDATION -1.00"});
  CHECK(dead.entries[1].reference == "TICK:t1:LIQUIDATION");
  CHECK(it.balance("bot/a").is_zero());
  CHECK(it.is_closed("bot/a"));
  REQUIRE(it.feed().size() == 1);
  CHECK(it.feed()[0].kind == PostKind::DEATH);

  const std::int64_t before = it.running().head().size;
  CHECK(it.tick("a", "t2").error().code == "bot_dead");
  CHECK(it.running().head().size == before);
  it.restart();  // Recovery holds the status against the account.
  CHECK(messages::encode(must(it.tick("a", "t1"))) == messages::encode(dead));
  check_sound(it);
  it.running().journal().drain();
  it.file.tamper("UPDATE bots SET status = 'ALIVE'");
  CHECK_FALSE(must(verify_file(*it.file.connect(storage::Mode::read_only))).ok);
}

TEST_CASE("in observe mode a bot that cannot pay is only counted") {
  EconomyFile it(Mode::observe);
  it.running().add_bot("a", "0.40");
  const std::int64_t before = it.running().head().size;
  const auto report = must(it.tick("a", "t1"));
  CHECK(report.status == messages::BotStatus::ALIVE);
  CHECK(report.entries.empty());
  CHECK(it.running().head().size == before);
  CHECK(it.insights("a").would_have_been_liquidated == 1);
}

TEST_CASE(
    "a failed decision: one heartbeat of the base and a post; observed, a metric and a post") {
  EconomyFile it;
  it.running().add_bot("a");
  const auto failed = must(it.tick("a", "t1", R"({"error":"TIMEOUT"})"));
  CHECK(entries(failed) == Entries{"HEARTBEAT -0.50"});
  CHECK(failed.entries[0].reference == "TICK:t1:ERROR:TIMEOUT");
  CHECK(it.feed().at(0).kind == PostKind::ERROR);
  it.constants.mode = Mode::observe;
  CHECK(must(it.tick("a", "t2", R"({"error":"TIMEOUT"})")).entries.empty());
  CHECK(it.feed().size() == 2);
  CHECK(it.insights("a").recent.front().error->value == "TIMEOUT");
}

TEST_CASE("a research market has one winner ever, in both modes") {
  for (const Mode mode : {Mode::enforce, Mode::observe}) {
    EconomyFile it(mode);
    it.running().add_bot("a");
    it.running().add_bot("b");
    const std::string fee = mode == Mode::enforce ? "HEARTBEAT -0.50" : "HEARTBEAT_OBSERVE 0.00";
    const Uuid market = it.research("Paris");
    CHECK(it.balance("treasury") == money("999975.00"));
    CHECK(it.balance(market_account(market)) == money("25.00"));

    CHECK(entries(must(it.tick("a", "t1", research_of(market, "paris")))) ==
          Entries{"MARKET_STAKE -1.00", fee});
    CHECK(it.market(market).status == MarketStatus::OPEN);
    CHECK(entries(must(it.tick("b", "t1", research_of(market, " Paris ")))) ==
          Entries{"MARKET_STAKE -1.00", "RESEARCH_PAYOUT 26.00", fee});
    CHECK(it.market(market).status == MarketStatus::RESOLVED);
    CHECK(it.market(market).winner->value == "b");
    CHECK(it.is_closed(market_account(market)));

    const auto late = must(it.tick("a", "t2", research_of(market, "Paris", "hit")));
    CHECK(entries(late) == Entries{fee});
    CHECK(late.dropped.at(0).reason == "CLOSED");
    CHECK(it.balance("bot/b") == money(mode == Mode::enforce ? "1024.50" : "1025.00"));
    check_sound(it);
  }
}

TEST_CASE("a research market that nobody solves gives its bounty back at its deadline") {
  EconomyFile it;
  it.running().add_bot("a");
  const Uuid market = it.research("Paris");
  it.pass(std::chrono::hours(24) - Duration(1));
  CHECK(it.settle() == 0);
  it.pass(Duration(1));
  CHECK(must(it.tick("a", "t1", research_of(market, "Paris"))).dropped.at(0).reason == "CLOSED");
  CHECK(it.settle() == 1);
  CHECK(it.settle() == 0);
  CHECK(it.market(market).status == MarketStatus::REFUNDED);
  CHECK(it.balance("treasury") == money("1000000.50"));
  check_sound(it);
}

TEST_CASE("an answer outside a tick costs the stake, once under its id") {
  EconomyFile it;
  it.running().add_bot("a");
  const Uuid market = it.research("Paris");
  CHECK(must(it.answer("x", market, "a", "Rome")).outcome == AnswerOutcome::MISS);
  CHECK(must(it.answer("x", market, "a", "Rome")).outcome == AnswerOutcome::MISS);
  CHECK(it.balance("bot/a") == money("999.00"));
  CHECK(it.answer("x", market, "a", "Paris").error().code == "id_reused");
  CHECK(must(it.answer("y", market, "a", "Paris")).outcome == AnswerOutcome::WIN);
  CHECK(must(it.answer("y", market, "a", "Paris")).outcome == AnswerOutcome::WIN);
  CHECK(it.balance("bot/a") == money("1024.00"));
  CHECK(must(it.answer("z", market, "a", "Paris")).outcome == AnswerOutcome::CLOSED);
  CHECK(it.answer("z", Uuid::make(), "a", "Paris").error().code == "market_unknown");
}

TEST_CASE("a market is opened once under its id, and what does not fit is refused") {
  EconomyFile it;
  messages::OpenMarket request;
  request.market = id_of("m");
  request.question = "?";
  request.answer = "Paris";
  request.bounty = money("25.00");
  must(it.open_market(request));
  must(it.open_market(request));
  CHECK(it.balance("treasury") == money("999975.00"));
  request.answer = "Rome";
  CHECK(it.open_market(request).error().code == "id_reused");
  request.market = id_of("n");
  request.bounty = money("1000000.00");
  CHECK(it.open_market(request).error().code == "funds_short");
  request.outcomes = {"YES"};
  CHECK(it.open_market(request).error().code == "market_unfit");
  messages::OpenMarket price;
  price.market = id_of("p");
  price.kind = messages::MarketKind::price;
  price.symbol = "BTC";
  CHECK(it.open_market(price).error().code == "price_stale");
}

TEST_CASE("a judged market pays the pool to who was right, and the rest to the treasury") {
  EconomyFile it;
  for (const char* bot : {"a", "b", "c"}) it.running().add_bot(bot);
  const Uuid market = it.judged();
  CHECK(entries(must(it.tick("a", "t1", bet_of(market, "YES")))) ==
        Entries{"MARKET_STAKE -120.00", "HEARTBEAT -0.50"});
  must(it.tick("b", "t1", bet_of(market, "NO")));
  must(it.tick("c", "t1", bet_of(market, "YES")));
  CHECK(it.balance(market_account(market)) == money("360.00"));
  CHECK(it.resolve(market, "MAYBE").error().code == "market_unfit");
  CHECK(must(it.resolve(market, "YES")).status == MarketStatus::RESOLVED);
  must(it.resolve(market, "YES"));
  CHECK(it.resolve(market, "NO").error().code == "market_closed");
  CHECK(it.balance("bot/a") == money("1059.50"));
  CHECK(it.balance("bot/b") == money("879.50"));
  CHECK(it.is_closed(market_account(market)));
  check_sound(it);
}

TEST_CASE("a judged market that nobody judges, or nobody got right, is refunded") {
  EconomyFile it;
  it.running().add_bot("a");
  const Uuid late = it.judged(), wrong = it.judged();
  must(it.tick("a", "t1", bet_of(late, "YES")));
  must(it.tick("a", "t2", bet_of(wrong, "YES")));
  must(it.resolve(wrong, "NO"));
  it.pass(std::chrono::hours(24));
  CHECK(it.settle() == 1);
  CHECK(it.market(late).status == MarketStatus::REFUNDED);
  CHECK(it.balance("bot/a") == money("999.00"));
}

TEST_CASE("a market ends whatever was done by hand to its escrow, and to its bettor") {
  EconomyFile it;
  it.running().add_bot("a", "100.00");
  const Uuid market = it.judged();
  must(it.tick("a", "t1", bet_of(market, "YES")));
  const std::string escrow = market_account(market);
  must(it.running().transfer("away", escrow, "user/eve", "5.00"));
  must(it.running().hold("kept", escrow, "user/eve", "1.00"));
  must(it.running().transfer("all", "bot/a", "user/eve", "87.50"));
  CHECK(must(it.tick("a", "t2")).status == messages::BotStatus::DEAD);
  const Money before = it.balance("treasury");
  must(it.resolve(market, "YES"));
  // 12.00 were won by a dead bot; 5.00 of them had to come from the treasury.
  CHECK(it.balance("treasury") == money(before.plus(money("7.00"))->text()));
  CHECK(it.is_closed(escrow));
  check_sound(it);
}

TEST_CASE("a market that cannot be paid is put off alone, and ends when it can be") {
  using namespace std::chrono_literals;
  EconomyFile it;
  it.running().add_bot("a");
  const Uuid bad = it.judged();
  must(it.tick("a", "t1", bet_of(bad, "YES")));
  it.pass(1s);
  const Uuid good = it.judged(), research = it.research("Paris");
  // As in a book from when that was still possible; and nothing is left to make up for it.
  must(it.running().transfer("away", market_account(bad), "user/eve", "5.00"));
  must(it.running().transfer("poor", "treasury", "user/eve", it.balance("treasury").text()));
  it.pass(24h);
  const std::int64_t before = it.running().head().size;
  const Settled settled = it.settle_all();
  CHECK(settled.ended == 2);
  REQUIRE(settled.refused.size() == 1);
  CHECK(settled.refused[0].what == "market " + bad.text());
  CHECK(settled.refused[0].refusals == 1);
  CHECK(settled.refused[0].error.code == "funds_short");
  CHECK(it.market(bad).status == MarketStatus::OPEN);
  CHECK(it.market(good).status == MarketStatus::REFUNDED);
  CHECK(it.market(research).status == MarketStatus::REFUNDED);
  CHECK(it.running().head().size == before + 3);  // A refund and two closed escrows.
  check_sound(it);

  // The bounty that came back has made up for it, but it waits for its turn.
  CHECK(it.settle_all().refused.empty());
  must(it.running().transfer("poor again", "treasury", "user/eve", it.balance("treasury").text()));
  it.pass(1s - Duration(1));
  CHECK(it.settle() == 0);
  it.pass(Duration(1));
  it.restart();
  const Settled again = it.settle_all();
  CHECK(again.ended == 0);
  REQUIRE(again.refused.size() == 1);
  CHECK(again.refused[0].refusals == 2);
  must(it.running().transfer("rich", "user/eve", "treasury", "100.00"));
  it.pass(2s - Duration(1));
  CHECK(it.settle() == 0);
  it.pass(Duration(1));
  CHECK(it.settle() == 1);
  CHECK(it.market(bad).status == MarketStatus::REFUNDED);
  CHECK(it.balance("bot/a") == money("999.50"));
  check_sound(it);
}

TEST_CASE("a wager that cannot be paid holds up neither others nor the oracle's prices") {
  using namespace std::chrono_literals;
  EconomyFile it;
  it.running().add_bot("a");
  it.running().add_bot("b");
  must(it.price("BTC", "100.00"));
  must(it.tick("a", "t1", wager_of("UP")));
  must(it.tick("b", "t1", wager_of("DOWN", "20.00")));
  // 40.00 of 140.00 are left: enough for one of the two.
  must(it.running().transfer("away", wagers_account, "user/eve", "100.00"));
  must(it.running().transfer("poor", "treasury", "user/eve", it.balance("treasury").text()));
  it.pass(it.constants.wager_horizon);
  CHECK(must(it.price("BTC", "99.00")).settled == 1);
  CHECK(it.balance("bot/b") == money("1019.50"));
  it.pass(500ms);
  CHECK(must(it.price("BTC", "98.00")).settled == 0);
  must(it.running().transfer("rich", "user/eve", "treasury", "100.00"));
  it.pass(1s);
  CHECK(it.settle() == 1);
  CHECK(it.balance("bot/a") == money("949.50"));
  check_sound(it);
}

TEST_CASE("whatever ids others book, a market is paid, a wager too, and a hold ends") {
  EconomyFile it;
  it.running().add_bot("a");
  it.running().add_bot("eve");
  const auto book_first = [&](const std::string& name) {
    must(it.running().book(
        draft_transfer(Uuid::of_name(name), "bot/eve", "treasury", money("0.00000001"), "first")));
  };
  const Uuid market = it.research("Paris");
  for (const char* what : {"open", "refund", "rest", "close", "pay/0"})
    book_first("market/" + market.text() + "/" + what);
  must(it.price("BTC", "100.00"));
  for (const char* what : {"0", "wager", "cover"}) book_first("tick/a/t1/" + std::string(what));
  must(it.tick("a", "t1", wager_of("UP")));
  must(it.tick("a", "t2"));
  book_first("wager/a/t1/pay");
  const Booked held = must(it.running().hold("h", "bot/eve", "treasury", "1.00"));
  book_first("expiry/" + std::to_string(held.posting.seq));
  book_first("void/" + std::to_string(held.posting.seq));
  it.pass(it.constants.wager_horizon);
  CHECK(must(it.price("BTC", "101.00")).settled == 1);
  it.pass(std::chrono::hours(24));
  CHECK(it.settle() == 1);
  CHECK(it.market(market).status == MarketStatus::REFUNDED);
  check_sound(it);
}

TEST_CASE("a price wager pays twice its stake at the first price after its horizon") {
  EconomyFile it;
  it.running().add_bot("a");
  it.running().add_bot("b");
  CHECK(must(it.tick("a", "t0", wager_of("UP"))).dropped.at(0).reason == "price_stale");
  must(it.price("BTC", "100.00"));
  CHECK(entries(must(it.tick("a", "t1", wager_of("UP")))) == Entries{"WAGER -50.50"});
  CHECK(entries(must(it.tick("b", "t1", wager_of("DOWN")))) == Entries{"WAGER -50.50"});
  CHECK(it.balance("escrow/wagers") == money("200.00"));
  it.pass(std::chrono::minutes(5) - Duration(1));
  CHECK(must(it.price("BTC", "50.00")).settled == 0);
  it.pass(Duration(1));
  CHECK(must(it.price("BTC", "101.00")).settled == 2);
  it.pass(Duration(1));
  CHECK(must(it.price("BTC", "1.00")).settled == 0);
  CHECK(it.balance("bot/a") == money("1049.00"));
  CHECK(it.balance("bot/b") == money("949.50"));
  CHECK(it.balance("escrow/wagers").is_zero());
  CHECK(it.insights("a").ticks == 2);
  check_sound(it);
}

TEST_CASE("observed, a wager is a real stake and the fee is not") {
  EconomyFile it(Mode::observe);
  it.running().add_bot("a");
  must(it.price("BTC", "100.00"));
  CHECK(entries(must(it.tick("a", "t1", wager_of("UP")))) ==
        Entries{"WAGER -50.00", "HEARTBEAT_OBSERVE 0.00"});
  CHECK(it.balance("bot/a") == money("950.00"));
}

TEST_CASE("a wager without a price in time, or with the same one, is given back") {
  EconomyFile it;
  it.running().add_bot("a");
  must(it.price("BTC", "100.00"));
  must(it.tick("a", "t1", wager_of("UP")));
  it.pass(std::chrono::minutes(5));
  CHECK(it.settle() == 0);
  it.pass(std::chrono::minutes(3));
  CHECK(it.settle() == 1);
  CHECK(it.balance("bot/a") == money("999.50"));
  must(it.price("BTC", "100.00"));
  must(it.tick("a", "t2", wager_of("UP")));
  it.pass(std::chrono::minutes(5));
  CHECK(must(it.price("BTC", "100.00")).settled == 1);
  CHECK(it.balance("bot/a") == money("999.00"));
}

TEST_CASE("a price older than three intervals is stale") {
  EconomyFile it;
  it.running().add_bot("a");
  must(it.price("BTC", "100.00"));
  it.pass(std::chrono::seconds(180));
  CHECK(must(it.tick("a", "t1", wager_of("UP"))).dropped.empty());
  it.pass(Duration(1));
  CHECK(must(it.tick("a", "t2", wager_of("UP"))).dropped.at(0).reason == "price_stale");
  CHECK(it.price("BTC", "0.00").error().code == "price_not_positive");
  CHECK(it.price("B T", "1.00").error().code == "symbol_format");
}

TEST_CASE("a price market resolves at its deadline by the last price that was fresh then") {
  for (const auto& [last, balance] : std::map<std::string, std::string>{
           {"101.00", "1119.50"}, {"99.00", "879.50"}, {"100.00", "999.50"}}) {
    EconomyFile it;
    it.running().add_bot("a");
    it.running().add_bot("b");
    must(it.price("BTC", "100.00"));
    messages::OpenMarket request;
    request.kind = messages::MarketKind::price;
    request.symbol = "BTC";
    request.deadline = std::chrono::minutes(10);
    const Uuid market = must(it.open_market(request)).market;
    must(it.tick("a", "t1", bet_of(market, "UP")));
    must(it.tick("b", "t1", bet_of(market, "DOWN")));
    it.pass(std::chrono::minutes(9));
    must(it.price("BTC", last));
    it.pass(std::chrono::minutes(1));
    CHECK(it.settle() == 1);
    CAPTURE(last);
    CHECK(it.balance("bot/a") == money(balance));
    CHECK(it.market(market).close_price == money(last));
    check_sound(it);
  }
}

TEST_CASE("model calls of a tick add up, by the rates") {
  EconomyFile it;
  it.running().add_bot("a");
  it.constants.models = {std::string("m 3.00 15.00")};
  const auto call = [&](std::int64_t in, std::int64_t out, const char* model = "m") {
    return it.ask<messages::Metered>([&](Transaction& transaction) {
      return meter_call(transaction, it.constants, {"a", "t1", model, in, out, {}});
    });
  };
  CHECK(must(call(1'000, 200)).cost.text() == "0.006");
  CHECK(must(call(1'000'000, 0)).of_tick.text() == "3.006");
  CHECK(call(-1, 0).error().code == "tokens_negative");
  CHECK(call(1, 0, "n").error().code == "model_unknown");
  CHECK(call(INT64_MAX, INT64_MAX).error().code == "meter_full");
}
