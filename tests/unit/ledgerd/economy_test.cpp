// The economy's rules, each by example with its numbers, on the pure core.
#include <catch2/catch.hpp>

#include "common/base/bytes.hpp"
#include "ledgerd/economy/market.hpp"
#include "ledgerd/economy/tick.hpp"
#include "ledgerd/economy/viability.hpp"

using namespace guild;
using namespace guild::ledgerd::economy;
using guild::messages::EntryType;
using guild::messages::MarketKind;
using guild::messages::Verdict;

namespace {

Money money(std::string_view text) { return Money::parse(text).value(); }

const Uuid research = Uuid::of_name("research"), rain = Uuid::of_name("rain"),
           snow = Uuid::of_name("snow"), wind = Uuid::of_name("wind"), hail = Uuid::of_name("hail");

/// A tick of a bot, with markets that it may name.
struct World {
  Constants constants;
  TickFacts facts;
  Intents intents;

  explicit World(std::string_view available, Mode mode = Mode::enforce) {
    constants.mode = mode;
    facts.tick_id = "7";
    facts.available = money(available);
    facts.treasury = money("1000000.00");
    for (const Uuid& market : {rain, snow, wind, hail})
      facts.markets[market] = {.kind = MarketKind::judged,
                               .is_open = true,
                               .is_full = false,
                               .outcomes = {"YES", "NO"},
                               .answer_hash = {},
                               .bounty = {}};
    facts.markets[research] = {.kind = MarketKind::research,
                               .is_open = true,
                               .is_full = false,
                               .outcomes = {},
                               .answer_hash = hash_of_answer("Paris"),
                               .bounty = money("25.00")};
  }
  World& answers(std::string text, Lookup lookup = Lookup::none) {
    intents.research = ResearchIntent{research, std::move(text), lookup};
    return *this;
  }
  World& bets(const Uuid& market, std::string_view confidence, std::string outcome = "YES") {
    intents.bets.push_back({market, std::move(outcome), read_confidence(confidence).value()});
    return *this;
  }
  World& wagers(std::string_view amount, std::optional<Money> price = money("100.00")) {
    intents.wager = WagerIntent{"BTC", Direction::up, money(amount)};
    facts.price = price;
    return *this;
  }
  TickDecision decide() const { return ledgerd::economy::decide(constants, facts, intents); }
};

template <class Kind>
const Kind* find(const TickDecision& decision) {
  for (const Action& action : decision.actions)
    if (const auto* const found = std::get_if<Kind>(&action)) return found;
  return nullptr;
}

std::vector<std::string> stakes(const TickDecision& decision) {
  std::vector<std::string> all;
  for (const Action& action : decision.actions)
    if (const auto* const bet = std::get_if<Bet>(&action)) all.push_back(bet->stake.text());
  return all;
}

std::string reason(const TickDecision& decision, std::size_t index = 0) {
  return index < decision.dropped.size() ? decision.dropped[index].reason : "";
}

std::string code_of(std::string_view intents) {
  const auto read = read_intents(intents);
  return read ? "ok" : read.error().code;
}

}  // namespace

TEST_CASE("the fee grows by 0.25 for each five idle ticks, up to 3.00") {
  const Constants constants;
  for (const auto& [streak, fee] : std::map<std::int64_t, std::string>{{0, "0.50"},
                                                                       {4, "0.50"},
                                                                       {5, "0.75"},
                                                                       {9, "0.75"},
                                                                       {10, "1.00"},
                                                                       {49, "2.75"},
                                                                       {50, "3.00"},
                                                                       {55, "3.00"},
                                                                       {INT64_MAX, "3.00"}})
    CHECK(fee_after(constants, streak).text() == fee);
}

TEST_CASE("an idle tick is a heartbeat: of the fee when enforced, of nothing when observed") {
  const TickDecision enforced = World("1000.00").decide();
  REQUIRE(enforced.actions.size() == 1);
  CHECK(find<Heartbeat>(enforced)->fee.text() == "0.50");
  CHECK(find<Heartbeat>(enforced)->type == EntryType::HEARTBEAT);
  CHECK(find<Heartbeat>(enforced)->reference == "TICK:7");
  CHECK(enforced.is_idle);

  const TickDecision observed = World("1000.00", Mode::observe).decide();
  REQUIRE(observed.actions.size() == 1);
  CHECK(find<Heartbeat>(observed)->fee.is_zero());
  CHECK(find<Heartbeat>(observed)->type == EntryType::HEARTBEAT_OBSERVE);
  CHECK(observed.fee.text() == "0.50");
}

