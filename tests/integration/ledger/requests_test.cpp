// Each verb of ledgerd as the bus sees it: what it answers, whom it refuses, and that a refusal
// changes nothing.
#include <catch2/catch.hpp>
#include <set>

#include "tests/integration/ledger/ledger_home.hpp"

using namespace guild::test;

namespace {

Json bot_credential(const Json& created) {
  return {{"api_key", created.at("api_key")}, {"api_secret", created.at("api_secret")}};
}

Json with_credential(Json request, const Json& credential) {
  request["credential"] = credential;
  return request;
}

std::vector<Json> entries(LedgerClient& client, const std::string& account) {
  std::vector<Json> all;
  for (bool more = true; more;) {
    const Json page =
        client
            .ask("entries", {{"account", account},
                             {"after", all.empty() ? Json(0) : all.back().at("account_seq")},
                             {"limit", 3}})
            .json;
    all.insert(all.end(), page.at("entries").begin(), page.at("entries").end());
    more = page.at("more");
  }
  return all;
}

}  // namespace

TEST_CASE("a bot is made once, with its grant, and its key and secret are shown once") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  const Reply created = client.ask("bot-create", {{"handle", "alice"}});
  REQUIRE(created.code() == "ok");
  CHECK(created.json.at("balance") == "1000.00");
  CHECK(client.ask("bot-create", {{"handle", "alice"}}).code() == "handle_taken");
  CHECK(client.ask("bot-create", {{"handle", "Not a handle"}}).code() == "handle_format");

  const Reply shown = client.ask("bot-show", {{"handle", "alice"}});
  CHECK(shown.json.at("status") == "ALIVE");
  CHECK(shown.json.at("available") == "1000.00");
  CHECK_FALSE(shown.json.contains("api_key"));
  CHECK(client.ask("bot-show", {{"handle", "zoe"}}).code() == "bot_unknown");

  const std::vector<Json> history = entries(client, "bot/alice");
  REQUIRE(history.size() == 1);
  CHECK(history[0].at("type") == "GRANT");
  CHECK(history[0].at("reference") == "GENESIS_GRANT");
  CHECK(history[0].at("account_seq") == 1);
  CHECK(history[0].at("previous_hash") == std::string(64, '0'));
  CHECK(home.balance("world") == "-1001000.00");
  home.stop();
}

TEST_CASE("bots are listed by handle, in pages") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  for (const char* handle : {"carol", "alice", "bob"})
    REQUIRE(client.ask("bot-create", {{"handle", handle}}).ok);
  const Json first = client.ask("bot-list", {{"limit", 2}}).json;
  CHECK(first.at("more") == true);
  CHECK(first.at("bots").at(0).at("handle") == "alice");
  CHECK(first.at("bots").at(1).at("handle") == "bob");
  const Json rest = client.ask("bot-list", {{"after", "bob"}}).json;
  CHECK(rest.at("more") == false);
  CHECK(rest.at("bots").at(0).at("handle") == "carol");
}

TEST_CASE("a transfer moves its amount once, however often it is sent") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  const Json order = transfer_of(id_of(1, 1), "treasury", "user/eve", "2.50");
  const Reply first = client.ask("transfer", order);
  REQUIRE(first.ok);
  CHECK(first.json.at("repeated") == false);
  const Reply again = client.ask("transfer", order);
  CHECK(again.json.at("repeated") == true);
  CHECK(again.json.at("hash") == first.json.at("hash"));
  CHECK(client.ask("transfer", transfer_of(id_of(1, 1), "treasury", "user/eve", "2.51")).code() ==
        "id_reused");
  CHECK(home.balance("user/eve") == "2.50");

  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  const Reply later = client.ask("transfer", order);
  CHECK(later.json.at("repeated") == true);
  CHECK(later.json.at("seq") == first.json.at("seq"));
  CHECK(home.balance("user/eve") == "2.50");
}

