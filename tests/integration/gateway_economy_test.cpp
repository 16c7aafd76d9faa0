// Bots' lives, markets, the feed, tokens and the arena over HTTP: what each route answers, and that
// bad input is named and changes nothing.
#include <catch2/catch.hpp>

#include "tests/integration/http_door.hpp"

using namespace guild::test;

namespace {

class EconomyDoor {
 public:
  explicit EconomyDoor(const std::string& economy = "") {
    home.write_config("[gateway]\nport = 0\n[economy]\nwager_horizon = \"1h\"\n" + economy);
    for (const char* daemon : {"broker", "ledgerd", "gateway"}) home.start(daemon);
    door.emplace(home);
  }

  Json add_bot(const std::string& handle) {
    const Answer made = door->post("/v1/bots", Json{{"handle", handle}}.dump());
    REQUIRE(made.status == 201);
    return made.body;
  }
  void post_price(const std::string& price) {
    REQUIRE(home.guild({"oracle", "post", "BTC", price}).exit_code == 0);
  }
  std::string verified() { return home.guild({"ledger", "verify", "--json"}).out; }

  TestHome home;
  std::optional<Door> door;
};

std::string code(const Answer& answer) { return answer.body.value("code", ""); }

}  // namespace

TEST_CASE("a bot is retired once, revived with new credentials, and its days can be told") {
  EconomyDoor it;
  Door& door = *it.door;
  const Json alice = it.add_bot("alice");
  CHECK(door.get_as(alice, "/v1/bots/alice").status == 200);
  CHECK(door.post_as(alice, "/v1/bots/alice/revive", R"({"amount":"1.00"})").status == 403);
  const Answer alive = door.post("/v1/bots/alice/revive", R"({"amount":"1.00"})");
  CHECK(alive.status == 409);
  CHECK(code(alive) == "bot_alive");

  const Answer retired = door.remove("/v1/bots/alice");
  CHECK(retired.status == 200);
  CHECK(retired.body.at("status") == "DEAD");
  CHECK(retired.body.at("time_zone") == "UTC");
  const Answer again = door.remove("/v1/bots/alice");
  CHECK(again.status == 409);
  CHECK(code(again) == "bot_dead");
  CHECK(door.remove("/v1/bots/zoe").status == 404);
  CHECK(door.get_as(alice, "/v1/bots/alice").status == 401);

  CHECK(door.post("/v1/bots/alice/revive", R"({"amount":"-1.00"})").status == 400);
  CHECK(door.post("/v1/bots/alice/revive", "{}").status == 400);
  CHECK(door.post("/v1/bots/alice/revive", R"({"amount":"9000000.00"})").status == 402);
  CHECK(door.post("/v1/bots/zoe/revive", R"({"amount":"1.00"})").status == 404);
  const Answer revived = door.post("/v1/bots/alice/revive", R"({"amount":"25.00"})");
  REQUIRE(revived.status == 200);
  CHECK(revived.body.at("balance") == "1025.00");
  CHECK(door.get_as(revived.body, "/v1/bots/alice").status == 200);
  CHECK(door.get_as(alice, "/v1/bots/alice").status == 401);
}

TEST_CASE("a token stands for a bot's key and secret, and ends with them") {
  EconomyDoor it;
  Door& door = *it.door;
  const Json alice = it.add_bot("alice"), bob = it.add_bot("bob");
  const auto ask = [&](const Json& key, const Json& secret) {
    return door.ask({"-H", "Content-Type: application/json", "--data-binary",
                     Json{{"api_key", key}, {"api_secret", secret}}.dump()},
                    "/v1/auth/token");
  };
  const Answer made = ask(alice.at("api_key"), alice.at("api_secret"));
  REQUIRE(made.status == 200);
  CHECK(made.body.at("bot") == "alice");
  const std::string token = made.body.at("token");
  CHECK(door.get_with(token, "/v1/bots/alice").status == 200);
  CHECK(door.get_with(token, "/v1/bots/bob").status == 403);
  CHECK(door.get_with(token, "/v1/bots").status == 403);
  CHECK(door.get_with(token, "/v1/arena/observation").status == 200);
  CHECK(door.post_with(token, "/v1/transfers",
                       R"({"id":"0199aabb-ccdd-7000-8000-000000000001","debit":"bot/alice",)"
                       R"("credit":"bot/bob","amount":"1.00"})")
            .status == 201);
  std::string forged = token;
  forged.back() = forged.back() == '0' ? '1' : '0';
  CHECK(door.get_with(forged, "/v1/bots/alice").status == 401);
  CHECK(ask(alice.at("api_key"), bob.at("api_secret")).status == 401);
  CHECK(ask("", "").status == 401);
  CHECK(door.ask({"-H", "Content-Type: application/json", "--data-binary",
                  R"({"operator_token":"x"})"},
                 "/v1/auth/token")
            .status == 400);
  REQUIRE(it.home.guild({"bot", "rotate", "alice"}).exit_code == 0);
  CHECK(door.get_with(token, "/v1/bots/alice").status == 401);
}