TEST_CASE("who cannot pay the fee is liquidated, or would be; who just can is not") {
  CHECK(find<Liquidate>(World("0.50").decide()) == nullptr);
  const TickDecision enforced = World("0.49999999").answers("Paris").decide();
  REQUIRE(enforced.actions.size() == 1);
  CHECK(find<Liquidate>(enforced)->reference == "TICK:7:LIQUIDATION");
  CHECK(reason(enforced) == "liquidated");
  const TickDecision observed = World("0.49999999", Mode::observe).decide();
  CHECK(observed.actions.empty());
  CHECK(observed.would_liquidate);
}

TEST_CASE("a failed decision costs the base, whatever the streak") {
  World world("1000.00");
  world.facts.streak = 50;
  world.intents.error = "TIMEOUT";
  const TickDecision enforced = world.decide();
  REQUIRE(enforced.actions.size() == 1);
  CHECK(find<Heartbeat>(enforced)->fee.text() == "0.50");
  CHECK(find<Heartbeat>(enforced)->reference == "TICK:7:ERROR:TIMEOUT");
  world.facts.available = money("0.40");
  CHECK(find<Liquidate>(world.decide()) != nullptr);
  world.constants.mode = Mode::observe;
  CHECK(world.decide().actions.empty());
  CHECK(world.decide().would_liquidate);
}

TEST_CASE("a research answer needs fee and stake, and the lookup's fee when one was made") {
  CHECK(find<Answer>(World("1.50").answers("Paris").decide()) != nullptr);
  CHECK(reason(World("1.49").answers("Paris").decide()) == "funds_short");
  CHECK(find<Answer>(World("2.00").answers("Paris", Lookup::hit).decide()) != nullptr);
  CHECK(reason(World("1.99").answers("Paris", Lookup::hit).decide()) == "funds_short");
  CHECK(reason(World("1.99").answers("Paris", Lookup::miss).decide()) == "funds_short");
}

TEST_CASE("a research answer is trimmed and its case counts") {
  const TickDecision right = World("10.00").answers(" \tParis\n").decide();
  CHECK(find<Answer>(right)->is_right);
  CHECK(find<Answer>(right)->stake.text() == "1.00");
  CHECK(find<Answer>(right)->bounty.text() == "25.00");
  CHECK(find<Answer>(right)->reference == "TICK:7:RESEARCH:" + research.text());
  CHECK(find<Answer>(right)->win_reference == "TICK:7:RESEARCH_WIN:" + research.text());
  CHECK_FALSE(right.is_idle);
  CHECK_FALSE(find<Answer>(World("10.00").answers("paris").decide())->is_right);
  CHECK(to_hex(hash_of_answer(" Paris ")) ==
        "5dd272b4f316b776a7b8e3d0894b37e1e42be3d5d3b204b8a5836cc50597a6b1");
}

TEST_CASE("a lookup that succeeded costs 0.50 when enforced; a failed one nothing") {
  const TickDecision hit = World("10.00").answers("x", Lookup::hit).decide();
  CHECK(find<PayLookup>(hit)->fee.text() == "0.50");
  CHECK(find<PayLookup>(hit)->reference == "TICK:7:TOOL_FEE");
  CHECK(hit.tools == 1);
  CHECK(find<PayLookup>(World("10.00").answers("x", Lookup::miss).decide()) == nullptr);
  CHECK(find<PayLookup>(World("10.00", Mode::observe).answers("x", Lookup::hit).decide()) ==
        nullptr);
}

TEST_CASE("a market that is not open answers CLOSED and enters nothing but the heartbeat") {
  World world("10.00");
  world.facts.markets[research].is_open = false;
  const TickDecision closed = world.answers("Paris", Lookup::hit).decide();
  CHECK(reason(closed) == "CLOSED");
  CHECK(closed.actions.size() == 1);
  CHECK(closed.is_idle);
}

TEST_CASE("a bet is balance times confidence times 0.15, rounded down, within 20 % in all") {
  // 100 × 0.8 × 0.15 = 12; 20 % of 99.50 = 19.90, of which 7.90 are left for the second.
  const TickDecision two =
      World("100.00").bets(rain, "0.8").bets(snow, "0.8").bets(wind, "0.8").decide();
  CHECK(stakes(two) == std::vector<std::string>{"12.00", "7.90"});
  CHECK(reason(two) == "stake_small");
  CHECK(find<Bet>(two)->reference == "TICK:7:MARKET:" + rain.text());
  // 33.33333333 × 0.6501 × 0.15 = 3.25049999…
  CHECK(stakes(World("33.33333333").bets(rain, "0.6501").decide()) ==
        std::vector<std::string>{"3.25049999"});
}

