// The arena over the real bus and by the real command: what a bot is shown, acting on it once, whom
// it refuses, and what is left of it after a kill.
#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "tests/integration/ledger/ledger_home.hpp"

using namespace guild::test;

namespace {

class ArenaHome : public LedgerHome {
 public:
  explicit ArenaHome(std::string_view valid = "5s")
      : LedgerHome("[economy]\nwager_horizon = \"300ms\"\nobservation_valid = \"" +
                   std::string(valid) + "\"\n") {}

  Json credential(const std::string& handle) {
    const Reply made = client("operator").ask("bot-create", {{"handle", handle}});
    REQUIRE(made.ok);
    return {{"api_key", made.json.at("api_key")}, {"api_secret", made.json.at("api_secret")}};
  }
  void post_price(const std::string& price) {
    REQUIRE(client("operator").ask("oracle-post", {{"symbol", "BTC"}, {"price", price}}).ok);
  }
};

Json predict(const Json& observation, const Json& credential, const std::string& wager = "50.00") {
  return {{"observation_id", observation.at("observation_id")},
          {"action", "PREDICT"},
          {"direction", "UP"},
          {"wager", wager},
          {"reasoning", "a hunch"},
          {"credential", credential}};
}

}  // namespace

TEST_CASE("a bot observes, predicts once, and is told of it in what it observes next") {
  ArenaHome home;
  const Json alice = home.credential("alice"), bob = home.credential("bob");
  home.post_price("100.00");
  LedgerClient door = home.client("gateway");
  const Json seen = door.ask("arena-observe", {{"credential", alice}}).json;
  CHECK(seen.at("bot") == "alice");
  CHECK(seen.at("balance") == "1000.00");
  CHECK(seen.at("prices").at(0).at("price") == "100.00");

  CHECK(door.ask("arena-act", predict(seen, bob)).code() == "observation_foreign");
  const Reply acted = door.ask("arena-act", predict(seen, alice));
  REQUIRE(acted.ok);
  CHECK(acted.json.at("balance") == "950.00");
  CHECK(acted.json.at("open_price") == "100.00");
  CHECK(door.ask("arena-act", predict(seen, alice)).code() == "observation_used");
  CHECK(home.balance("escrow/wagers") == "100.00");
  const auto entries =
      home.client("operator").ask("entries", {{"account", "bot/alice"}}).json.at("entries");
  CHECK(entries.at(1).at("type") == "WAGER");
  CHECK(entries.at(1).at("amount") == "-50.00");
  CHECK(entries.at(1).at("reference") == "OBS:" + seen.at("observation_id").get<std::string>());

  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  LedgerClient again = home.client("gateway");
  CHECK(again.ask("arena-act", predict(seen, alice)).code() == "observation_used");
  // Prices come until one is past the wager's horizon.
  int settled = 0;
  for (int i = 0; i < 1'000 && settled == 0; ++i)
    settled = home.client("operator")
                  .ask("oracle-post", {{"symbol", "BTC"}, {"price", "99.00"}})
                  .json.value("settled", 0);
  CHECK(settled == 1);
  const Json next = again.ask("arena-observe", {{"credential", alice}}).json;
  CHECK(next.at("last_actions").size() == 1);
  CHECK(next.at("last_actions").at(0).at("reasoning") == "a hunch");
  CHECK(next.at("last_loss") == "lost 50.00 on BTC UP: the price went from 100.00 to 99.00");
  CHECK(next.at("positions").empty());
  CHECK(home.verify().at("ok") == true);
}

TEST_CASE("of a crowd that acts on one observation exactly one is booked") {
  ArenaHome home("60s");
  const Json alice = home.credential("alice");
  home.post_price("100.00");
  const Json seen = home.client("gateway").ask("arena-observe", {{"credential", alice}}).json;
  constexpr unsigned crowd = 16;
  std::map<std::string, int> answers;
  std::mutex mutex;
  std::latch ready(crowd);
  std::vector<std::jthread> threads;
  for (unsigned who = 0; who < crowd; ++who)
    threads.emplace_back([&] {
      LedgerClient client = home.client("gateway");
      ready.arrive_and_wait();
      const std::string code = client.ask("arena-act", predict(seen, alice)).code();
      const std::lock_guard lock(mutex);
      ++answers[code];
    });
  threads.clear();
  CHECK(answers["ok"] == 1);
  CHECK(answers["observation_used"] == crowd - 1);
  CHECK(home.balance("bot/alice") == "950.00");
}

TEST_CASE("who may observe and act, and for whom") {
  ArenaHome home;
  const Json alice = home.credential("alice");
  home.credential("bob");
  LedgerClient door = home.client("gateway");
  const auto code = [&](const Json& request) { return door.ask("arena-observe", request).code(); };
  CHECK(code(Json::object()) == "credential_required");
  CHECK(code({{"credential", alice}, {"bot", "alice"}}) == "ok");
  CHECK(code({{"credential", alice}, {"bot", "bob"}}) == "not_permitted");
  Json wrong = alice;
  wrong["api_secret"] = wrong.at("api_key");
  CHECK(code({{"credential", wrong}}) == "credentials_invalid");
  const Json token = {{"operator_token", home.operator_token()}};
  CHECK(code({{"credential", token}, {"bot", "bob"}}) == "ok");
  CHECK(code({{"credential", token}}) == "bot_missing");
  CHECK(code({{"credential", token}, {"bot", "zoe"}}) == "bot_unknown");
  CHECK(home.client("scheduler").ask("arena-observe", {{"bot", "bob"}}).ok);
  CHECK_FALSE(home.client("viewer").ask("arena-observe", {{"bot", "bob"}}).ok);

  // The dead are told so, by what were their own keys; nobody else learns anything by them.
  REQUIRE(home.client("operator").ask("bot-retire", {{"handle", "alice"}}).ok);
  for (int restart = 0; restart < 2; ++restart) {
    LedgerClient asking = home.client("gateway");
    CHECK(asking.ask("arena-observe", {{"credential", alice}}).code() == "bot_dead");
    CHECK(asking.ask("arena-observe", {{"credential", wrong}}).code() == "credentials_invalid");
    CHECK(asking.ask("authenticate", {{"credential", alice}}).code() == "credentials_invalid");
    CHECK(asking.ask("arena-observe", {{"credential", token}, {"bot", "alice"}}).code() ==
          "bot_dead");
    home.daemon("ledgerd").kill();
    home.start("ledgerd");
  }
}

TEST_CASE("guild bot observe and act, and an observation that has expired") {
  ArenaHome home("1ns");
  home.credential("alice");
  const auto ask = [&](std::vector<std::string> arguments, int exit_code) {
    arguments.emplace_back("--json");
    const Outcome outcome = home.guild(arguments);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == exit_code);
    return Json::parse(exit_code == 0 ? outcome.out : outcome.err.substr(outcome.err.find('{')));
  };
  const std::string late = ask({"bot", "observe", "alice"}, 0).at("observation_id");
  CHECK(ask({"bot", "act", "alice", "--observation", late, "--action", "WAIT"}, 7).at("code") ==
        "observation_expired");
  CHECK(ask({"bot", "observe", "zoe"}, 3).at("code") == "bot_unknown");
  CHECK(ask({"bot", "act", "alice", "--observation", late, "--action", "PREDICT"}, 2).at("code") ==
        "direction_missing");
  home.daemon("ledgerd").kill();
  home.write_config("[economy]\nobservation_valid = \"60s\"\n");
  home.start("ledgerd");
  const std::string fresh = ask({"bot", "observe", "alice"}, 0).at("observation_id");
  CHECK(ask({"bot", "act", "alice", "--observation", fresh, "--action", "PREDICT", "--direction",
             "UP", "--wager", "5.00"},
            1)
            .at("code") == "price_stale");
  CHECK(ask({"bot", "act", "alice", "--observation", fresh, "--action", "WAIT", "--reasoning",
             "no price"},
            0)
            .at("balance") == "1000.00");
  CHECK(home.guild({"bot", "act", "alice", "--observation", fresh, "--action", "PREDICT",
                    "--direction", "UP", "--wager", "0"})
            .exit_code == 2);
  CHECK(ask({"bot", "observe", "alice"}, 0).at("last_actions").size() == 1);
}