TEST_CASE("a transfer that is refused names why, and changes nothing") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  REQUIRE(client.ask("bot-create", {{"handle", "alice"}}).ok);
  const Json before = home.verify();
  unsigned next = 0;
  const auto code = [&](std::string_view debit, std::string_view credit, std::string_view amount) {
    return client.ask("transfer", transfer_of(id_of(2, ++next), debit, credit, amount)).code();
  };
  CHECK(code("bot/alice", "treasury", "1000.00000001") == "funds_short");
  CHECK(code("bot/alice", "treasury", "0") == "amount_not_positive");
  CHECK(code("bot/alice", "treasury", "-1") == "amount_not_positive");
  CHECK(code("bot/alice", "bot/alice", "1") == "same_account");
  CHECK(code("bot/nobody", "treasury", "1") == "debit_account_unknown");
  CHECK(code("bot/alice", "bot/nobody", "1") == "credit_account_unknown");
  CHECK(code("bot/alice", "escrow/1", "1") == "credit_account_unknown");
  CHECK(code("bot/alice", "user/No", "1") == "credit_account_unknown");
  CHECK(code("bot/alice", "treasury", "0.123456789") == "field_value");
  CHECK(code("world", "treasury", "92233720368.54775807") == "balance_overflow");
  CHECK(client.ask_raw("transfer", "{").code() == "json_invalid");
  Json unknown_field = transfer_of(id_of(2, ++next), "treasury", "user/eve", "1");
  unknown_field["ammount"] = "1";
  CHECK(client.ask("transfer", unknown_field).code() == "field_unknown");
  CHECK(home.verify() == before);
}

TEST_CASE("a carrier needs its caller's credential, and gets no more than that may") {
  LedgerHome home;
  LedgerClient as_operator = home.client("operator");
  const Json alice = as_operator.ask("bot-create", {{"handle", "alice"}}).json;
  REQUIRE(as_operator.ask("bot-create", {{"handle", "bob"}}).ok);
  LedgerClient gateway = home.client("gateway");
  const Json token = {{"operator_token", home.operator_token()}};
  unsigned next = 0;
  const auto code = [&](const std::string& debit, const Json& credential) {
    Json order = transfer_of(id_of(3, ++next), debit, "user/eve", "1");
    if (!credential.is_null()) order["credential"] = credential;
    return gateway.ask("transfer", order).code();
  };
  CHECK(code("bot/alice", nullptr) == "credential_required");
  CHECK(code("bot/alice", Json::object()) == "credentials_invalid");
  CHECK(code("bot/alice", {{"operator_token", "wrong"}}) == "credentials_invalid");
  CHECK(code("bot/alice", bot_credential(alice)) == "ok");
  CHECK(code("bot/bob", bot_credential(alice)) == "not_permitted");
  CHECK(code("treasury", bot_credential(alice)) == "not_permitted");
  CHECK(code("world", bot_credential(alice)) == "not_permitted");
  CHECK(code("bot/bob", token) == "ok");
  CHECK(code("world", token) == "ok");
  CHECK(home.balance("user/eve") == "3.00");

  CHECK(gateway.ask("bot-create", {{"handle", "carol"}}).code() == "credential_required");
  CHECK(gateway.ask("bot-create", with_credential({{"handle", "carol"}}, bot_credential(alice)))
            .code() == "not_permitted");
  CHECK(gateway.ask("bot-create", with_credential({{"handle", "carol"}}, token)).code() == "ok");
}

TEST_CASE("whoever is not who they say gets one and the same answer") {
  LedgerHome home;
  const Json alice = home.client("operator").ask("bot-create", {{"handle", "alice"}}).json;
  const Json bob = home.client("operator").ask("bot-create", {{"handle", "bob"}}).json;
  LedgerClient gateway = home.client("gateway");
  const auto ask = [&](const Json& credential) {
    return gateway.ask("authenticate", {{"credential", credential}});
  };
  CHECK(ask(bot_credential(alice)).json.at("bot") == "alice");
  CHECK(ask(bot_credential(alice)).json.at("is_operator") == false);
  CHECK(ask({{"operator_token", home.operator_token()}}).json.at("is_operator") == true);

  std::set<std::string> answers;
  for (const Json& wrong :
       {Json::object(), Json{{"operator_token", ""}}, Json{{"operator_token", "no"}},
        Json{{"api_key", alice.at("api_key")}},
        Json{{"api_key", "guild_key_0000000000000000_00"}, {"api_secret", alice.at("api_secret")}},
        Json{{"api_key", alice.at("api_key")}, {"api_secret", bob.at("api_secret")}}}) {
    const Reply reply = ask(wrong);
    CHECK_FALSE(reply.ok);
    answers.insert(reply.json.dump());
  }
  CHECK(answers.size() == 1);

  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  CHECK(ask(bot_credential(alice)).json.at("bot") == "alice");
}