TEST_CASE("a bet needs 5.00 and a confidence above 0.65") {
  CHECK(stakes(World("5.00").bets(rain, "0.6501").decide()).size() == 1);
  CHECK(reason(World("4.99999999").bets(rain, "0.9").decide()) == "funds_short");
  CHECK(reason(World("100.00").bets(rain, "0.65").decide()) == "confidence_low");
}

TEST_CASE("at most three bets; unknown, closed and repeated markets are dropped, the rest stands") {
  World world("1000.00");
  world.constants.bets_share_max = money("1.00");
  world.facts.markets[snow].is_open = false;
  const TickDecision some = world.bets(Uuid::of_name("nowhere"), "0.7")
                                .bets(snow, "0.7")
                                .bets(rain, "0.7")
                                .bets(rain, "0.7", "NO")
                                .bets(wind, "0.7", "MAYBE")
                                .bets(wind, "0.7")
                                .decide();
  CHECK(stakes(some).size() == 2);
  REQUIRE(some.dropped.size() == 4);
  CHECK(some.dropped[0] == Dropped{"bets[0]", "market_unknown"});
  CHECK(some.dropped[1] == Dropped{"bets[1]", "market_closed"});
  CHECK(some.dropped[2] == Dropped{"bets[3]", "market_repeated"});
  CHECK(some.dropped[3] == Dropped{"bets[4]", "outcome_unknown"});

  World four("1000.00");
  four.constants.bets_share_max = money("1.00");
  const TickDecision three =
      four.bets(rain, "0.7").bets(snow, "0.7").bets(wind, "0.7").bets(hail, "0.7").decide();
  CHECK(stakes(three).size() == 3);
  CHECK(reason(three) == "bets_full");
}

TEST_CASE("a wager is clamped to [0.01, 10 % of balance less fee] and carries the fee") {
  const TickDecision high = World("100.00").wagers("50.00").decide();
  REQUIRE(high.actions.size() == 1);
  CHECK(find<PlaceWager>(high)->stake.text() == "9.95");
  CHECK(find<PlaceWager>(high)->fee.text() == "0.50");
  CHECK(find<PlaceWager>(high)->reference == "TICK:7");
  CHECK(find<PlaceWager>(World("100.00").wagers("0.001").decide())->stake.text() == "0.01");
  CHECK(find<PlaceWager>(World("100.00").wagers("3.00").decide())->stake.text() == "3.00");

  const TickDecision observed = World("100.00", Mode::observe).wagers("50.00").decide();
  REQUIRE(observed.actions.size() == 2);
  CHECK(find<PlaceWager>(observed)->fee.is_zero());
  CHECK(find<Heartbeat>(observed)->type == EntryType::HEARTBEAT_OBSERVE);
}

TEST_CASE("a wager needs fee and 5.00, a fresh price, an amount, and a tick of its own") {
  CHECK(find<PlaceWager>(World("5.50").wagers("1.00").decide()) != nullptr);
  CHECK(reason(World("5.49").wagers("1.00").decide()) == "funds_short");
  CHECK(reason(World("100.00").wagers("1.00", {}).decide()) == "price_stale");
  CHECK(reason(World("100.00").wagers("0.00").decide()) == "amount_not_positive");
  CHECK(reason(World("100.00").wagers("-1.00").decide()) == "amount_not_positive");
  CHECK(reason(World("100.00").bets(rain, "0.8").wagers("1.00").decide()) == "not_alone");
  CHECK(reason(World("100.00").answers("x").wagers("1.00").decide()) == "not_alone");
  World poor("100.00");
  poor.facts.treasury = money("0.99");
  CHECK(reason(poor.wagers("1.00").decide()) == "treasury_short");
}