TEST_CASE("markets are opened, listed and answered; feed, insights and viability tell of it") {
  EconomyDoor it;
  Door& door = *it.door;
  const Json alice = it.add_bot("alice"), bob = it.add_bot("bob");
  const std::string market =
      R"({"kind":"research","question":"capital?","answer":"Paris","bounty":"25.00"})";
  CHECK(door.post_as(alice, "/v1/markets", market).status == 403);
  const Answer opened = door.post("/v1/markets", market, {"-H", "Idempotency-Key: one"});
  REQUIRE(opened.status == 201);
  const std::string id = opened.body.at("market");
  CHECK(door.post("/v1/markets", market, {"-H", "Idempotency-Key: one"}).body == opened.body);
  CHECK(door.post("/v1/markets", R"({"kind":"judged","question":"rain?"})").status == 400);
  CHECK(door.post("/v1/markets", R"({"kind":"loud"})").status == 400);

  CHECK(door.get_as(alice, "/v1/markets?open=true").body.at("markets").size() == 1);
  CHECK(door.get_as(alice, "/v1/markets?open=maybe").status == 400);
  CHECK(door.get_as(alice, "/v1/markets/" + id).text.find("Paris") == std::string::npos);
  CHECK(door.get_as(alice, "/v1/markets/x").status == 400);
  CHECK(door.get_as(alice, "/v1/markets/0199aabb-ccdd-7000-8000-00000000000f").status == 404);

  const std::string answers = "/v1/markets/" + id + "/answers";
  const std::string miss = R"({"id":"0199aabb-ccdd-7000-8000-000000000001","answer":"Rome"})";
  CHECK(door.post_as(bob, answers, miss).body.at("outcome") == "MISS");
  CHECK(door.post_as(bob, answers, miss).body.at("balance") == "999.00");
  CHECK(door.post_as(bob, answers, R"({"answer":"Paris"})").status == 400);
  CHECK(door.post_as(bob, answers,
                     R"({"id":"0199aabb-ccdd-7000-8000-000000000002","answer":"Paris",)"
                     R"("bot":"alice"})")
            .status == 403);
  CHECK(door.post(answers, R"({"id":"0199aabb-ccdd-7000-8000-000000000002","answer":"Paris"})")
            .status == 400);
  const Answer won = door.post_as(
      alice, answers, R"({"id":"0199aabb-ccdd-7000-8000-000000000003","answer":"Paris"})");
  CHECK(won.status == 200);
  CHECK(won.body.at("outcome") == "WIN");
  CHECK(won.body.at("balance") == "1025.00");
  CHECK(door.get("/v1/markets?open=true").body.at("markets").empty());

  CHECK(door.get_as(bob, "/v1/feed").body.at("posts").size() == 2);
  CHECK(door.get_as(bob, "/v1/feed?after=1&limit=5").body.at("posts").size() == 1);
  CHECK(door.get_as(bob, "/v1/feed?limit=0").status == 400);
  CHECK(door.get_as(bob, "/v1/bots/bob/insights").body.at("ticks") == 0);
  CHECK(door.get_as(bob, "/v1/bots/alice/insights").status == 403);
  CHECK(door.get("/v1/bots/zoe/insights").status == 404);
  CHECK(door.get_as(bob, "/v1/viability").body.contains("verdict"));
  for (const char* path : {"/v1/feed", "/v1/markets", "/v1/viability", "/v1/bots/bob/insights",
                           "/v1/arena/observation"})
    CHECK(door.ask({}, path).status == 401);
}

