// The economy by the real programs: `guild` against a broker and a ledgerd, which is killed in
// between; what was answered stays, and what is sent again is booked once.
#include <catch2/catch.hpp>
#include <sstream>
#include <thread>

#include "tests/integration/ledger/ledger_home.hpp"

using namespace guild::test;

namespace {

class EconomyHome : public LedgerHome {
 public:
  explicit EconomyHome(std::string_view mode)
      : LedgerHome("[economy]\nmode = \"" + std::string(mode) + "\"\nwager_horizon = \"300ms\"\n") {
  }

  /// Each line of what a command printed.
  std::vector<Json> lines(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const Outcome outcome = guild(arguments);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    std::vector<Json> all;
    std::istringstream stream(outcome.out);
    for (std::string line; std::getline(stream, line);) all.push_back(Json::parse(line));
    return all;
  }
  Json ask(std::vector<std::string> arguments) { return lines(std::move(arguments)).at(0); }
  Json tick(const std::string& bot, const std::string& id, const Json& intents = Json::object()) {
    return ask({"bot", "tick", bot, "--id", id, "--intents", intents.dump()});
  }
};

}  // namespace

TEST_CASE("ticks, markets, prices and the feed by the guild command, over kills of ledgerd") {
  EconomyHome home("enforce");
  home.ask({"bot", "add", "alice"});
  const Json first = home.tick("alice", "t1");
  CHECK(first.at("status") == "ALIVE");
  CHECK(first.at("balance") == "999.50");
  CHECK(first.at("entries").at(0).at("type") == "HEARTBEAT");
  CHECK(first.at("entries").at(0).at("reference") == "TICK:t1");

  const std::string market =
      home.ask({"market", "open", "--kind", "research", "--question", "capital?", "--answer",
                "Paris", "--bounty", "25.00", "--deadline", "1h"})
          .at("market");
  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  CHECK(home.tick("alice", "t1") == first);
  CHECK(home.balance("bot/alice") == "999.50");

  const Json won =
      home.tick("alice", "t2", {{"research", {{"market", market}, {"answer", " Paris "}}}});
  CHECK(won.at("balance") == "1024.00");
  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  CHECK(home.tick("alice", "t2") == won);
  const Json shown = home.ask({"market", "show", market});
  CHECK(shown.at("status") == "RESOLVED");
  CHECK(shown.at("winner") == "alice");
  CHECK_FALSE(shown.contains("answer_hash"));
  CHECK(home.ask({"market", "answer", market, "Paris", "--bot", "alice"}).at("outcome") ==
        "CLOSED");

  home.ask({"oracle", "post", "BTC", "100.00"});
  home.tick("alice", "t3",
            {{"wager", {{"symbol", "BTC"}, {"direction", "UP"}, {"amount", "50.00"}}}});
  CHECK(home.balance("escrow/wagers") == "100.00");
  // Nobody takes it from there, one at a time or in a batch, or keeps it there.
  CHECK(refused(home, {"ledger", "transfer", "escrow/wagers", "world", "1.00"}, 4) ==
        "not_permitted");
  CHECK(refused(home, {"ledger", "floor", "escrow/wagers", "100.00"}, 4) == "not_permitted");
  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  // Prices come until one is past the wager's horizon.
  int settled = 0;
  for (int i = 0; i < 1'000 && settled == 0; ++i)
    settled = home.ask({"oracle", "post", "BTC", "101.00"}).at("settled");
  CHECK(settled == 1);
  CHECK(home.balance("bot/alice") == "1073.50");

  const std::vector<Json> feed = home.lines({"feed"});
  REQUIRE(feed.size() == 3);
  CHECK(feed[0].at("kind") == "RESULT");
  CHECK(feed[1].at("kind") == "WAGER");
  const Json insights = home.ask({"bot", "insights", "alice"});
  CHECK(insights.at("ticks") == 3);
  CHECK(insights.at("idle_rate") == "0.33333333");
  CHECK(home.ask({"viability"}).at("verdict") == "VIABLE");
  CHECK(home.verify().at("ok") == true);
  home.stop();
}

TEST_CASE("a market ends at its deadline by itself, and judged ones by an operator") {
  EconomyHome home("observe");
  home.ask({"bot", "add", "alice"});
  const auto open = [&](const std::string& deadline) {
    return home
        .ask({"market", "open", "--kind", "judged", "--question", "rain?", "--outcomes", "YES,NO",
              "--deadline", deadline})
        .at("market")
        .get<std::string>();
  };
  const std::string soon = open("2s"), later = open("1h");
  const auto bet = [](const std::string& market) {
    return Json{{"bets", {{{"market", market}, {"outcome", "YES"}, {"confidence", 0.8}}}}};
  };
  CHECK(home.tick("alice", "t1", bet(soon)).at("balance") == "880.00");
  CHECK(home.tick("alice", "t2", bet(later)).at("balance") == "774.40");
  CHECK(home.ask({"market", "resolve", later, "YES"}).at("status") == "RESOLVED");
  CHECK(home.wait_for_entries(
      "bot/alice", [&] { return home.ask({"market", "show", soon}).at("status") == "REFUNDED"; }));
  CHECK(home.balance("bot/alice") == "1000.00");
  CHECK(home.lines({"market", "list"}).size() == 2);
  CHECK(home.lines({"market", "list", "--open"}).size() <= 1);
  home.stop();
}

TEST_CASE("a bot that cannot pay dies, its keys open nothing, and nothing more is written") {
  EconomyHome home("enforce");
  const Json made = home.ask({"bot", "add", "poor"});
  LedgerClient client = home.client("operator");
  REQUIRE(client.ask("transfer", transfer_of(id_of(1, 1), "bot/poor", "treasury", "999.60")).ok);
  const Json credential = {{"api_key", made.at("api_key")}, {"api_secret", made.at("api_secret")}};
  REQUIRE(client.ask("authenticate", {{"credential", credential}}).ok);
  const Json dead = home.tick("poor", "t1");
  CHECK(dead.at("status") == "DEAD");
  CHECK(dead.at("entries").at(0).at("amount") == "-0.40");
  for (int restart = 0; restart < 2; ++restart) {
    CHECK(home.client("operator").ask("authenticate", {{"credential", credential}}).code() ==
          "credentials_invalid");
    CHECK(home.ask({"bot", "show", "poor"}).at("status") == "DEAD");
    CHECK(home.guild({"bot", "tick", "poor", "--id", "t2"}).exit_code == 7);
    home.daemon("ledgerd").kill();
    home.start("ledgerd");
  }
  CHECK(home.verify().at("ok") == true);
}

TEST_CASE("who may drive the economy: operators and the scheduler, not bots, not a bare carrier") {
  EconomyHome home("enforce");
  const Json made = home.ask({"bot", "add", "alice"});
  const Json tick = {{"bot", "alice"}, {"tick_id", "t1"}};
  Json as_bot = tick;
  as_bot["credential"] = {{"api_key", made.at("api_key")}, {"api_secret", made.at("api_secret")}};
  Json as_operator = tick;
  as_operator["credential"] = {{"operator_token", home.operator_token()}};
  LedgerClient gateway = home.client("gateway");
  CHECK(gateway.ask("tick", tick).code() == "credential_required");
  CHECK(gateway.ask("tick", as_bot).code() == "not_permitted");
  CHECK(home.client("scheduler").ask("tick", tick).code() == "ok");
  CHECK(gateway.ask("tick", as_operator).code() == "ok");
  Json unknown = tick;
  unknown["intents"] = {{"wagers", 1}};
  CHECK(home.client("operator").ask("tick", unknown).code() == "field_unknown");
  CHECK(home.balance("bot/alice") == "999.50");
  home.stop();
}