TEST_CASE("an attempt of a task is charged once, by the scheduler alone") {
  LedgerHome home;
  REQUIRE(home.client("operator").ask("bot-create", {{"handle", "alice"}}).ok);
  // Uuid::of_name("0199aabb-ccdd-7000-8000-000000000001/1"): the first 16 bytes of its SHA-256 with
  // version 8 and variant bits, as the scheduler makes it.
  const std::string task = "0199aabb-ccdd-7000-8000-000000000001";
  const std::string id = "784901bc-dcbc-8017-b868-6f220402ea71";
  Json order = {{"id", id}, {"bot", "alice"}, {"amount", "0.25"}, {"task", task}, {"attempt", 1}};
  LedgerClient scheduler = home.client("scheduler");
  CHECK(scheduler.ask("charge", order).code() == "ok");
  CHECK(scheduler.ask("charge", order).json.at("repeated") == true);
  CHECK(home.balance("bot/alice") == "999.75");

  CHECK(home.client("operator").ask("charge", order).code() == "not_permitted");
  order["attempt"] = 2;
  CHECK(scheduler.ask("charge", order).code() == "id_invalid");
  order["attempt"] = 1;
  order["amount"] = "0.26";
  CHECK(scheduler.ask("charge", order).code() == "id_reused");
  CHECK(home.balance("bot/alice") == "999.75");

  LedgerClient client = home.client("operator");
  const std::vector<Json> history = entries(client, "bot/alice");
  REQUIRE(history.size() == 2);
  CHECK(history[1].at("type") == "CHARGE");
  CHECK(history[1].at("amount") == "-0.25");
  CHECK(history[1].at("reference") == "TASK:" + task + ":1");
}

TEST_CASE("history comes in pages that link to each other") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  for (unsigned i = 0; i < 10; ++i)
    REQUIRE(client.ask("transfer", transfer_of(id_of(4, i), "treasury", "user/eve", "1")).ok);
  const std::vector<Json> history = entries(client, "user/eve");
  REQUIRE(history.size() == 10);
  std::string previous(64, '0');
  for (std::size_t i = 0; i < history.size(); ++i) {
    CHECK(history[i].at("account_seq") == i + 1);
    CHECK(history[i].at("previous_hash") == previous);
    previous = history[i].at("hash");
  }
  CHECK(client.ask("entries", {{"account", "user/zoe"}}).code() == "account_unknown");
  CHECK(client.ask("balance", {{"account", "user/zoe"}}).code() == "account_unknown");
  CHECK(client.ask("entries", {{"account", "user/eve"}, {"limit", 0}}).code() == "field_range");
}

TEST_CASE("every leg is told on the bus, in order, and again only after a crash") {
  LedgerHome home;
  LedgerClient listener = home.client("operator");
  REQUIRE(listener.raw().ask(guild::raw::subscribe, "ledger/entry/**").kind == guild::raw::done);
  LedgerClient client = home.client("operator");
  for (unsigned i = 0; i < 5; ++i)
    REQUIRE(client.ask("transfer", transfer_of(id_of(5, i), "treasury", "user/eve", "1")).ok);
  std::vector<std::pair<std::string, std::int64_t>> told;
  while (told.size() < 10) {
    const auto record = listener.raw().expect(guild::raw::deliver);
    CHECK(record.name == "ledgerd");
    for (const std::string& item : record.items()) {
      const Json entry = Json::parse(item);
      CHECK(record.topic == "ledger/entry/" + entry.at("account").get<std::string>());
      // The genesis is told before or after somebody listens.
      if (entry.at("seq") != 1) told.emplace_back(entry.at("account"), entry.at("seq"));
    }
  }
  for (std::size_t i = 0; i < told.size(); ++i) {
    CHECK(told[i].first == (i % 2 == 0 ? "treasury" : "user/eve"));
    CHECK(told[i].second == static_cast<std::int64_t>(i / 2 + 2));
  }
}

TEST_CASE("the genesis is that of the first start; a later setting is for later bots") {
  LedgerHome home("[economy]\ngenesis_grant = \"5.00\"\ntreasury_grant = \"70.00\"\n");
  LedgerClient client = home.client("operator");
  REQUIRE(client.ask("bot-create", {{"handle", "old"}}).ok);
  home.daemon("ledgerd").kill();
  home.write_config("[economy]\ngenesis_grant = \"6.00\"\ntreasury_grant = \"80.00\"\n");
  home.start("ledgerd");
  REQUIRE(client.ask("bot-create", {{"handle", "new"}}).ok);
  CHECK(home.balance("bot/old") == "5.00");
  CHECK(home.balance("bot/new") == "6.00");
  CHECK(home.balance("treasury") == "70.00");
  CHECK(home.balance("world") == "-81.00");
}

TEST_CASE("a negative grant in the settings is refused at the start, and makes no book") {
  TestHome home;
  home.write_config("[economy]\ngenesis_grant = \"-1.00\"\n");
  const Outcome outcome = home.run_daemon("ledgerd");
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.err.find("[economy] genesis_grant") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(home.data() / "ledger.db"));
}