TEST_CASE("the arena answers with exactly the errors it is said to have") {
  EconomyDoor it("observation_valid = \"60s\"\n");
  Door& door = *it.door;
  const Json alice = it.add_bot("alice"), bob = it.add_bot("bob");
  const auto observe = [&](const Json& bot) {
    const Answer seen = door.get_as(bot, "/v1/arena/observation");
    REQUIRE(seen.status == 200);
    return seen.body;
  };
  const auto act = [&](const Json& bot, const Json& observation, Json more) {
    more["observation_id"] = observation.at("observation_id");
    if (!more.contains("action")) more["action"] = "PREDICT";
    return door.post_as(bot, "/v1/arena/action", more.dump());
  };
  const Json up = {{"direction", "UP"}, {"wager", "50.00"}};
  const auto refused = [&](const Answer& answer, int status, const std::string& wanted) {
    INFO(answer.text);
    CHECK(answer.status == status);
    CHECK(code(answer) == wanted);
  };
  const std::string before = it.verified();
  Json seen = observe(alice);
  CHECK(seen.at("prices").empty());
  refused(act(alice, seen, up), 503, "price_stale");
  it.post_price("100.00");
  seen = observe(alice);
  CHECK(seen.at("prices").at(0).at("symbol") == "BTC");

  Json wrong = alice;
  wrong["api_secret"] = bob.at("api_secret");
  refused(door.get_as(wrong, "/v1/arena/observation"), 401, "credentials_invalid");
  refused(act(wrong, seen, up), 401, "credentials_invalid");
  refused(act(bob, seen, up), 403, "observation_foreign");
  refused(act(alice, seen, {{"wager", "50.00"}}), 400, "direction_missing");
  refused(act(alice, seen, {{"direction", "UP"}}), 400, "wager_missing");
  refused(act(alice, seen, {{"direction", "SIDEWAYS"}, {"wager", "50.00"}}), 400, "field_value");
  for (const char* wager : {"0", "0.00", "-50.00"})
    refused(act(alice, seen, {{"direction", "UP"}, {"wager", wager}}), 400, "amount_not_positive");
  refused(act(alice, seen, {{"direction", "UP"}, {"wager", "1000.01"}}), 402, "funds_short");
  refused(act(alice, seen, {{"action", "RUN"}}), 400, "field_value");
  refused(act(alice, {{"observation_id", "x"}}, up), 400, "field_value");
  refused(act(alice, {{"observation_id", "0199aabb-ccdd-7000-8000-00000000000f"}}, up), 409,
          "observation_expired");
  refused(door.get_as(alice, "/v1/arena/observation?bot=bob"), 403, "not_permitted");
  refused(door.get("/v1/arena/observation"), 400, "bot_missing");
  CHECK(it.verified() == before);

  seen = observe(alice);  // A refusal leaves an observation as it is, but time goes on.
  const Answer acted = act(alice, seen, up);
  CHECK(acted.status == 200);
  CHECK(acted.body.at("balance") == "950.00");
  const std::string after = it.verified();
  refused(act(alice, seen, up), 409, "observation_used");
  refused(act(alice, seen, {{"action", "WAIT"}}), 409, "observation_used");
  CHECK(it.verified() == after);
  seen = observe(alice);
  CHECK(seen.at("positions").size() == 1);
  CHECK(seen.at("last_actions").size() == 1);
  CHECK(act(alice, seen, {{"action", "WAIT"}, {"reasoning", "enough"}}).status == 200);

  // As a model may answer it.
  seen = observe(alice);
  const std::string id = seen.at("observation_id");
  CHECK(door.post_as(alice, "/v1/arena/action",
                     "```json\n{observation_id: \"" + id + "\", action: \"WAIT\",}\n```")
            .status == 200);
  refused(door.post_as(alice, "/v1/arena/action", "I would rather wait."), 400, "answer_invalid");

  seen = observe(bob);
  REQUIRE(door.remove("/v1/bots/bob").status == 200);
  refused(act(bob, seen, up), 403, "bot_dead");
  refused(door.get_as(bob, "/v1/arena/observation"), 403, "bot_dead");
}

TEST_CASE("an observation that is not acted on in time is 409") {
  EconomyDoor it("observation_valid = \"1ns\"\n");
  const Json alice = it.add_bot("alice");
  it.post_price("100.00");
  const Answer seen = it.door->get_as(alice, "/v1/arena/observation");
  const Answer late = it.door->post_as(alice, "/v1/arena/action",
                                       Json{{"observation_id", seen.body.at("observation_id")},
                                            {"action", "PREDICT"},
                                            {"direction", "UP"},
                                            {"wager", "50.00"}}
                                           .dump());
  CHECK(late.status == 409);
  CHECK(code(late) == "observation_expired");
}