TEST_CASE("what a bot wants is read strictly, and what is wrong is named") {
  const std::string market = R"("market":")" + rain.text() + '"';
  CHECK(code_of("{}") == "ok");
  CHECK(code_of("{\"research\":{" + market + R"(,"answer":"x","lookup":"hit"}})") == "ok");
  CHECK(code_of("{\"bets\":[{" + market + R"(,"outcome":"YES","confidence":0.8}]})") == "ok");
  CHECK(code_of("{\"bets\":[{" + market + R"(,"outcome":"YES","confidence":"0.8"}]})") == "ok");
  CHECK(code_of(R"({"wager":{"symbol":"BTC","direction":"UP","amount":"50.00"}})") == "ok");
  CHECK(code_of(R"({"error":"TIMEOUT"})") == "ok");

  CHECK(read_intents(R"({"wagers":1})").error().message.starts_with("intents.wagers: "));
  CHECK(code_of(R"({"wagers":1})") == "field_unknown");
  CHECK(code_of("{\"research\":{" + market + R"(,"answer":"x","why":"y"}})") == "field_unknown");
  CHECK(code_of("{\"research\":{" + market + "}}") == "field_missing");
  CHECK(code_of(R"({"research":{"market":"m1","answer":"x"}})") == "field_value");
  CHECK(code_of("{\"bets\":[{" + market + R"(,"outcome":"YES","confidence":0.80001}]})") ==
        "field_range");
  CHECK(code_of("{\"bets\":[{" + market + R"(,"outcome":"YES","confidence":8e-1}]})") ==
        "field_range");
  CHECK(code_of("{\"bets\":[{" + market + R"(,"outcome":"YES","confidence":1.1}]})") ==
        "field_range");
  CHECK(code_of(R"({"wager":{"symbol":"BTC","direction":"UP","amount":50}})") == "field_type");
  CHECK(code_of(R"({"wager":{"symbol":"BTC","direction":"SIDE","amount":"1"}})") == "field_value");
  CHECK(code_of(R"({"error":"no spaces"})") == "field_value");
  CHECK(code_of(R"({"error":"X","wager":{"symbol":"B","direction":"UP","amount":"1"}})") ==
        "field_value");
  CHECK(code_of("[]") == "field_type");
  CHECK(code_of("{") == "json_invalid");
}

TEST_CASE("a pool is split by stakes, rounded down, and what is left over is the treasury's") {
  const std::vector<Stake> stakes = {{"a", "YES", money("1.00")},
                                     {"b", "YES", money("1.00")},
                                     {"c", "YES", money("1.00")},
                                     {"d", "NO", money("0.50")}};
  const Settlement won = settle(stakes, "YES");
  REQUIRE(won.shares.size() == 3);
  CHECK(won.shares[0].amount.text() == "1.16666666");
  CHECK(won.remainder.text() == "0.00000002");
  CHECK(settle(stakes, "NO").shares[0].amount.text() == "3.50");
  const Settlement nobody = settle(stakes, "MAYBE");
  CHECK(nobody.is_refund);
  CHECK(nobody.shares.size() == 4);
  CHECK(nobody.shares[3].amount.text() == "0.50");
  CHECK(settle({}, "YES").shares.empty());
}

TEST_CASE("what cannot be settled is tried again later each time, up to ten minutes") {
  using namespace std::chrono_literals;
  CHECK(settle_again_after(1) == Duration(1s));
  CHECK(settle_again_after(2) == Duration(2s));
  CHECK(settle_again_after(10) == Duration(512s));
  for (const std::int64_t refusals : {std::int64_t{11}, std::int64_t{1'000}, INT64_MAX})
    CHECK(settle_again_after(refusals) == Duration(10min));
}

TEST_CASE("a post has 280 characters at most, an ellipsis the last when it was cut") {
  const std::string fits(280, 'x');
  CHECK(post_text(fits) == fits);
  CHECK(post_text(fits + "y") == std::string(279, 'x') + "…");
  std::string wide;
  for (int i = 0; i < 300; ++i) wide += "é";
  CHECK(post_text(wide).size() == 2 * 279 + 3);
}

TEST_CASE("viability by its formula, exactly at its bounds") {
  // 40·1 + 30·min(3·2/10, 1) + 20·(1 − min(10·1/10, 1)) + 10·min(1/2, 1)
  CHECK(viability_of(4, 4, 10, 2, 1, 1).score.text() == "63.00");
  CHECK(viability_of(4, 4, 10, 2, 1, 1).verdict == Verdict::MARGINAL);
  CHECK(viability_of(3, 3, 9, 1, 0, 0).score.text() == "70.00");
  CHECK(viability_of(3, 3, 9, 1, 0, 0).verdict == Verdict::VIABLE);
  CHECK(viability_of(8, 5, 100, 0, 0, 0).score.text() == "45.00");
  CHECK(viability_of(8, 5, 100, 0, 0, 0).verdict == Verdict::MARGINAL);
  CHECK(viability_of(0, 0, 0, 0, 0, 0).verdict == Verdict::AT_RISK);
  // Just under 40 + 20 + 10, and 3·10⁻¹³ of the 30: no step of it overflows.
  CHECK(viability_of(10'000'000, 9'999'999, 100'000'000'000'000, 1, 0, 1).score.text() ==
        "69.999996");
}
