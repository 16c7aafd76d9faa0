// The door as a caller finds it: real requests by curl, real daemons behind it. Bad input is named
// and changes nothing.
#include <catch2/catch.hpp>

#include "tests/integration/http_door.hpp"

using namespace guild::test;

namespace {

std::string balance(Door& door, const std::string& handle) {
  return door.get("/v1/bots/" + handle).body.at("balance");
}

}  // namespace

TEST_CASE("bots, transfers, tasks, logs and health over HTTP") {
  TestHome home;
  home.write_config("[gateway]\nport = 0\n");
  home.start_suite();
  Door door(home);

  CHECK(door.ask({}, "/healthz").status == 200);
  const Answer ready = door.get("/readyz");
  CHECK(ready.status == 200);
  CHECK(ready.body.at("daemons").size() == 5);
  const Answer metrics = door.get("/metrics");
  CHECK(metrics.status == 200);
  for (const char* daemon : {"broker", "logconsumer", "ledgerd", "scheduler", "gateway"})
    CHECK(metrics.text.find(std::string("guild_up{daemon=\"") + daemon + "\"} 1") !=
          std::string::npos);

  const Answer created = door.post("/v1/bots", R"({"handle":"courier"})");
  REQUIRE(created.status == 201);
  CHECK(created.body.at("balance") == "1000.00");
  CHECK(door.post("/v1/bots", R"({"handle":"courier"})").status == 409);
  CHECK(door.get("/v1/bots").body.at("bots").size() == 1);
  CHECK(door.get("/v1/bots/nobody").status == 404);

  SECTION("a transfer is booked once, however often it is sent") {
    const std::string transfer = R"({"debit":"bot/courier","credit":"user/ann","amount":"2.50"})";
    const Answer first = door.post("/v1/transfers", transfer, {"-H", "Idempotency-Key: one"});
    CHECK(first.status == 201);
    const Answer second = door.post("/v1/transfers", transfer, {"-H", "Idempotency-Key: one"});
    CHECK(second.status == 200);
    CHECK(second.body.at("hash") == first.body.at("hash"));
    CHECK(door.post("/v1/transfers", R"({"debit":"bot/courier","credit":"user/ann","amount":"3"})",
                    {"-H", "Idempotency-Key: one"})
              .status == 409);
    CHECK(balance(door, "courier") == "997.50");
  }

  SECTION("a bot moves its own money and nobody else's, and sees only itself") {
    const Answer other = door.post("/v1/bots", R"({"handle":"other"})");
    REQUIRE(other.status == 201);
    const std::string id = "0199aabb-ccdd-7000-8000-000000000001";
    CHECK(door.post_as(created.body, "/v1/transfers",
                       R"({"id":")" + id +
                           R"(","debit":"bot/courier","credit":"bot/other","amount":"1.00"})")
              .status == 201);
    const Answer theft = door.post_as(
        created.body, "/v1/transfers",
        R"({"id":"0199aabb-ccdd-7000-8000-000000000002","debit":"bot/other","credit":"bot/courier","amount":"1.00"})");
    CHECK(theft.status == 403);
    CHECK(balance(door, "other") == "1001.00");
    CHECK(door.post_as(created.body, "/v1/bots", R"({"handle":"third"})").status == 403);
    CHECK(door.post_as(created.body, "/v1/tasks", R"({"command":["true"]})").status == 403);
    Json wrong = created.body;
    wrong["api_secret"] = other.body.at("api_secret");
    CHECK(door.post_as(wrong, "/v1/transfers", "{}").status == 401);
  }

  SECTION("a task runs, its output can be read, its cost is booked") {
    const Answer submitted =
        door.post("/v1/tasks", R"({"command":["echo","over http"],"bot":"courier","cost":"0.75"})");
    REQUIRE(submitted.status == 202);
    const std::string task = submitted.body.at("id");
    const auto ended = [&] { return door.get("/v1/tasks/" + task).body.value("charged", false); };
    REQUIRE(wait_for_change(home.data(), ended, seconds(20)));
    CHECK(door.get("/v1/tasks/" + task).body.at("state") == "succeeded");
    CHECK(door.get("/v1/tasks/" + task + "/output").body.at("text") == "over http\n");
    CHECK(balance(door, "courier") == "999.25");
    CHECK(door.get("/v1/tasks?bot=courier").body.at("tasks").size() == 1);
  }

  SECTION("log lines can be read with filters") {
    const Answer logs = door.get("/v1/logs?daemon=ledgerd&limit=3");
    CHECK(logs.status == 200);
    CHECK(logs.body.at("records").size() <= 3);
    CHECK_FALSE(logs.body.at("records").empty());
  }

  SECTION("bad input is named and changes nothing") {
    struct Case {
      std::string path, body, code;
      int status;
    };
    const std::string transfer =
        R"("credit":"user/ann","debit":"bot/courier","id":"0199aabb-ccdd-7000-8000-00000000000f")";
    const std::vector<Case> cases = {
        {"/v1/bots", "{", "json_invalid", 400},
        {"/v1/bots", R"({"handle":"a","handle":"b"})", "field_value", 400},
        {"/v1/bots", R"({"handel":"a"})", "field_unknown", 400},
        {"/v1/bots", R"({"handle":7})", "field_type", 400},
        {"/v1/bots", R"({"handle":"Not A Handle"})", "handle_format", 400},
        {"/v1/transfers", R"({"amount":"-1.00",)" + transfer + "}", "amount_not_positive", 400},
        {"/v1/transfers", R"({"amount":"0",)" + transfer + "}", "amount_not_positive", 400},
        {"/v1/transfers", R"({"amount":"1.123456789",)" + transfer + "}", "field_value", 400},
        {"/v1/transfers", R"({"amount":1.5,)" + transfer + "}", "field_type", 400},
        {"/v1/transfers", R"({"amount":"NaN",)" + transfer + "}", "field_value", 400},
        {"/v1/transfers", R"({"amount":"1e3",)" + transfer + "}", "field_value", 400},
        {"/v1/transfers", R"({"amount":"5000.00",)" + transfer + "}", "funds_short", 402},
        {"/v1/transfers",
         R"({"amount":"1","debit":"bot/nobody","credit":"user/ann","id":"0199aabb-ccdd-7000-8000-000000000010"})",
         "debit_account_unknown", 404},
        {"/v1/transfers", R"({"amount":"1","debit":"bot/courier","credit":"user/ann"})",
         "field_missing", 400},
        {"/v1/transfers", R"({"amount":"1","credential":{},)" + transfer + "}", "field_unknown",
         400},
        {"/v1/tasks", R"({"command":[]})", "command_empty", 400},
        {"/v1/tasks", R"({"command":["true"],"bot":"nobody","cost":"1"})", "bot_unknown", 404},
        {"/v1/tasks", R"({"command":["true"],"priority":3})", "field_range", 400},
    };
    const std::string entries_before = home.guild({"ledger", "verify", "--json"}).out;
    for (const Case& bad : cases) {
      const Answer answer = door.post(bad.path, bad.body);
      INFO(bad.path << " " << bad.body << " -> " << answer.text);
      CHECK(answer.status == bad.status);
      CHECK(answer.body.value("code", "") == bad.code);
      CHECK(answer.text.find("/tmp/") == std::string::npos);  // Nothing of the inside.
    }
    CHECK(home.guild({"ledger", "verify", "--json"}).out == entries_before);
    CHECK(door.get("/v1/tasks").body.at("tasks").empty());
    CHECK(door.get("/v1/bots").body.at("bots").size() == 1);
  }

  SECTION("who calls, and from where, is checked on every route but one") {
    for (const char* path : {"/readyz", "/metrics", "/v1/bots", "/v1/bots/courier", "/v1/tasks",
                             "/v1/logs", "/nothing"}) {
      INFO(path);
      CHECK(door.ask({}, path).status == 401);
      CHECK(door.ask({"-H", "Authorization: Bearer 00"}, path).status == 401);
      CHECK(door.ask({"-H", door.operator_header(), "-H", "Host: evil.example"}, path).status ==
            421);
      CHECK(door.ask({"-H", door.operator_header(), "-H", "Origin: http://evil.example"}, path)
                .status == 403);
    }
    CHECK(door.ask({"-X", "PUT", "-H", door.operator_header()}, "/v1/bots").status == 405);
    CHECK(door.ask({"-H", door.operator_header(), "--data", "handle=x"}, "/v1/bots").status == 415);
  }
}

TEST_CASE("a daemon that is away is a 503 at once, and the door says which") {
  TestHome home;
  home.write_config("[gateway]\nport = 0\n");
  for (const char* daemon : {"broker", "logconsumer", "scheduler", "gateway"}) home.start(daemon);
  Door door(home);
  const Answer bots = door.get("/v1/bots");
  CHECK(bots.status == 503);
  CHECK(bots.body.at("code") == "no_responder");
  const Answer ready = door.get("/readyz");
  CHECK(ready.status == 503);
  CHECK(ready.body.at("ready") == false);
}
