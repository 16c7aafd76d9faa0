// Bots' lives, grants, permits and approvals over the real bus and by the real command: what each
// answers, whom it refuses, and that no crowd and no crash gets past a budget or a limit.
#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "tests/integration/ledger/ledger_home.hpp"

using namespace guild::test;

namespace {

constexpr unsigned crowd = 64;

Json permit_of(const std::string& id, std::string_view bot, std::string_view action,
               std::string_view max, std::string_view lifetime = "1h") {
  return {{"id", id}, {"bot", bot}, {"action", action}, {"max_cost", max}, {"lifetime", lifetime}};
}

Json settle_of(const std::string& id, std::string_view cost, std::string_view outcome = "ok") {
  return {{"permit", id}, {"cost", cost}, {"outcome", outcome}};
}

Json credential_of(const Json& created) {
  return {{"api_key", created.at("api_key")}, {"api_secret", created.at("api_secret")}};
}

/// "allowed", the reason of the refusal, or the error's code.
std::string told(const Reply& reply) {
  if (!reply.ok) return reply.code();
  return reply.json.value("reason", reply.json.at("state").get<std::string>());
}

Json balance_of(LedgerClient& client, const std::string& account) {
  return client.ask("balance", {{"account", account}}).json;
}

/// Everybody asks at the same moment; how often each answer came.
std::map<std::string, int> ask_at_once(LedgerHome& home, std::string_view action,
                                       std::string_view max, unsigned family, unsigned each) {
  std::map<std::string, int> answers;
  std::mutex mutex;
  std::latch ready(crowd);
  std::vector<std::jthread> threads;
  for (unsigned who = 0; who < crowd; ++who)
    threads.emplace_back([&, who] {
      LedgerClient client = home.client("operator");
      ready.arrive_and_wait();
      for (unsigned n = 0; n < each; ++n) {
        const Reply reply = client.ask("permit-request",
                                       permit_of(id_of(family, who * each + n), "a", action, max));
        const std::lock_guard lock(mutex);
        ++answers[told(reply)];
      }
    });
  threads.clear();
  return answers;
}

std::string guild_code(const Outcome& outcome) {
  return outcome.err.empty() ? ""
                             : Json::parse(outcome.err.substr(outcome.err.find('{'))).at("code");
}

}  // namespace

TEST_CASE("64 clients at once never exceed a budget or a limit, by one unit or one use") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  REQUIRE(client.ask("bot-create", {{"handle", "a"}}).ok);
  const auto grant = [&](std::string_view pattern, Json more) {
    more["bot"] = "a";
    more["pattern"] = pattern;
    REQUIRE(client.ask("grant-add", more).ok);
  };

  grant("counted", {{"daily_limit", 50}});
  auto answers = ask_at_once(home, "counted", "0", 1, 4);
  CHECK(answers["allowed"] == 50);
  CHECK(answers["daily_limit_reached"] == crowd * 4 - 50);

  grant("spent", {{"spending_limit", "10.00"}});
  answers = ask_at_once(home, "spent", "0.30", 2, 4);
  CHECK(answers["allowed"] == 33);
  CHECK(answers["spending_limit_reached"] == crowd * 4 - 33);

  grant("free", Json::object());
  answers = ask_at_once(home, "free", "7.00", 3, 4);
  // What 990.10 pay for.
  CHECK(answers["allowed"] == 141);
  CHECK(answers["insufficient_funds"] == crowd * 4 - 141);
  CHECK(balance_of(client, "bot/a").at("available") == "3.10");
  CHECK(balance_of(client, "bot/a").at("balance") == "1000.00");
  CHECK(home.verify().at("ok") == true);
}

TEST_CASE(
    "killed between request and settle, the daemon comes back with the permit, until it expires") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  REQUIRE(client.ask("bot-create", {{"handle", "a"}}).ok);
  REQUIRE(client.ask("grant-add", {{"bot", "a"}, {"pattern", "work"}, {"daily_limit", 2}}).ok);
  REQUIRE(told(client.ask("permit-request", permit_of(id_of(1, 1), "a", "work", "400.00", "3s"))) ==
          "allowed");
  REQUIRE(told(client.ask("permit-request", permit_of(id_of(1, 2), "a", "work", "500.00"))) ==
          "allowed");
  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  CHECK(balance_of(client, "bot/a").at("held") != "0.00");
  // The one that lives on is the same permit, and is settled once.
  CHECK(told(client.ask("permit-request", permit_of(id_of(1, 2), "a", "work", "500.00"))) ==
        "allowed");
  CHECK(client.ask("permit-settle", settle_of(id_of(1, 2), "100.00")).json.at("repeated") == false);
  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  CHECK(client.ask("permit-settle", settle_of(id_of(1, 2), "100.00")).json.at("repeated") == true);
  CHECK(balance_of(client, "bot/a").at("balance") == "900.00");

  CHECK(home.wait_for_entries("bot/a",
                              [&] { return balance_of(client, "bot/a").at("held") == "0.00"; }));
  CHECK(balance_of(client, "bot/a").at("available") == "900.00");
  CHECK(client.ask("permit-settle", settle_of(id_of(1, 1), "1.00")).code() == "permit_expired");
  // Its use stays counted.
  CHECK(told(client.ask("permit-request", permit_of(id_of(1, 3), "a", "work", "1.00"))) ==
        "daily_limit_reached");
  CHECK(home.verify().at("ok") == true);
}

TEST_CASE("a cap that is reached pauses the work, raised it goes on, and nothing is paid twice") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  REQUIRE(client.ask("bot-create", {{"handle", "a"}}).ok);
  const auto cap = [&](std::string_view amount) {
    REQUIRE(client.ask("grant-add", {{"bot", "a"}, {"pattern", "work"}, {"spending_limit", amount}})
                .ok);
  };
  cap("5.00");
  int paused = 0;
  for (unsigned step = 0; step < 10; ++step) {
    const Json order = permit_of(id_of(1, step), "a", "work", "1.00");
    std::string answer = told(client.ask("permit-request", order));
    if (answer == "spending_limit_reached") {
      ++paused;
      cap("10.00");
      answer = told(client.ask("permit-request", order));
    }
    REQUIRE(answer == "allowed");
    REQUIRE(client.ask("permit-settle", settle_of(id_of(1, step), "1.00")).ok);
    REQUIRE(client.ask("permit-settle", settle_of(id_of(1, step), "1.00")).json.at("repeated") ==
            true);
  }
  CHECK(paused == 1);
  CHECK(home.balance("bot/a") == "990.00");
  CHECK(home.balance("treasury") == "1000010.00");
}

TEST_CASE("carriers show a credential; a bot asks for itself, and an operator governs") {
  LedgerHome home;
  LedgerClient as_operator = home.client("operator");
  const Json a = as_operator.ask("bot-create", {{"handle", "a"}}).json;
  const Json b = as_operator.ask("bot-create", {{"handle", "b"}}).json;
  const Json token = {{"operator_token", home.operator_token()}};
  for (const char* carrier : {"gateway", "scheduler"}) {
    LedgerClient client = home.client(carrier);
    const unsigned family = carrier[0] == 'g' ? 1 : 2;
    Json order = permit_of(id_of(family, 1), "a", "create_task:x", "1.00");
    CHECK(client.ask("permit-request", order).code() == "credential_required");
    order["credential"] = credential_of(b);
    CHECK(client.ask("permit-request", order).code() == "not_permitted");
    order["credential"] = credential_of(a);
    CHECK(told(client.ask("permit-request", order)) == "allowed");
    Json settle = settle_of(id_of(family, 1), "0.50");
    CHECK(client.ask("permit-settle", settle).code() == "credential_required");
    settle["credential"] = credential_of(b);
    CHECK(client.ask("permit-settle", settle).code() == "permit_unknown");
    settle["credential"] = token;
    CHECK(client.ask("permit-settle", settle).ok);
  }
  LedgerClient gateway = home.client("gateway");
  for (const auto& [verb, request] :
       std::map<std::string, Json>{{"grant-add", {{"bot", "a"}, {"pattern", "*"}}},
                                   {"grant-revoke", {{"bot", "a"}, {"pattern", "build_app:*"}}},
                                   {"approval-allow", {{"permit", id_of(1, 1)}}},
                                   {"approval-deny", {{"permit", id_of(1, 1)}}},
                                   {"bot-rotate", {{"handle", "a"}}},
                                   {"bot-retire", {{"handle", "a"}}},
                                   {"bot-liquidate", {{"handle", "a"}}},
                                   {"bot-revive", {{"handle", "a"}, {"amount", "1.00"}}}}) {
    INFO(verb);
    CHECK(gateway.ask(verb, request).code() == "credential_required");
    Json with = request;
    with["credential"] = credential_of(a);
    CHECK(gateway.ask(verb, with).code() == "not_permitted");
  }
  Json wide = {{"bot", "a"}, {"pattern", "delete_data:*"}, {"credential", token}};
  CHECK(gateway.ask("grant-add", wide).code() == "action_guarded");
  wide["pattern"] = "deliver:*";
  CHECK(gateway.ask("grant-add", wide).ok);
}

TEST_CASE("old keys are refused from the answer on; the dead have none, the revived new ones") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  LedgerClient gateway = home.client("gateway");
  const auto is_good = [&](const Json& created) {
    return gateway.ask("authenticate", {{"credential", credential_of(created)}}).ok;
  };
  const Json first = client.ask("bot-create", {{"handle", "a"}}).json;
  CHECK(is_good(first));
  const Json second = client.ask("bot-rotate", {{"handle", "a"}}).json;
  CHECK_FALSE(is_good(first));
  CHECK(is_good(second));
  CHECK(client.ask("bot-liquidate", {{"handle", "a"}}).json.at("status") == "DEAD");
  CHECK_FALSE(is_good(second));
  CHECK(client.ask("bot-show", {{"handle", "a"}}).json.at("balance") == "0.00");
  CHECK(client.ask("bot-retire", {{"handle", "a"}}).code() == "bot_dead");
  const Json third = client.ask("bot-revive", {{"handle", "a"}, {"amount", "5.00"}}).json;
  CHECK(third.at("balance") == "5.00");
  CHECK(is_good(third));
  home.daemon("ledgerd").kill();
  home.start("ledgerd");
  CHECK(is_good(third));
  CHECK_FALSE(is_good(first));
  CHECK_FALSE(is_good(second));
  CHECK(client.ask("bot-show", {{"handle", "a"}}).json.at("status") == "ALIVE");
  CHECK(home.verify().at("ok") == true);
}

TEST_CASE("the command: grants, permits and approvals, with the exit codes that scripts rely on") {
  LedgerHome home;
  const auto run = [&](std::vector<std::string> words) {
    words.emplace_back("--json");
    return home.guild(std::move(words));
  };
  REQUIRE(run({"bot", "add", "a"}).exit_code == 0);
  Outcome out = run({"grant", "list", "a"});
  CHECK(json_lines(out.out).size() == 11);
  CHECK(run({"grant", "list", "zoe"}).exit_code == 3);
  out = run({"grant", "add", "a", "pay:*", "--daily", "2", "--spend", "20.00", "--until", "24h"});
  REQUIRE(out.exit_code == 0);
  CHECK(json_lines(out.out).at(0).at("daily_limit") == 2);
  CHECK(json_lines(out.out).at(0).at("spending_limit") == "20.00");
  out = run({"grant", "add", "a", "drop_migration:*"});
  CHECK(out.exit_code == 4);
  CHECK(guild_code(out) == "action_guarded");

  out = run({"permit", "request", "a", "pay:x", "--max", "5.00"});
  REQUIRE(out.exit_code == 0);
  const std::string permit = json_lines(out.out).at(0).at("permit");
  CHECK(json_lines(out.out).at(0).at("state") == "allowed");
  CHECK(run({"permit", "settle", permit, "--cost", "6.00", "--outcome", "ok"}).exit_code == 6);
  CHECK(run({"permit", "settle", permit, "--cost", "2.00", "--outcome", "ok"}).exit_code == 0);
  CHECK(run({"permit", "settle", permit, "--cost", "2.00", "--outcome", "ok"}).exit_code == 0);
  CHECK(run({"permit", "settle", permit, "--cost", "3.00", "--outcome", "ok"}).exit_code == 7);
  CHECK(run({"permit", "settle", id_of(9, 9), "--cost", "0", "--outcome", "ok"}).exit_code == 3);
  out = run({"permit", "request", "a", "nothing:x"});
  CHECK(out.exit_code == 4);
  CHECK(json_lines(out.out).at(0).at("state") == "denied");
  CHECK(json_lines(out.out).at(0).at("reason") == "no_matching_grant");
  REQUIRE(run({"grant", "add", "a", "rich"}).exit_code == 0);
  CHECK(run({"permit", "request", "a", "rich", "--max", "5000.00"}).exit_code == 6);

  REQUIRE(run({"grant", "add", "a", "ask_me", "--effect", "ask"}).exit_code == 0);
  out = run({"permit", "request", "a", "ask_me:now", "--max", "1.00"});
  CHECK(out.exit_code == 0);
  const Json waiting = json_lines(out.out).at(0);
  CHECK(waiting.at("state") == "awaiting_approval");
  CHECK(waiting.at("reason") == "approval_pending");
  out = run({"approval", "list"});
  REQUIRE(json_lines(out.out).size() == 1);
  CHECK(json_lines(out.out).at(0).at("permit") == waiting.at("permit"));
  out = run({"approval", "allow", waiting.at("permit")});
  CHECK(out.exit_code == 0);
  CHECK(json_lines(out.out).at(0).at("state") == "allowed");
  CHECK(run({"approval", "deny", waiting.at("permit")}).exit_code == 7);
  CHECK(run({"grant", "revoke", "a", "ask_me"}).exit_code == 0);
  CHECK(run({"grant", "revoke", "a", "ask_me"}).exit_code == 3);
}

TEST_CASE("the command: the audit, all of it once and in order, from the file too") {
  LedgerHome home;
  const auto lines = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"ledger", "audit"});
    arguments.emplace_back("--json");
    const Outcome outcome = home.guild(arguments);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return json_lines(outcome.out);
  };
  const std::size_t before = lines({}).size();  // The constants.
  REQUIRE(home.guild({"bot", "add", "a"}).exit_code == 0);
  REQUIRE(home.guild({"grant", "add", "a", "pay:*", "--daily", "2"}).exit_code == 0);
  REQUIRE(home.guild({"grant", "add", "a", "drop_migration:*"}).exit_code == 4);
  REQUIRE(home.guild({"bot", "add", "b"}).exit_code == 0);
  // More than a page.
  for (int i = 0; i < 205; ++i)
    REQUIRE(home.guild({"grant", i % 2 == 0 ? "revoke" : "add", "a", "pay:*"}).exit_code == 0);

  const auto all = lines({});
  REQUIRE(all.size() == before + 4 + 205);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].at("number") == i + 1);
  const Json& granted = all.at(before + 1);
  CHECK(all.at(before).at("action") == "bot-create");
  CHECK(granted.at("action") == "grant-add");
  CHECK(granted.at("subject") == "bot/a");
  CHECK(granted.at("sender") == "operator");
  CHECK(granted.at("principal") == "operator");
  CHECK(granted.at("detail").at("pattern") == "pay:*");
  CHECK(all.at(before + 2).at("action") == "kernel-guard");
  CHECK(lines({"--subject", "bot/b"}).size() == 1);
  CHECK(lines({"--after", std::to_string(all.size() - 3)}).size() == 3);
  CHECK(lines({"--after", std::to_string(before), "--count", "2"}).size() == 2);

  CHECK(json_lines(home.guild({"--as", "viewer", "ledger", "audit", "--json"}).out) == all);
  const Outcome denied = home.guild({"--as", "bench", "ledger", "audit"});
  CHECK(denied.exit_code == 4);
  CHECK(home.guild({"ledger", "audit", "--after", "-1"}).exit_code == 2);
  home.stop();
  CHECK(lines({}) == all);
}

TEST_CASE("the command: a bot's life, and keys from a file that is parsed and never run") {
  LedgerHome home;
  const auto run = [&](std::vector<std::string> words, const std::string& input = {}) {
    words.emplace_back("--json");
    return home.guild(std::move(words), input);
  };
  const auto made = [&](const std::string& handle) {
    return json_lines(run({"bot", "add", handle}).out).at(0);
  };
  const Json a = made("bot-a"), b = made("b");
  const Json rotated = json_lines(run({"bot", "rotate", "bot-a"}).out).at(0);
  CHECK(rotated.at("api_key") != a.at("api_key"));
  REQUIRE(run({"bot", "retire", "b"}).exit_code == 0);

  const std::string canary = (home.data().parent_path() / "was_run").string();
  const std::string text = "# keys\nexport BOT_A_API_KEY=\"" + a.at("api_key").get<std::string>() +
                           "\"\nBOT_A_API_SECRET='" + a.at("api_secret").get<std::string>() +
                           "'\nB_API_KEY=" + b.at("api_key").get<std::string>() +
                           "\nB_API_SECRET=" + b.at("api_secret").get<std::string>() +
                           "\nZOE_API_KEY=x\nZOE_API_SECRET=y\nEVIL=$(touch " + canary + ")\n";
  Outcome out = run({"bot", "sync-keys", "-"}, text);
  // EVIL has words, which no value of ours has: the whole file is refused, and nothing was run.
  CHECK(out.exit_code == 2);
  CHECK(guild_code(out) == "env_format");
  const std::string good = text.substr(0, text.find("EVIL"));
  out = run({"bot", "sync-keys", "-"}, good + "EVIL=$(touch>" + canary + ")\n");
  CHECK(out.exit_code == 1);
  std::map<std::string, std::string> results;
  for (const Json& line : json_lines(out.out)) results[line.at("name")] = line.at("result");
  CHECK(results ==
        std::map<std::string, std::string>{{"BOT_A", "set"}, {"B", "dead"}, {"ZOE", "unknown"}});
  CHECK(out.out.find("guild_secret_") == std::string::npos);
  CHECK(out.err.find("guild_secret_") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(canary));
  out = run({"bot", "sync-keys", "-"}, good);
  CHECK(json_lines(out.out).at(1).at("result") == "unchanged");

  LedgerClient gateway = home.client("gateway");
  CHECK(gateway.ask("authenticate", {{"credential", credential_of(a)}}).ok);
  CHECK_FALSE(gateway.ask("authenticate", {{"credential", credential_of(rotated)}}).ok);
  CHECK_FALSE(gateway.ask("authenticate", {{"credential", credential_of(b)}}).ok);

  CHECK(run({"bot", "retire", "b"}).exit_code == 7);
  CHECK(run({"bot", "revive", "bot-a", "1.00"}).exit_code == 7);
  CHECK(run({"bot", "revive", "zoe", "1.00"}).exit_code == 3);
  out = run({"bot", "revive", "b", "1.00"});
  REQUIRE(out.exit_code == 0);
  CHECK(json_lines(out.out).at(0).at("balance") == "1001.00");
  CHECK(run({"bot", "liquidate", "b"}).exit_code == 0);
}

TEST_CASE("a bot's time zone is set by the command, kept over a kill, and gives back no use") {
  LedgerHome home;
  LedgerClient client = home.client("operator");
  REQUIRE(client.ask("bot-create", {{"handle", "a"}}).ok);
  REQUIRE(client.ask("grant-add", {{"bot", "a"}, {"pattern", "work"}, {"daily_limit", 1}}).ok);
  REQUIRE(told(client.ask("permit-request", permit_of(id_of(1, 1), "a", "work", "0"))) ==
          "allowed");
  CHECK(client.ask("bot-show", {{"handle", "a"}}).json.at("time_zone") == "UTC");
  // It is never the same day in both of these, so one of them has another day than UTC.
  unsigned number = 1;
  for (const std::string zone : {"Pacific/Kiritimati", "Pacific/Pago_Pago"}) {
    const Outcome set = home.guild({"bot", "set", "a", "--time-zone", zone, "--json"});
    INFO(set.err);
    REQUIRE(set.exit_code == 0);
    CHECK(Json::parse(set.out).at("time_zone") == zone);
    CHECK(told(client.ask("permit-request", permit_of(id_of(1, ++number), "a", "work", "0"))) ==
          "daily_limit_reached");
    home.daemon("ledgerd").kill();
    home.start("ledgerd");
    CHECK(told(client.ask("permit-request", permit_of(id_of(1, ++number), "a", "work", "0"))) ==
          "daily_limit_reached");
    const Outcome shown = home.guild({"bot", "show", "a", "--json"});
    CHECK(Json::parse(shown.out).at("time_zone") == zone);
  }
  const auto refused = [&](const std::vector<std::string>& arguments, int exit_code,
                           const std::string& code) {
    const Outcome outcome = home.guild(arguments);
    CHECK(outcome.exit_code == exit_code);
    CHECK(guild_code(outcome) == code);
  };
  refused({"bot", "set", "a", "--time-zone", "Mars/Olympus", "--json"}, 2, "time_zone_unknown");
  refused({"bot", "set", "b", "--time-zone", "UTC", "--json"}, 3, "bot_unknown");
  CHECK(home.guild({"bot", "set", "a"}).exit_code == 2);
  CHECK(client.ask("bot-set", {{"handle", "a"}}).code() == "nothing_to_set");
  CHECK(home.client("viewer").ask("bot-set", {{"handle", "a"}, {"time_zone", "UTC"}}).ok == false);
  LedgerClient gateway = home.client("gateway");
  CHECK(gateway.ask("bot-set", {{"handle", "a"}, {"time_zone", "UTC"}}).code() ==
        "credential_required");
  CHECK(client.ask("bot-show", {{"handle", "a"}}).json.at("time_zone") == "Pacific/Pago_Pago");
  CHECK(home.verify().at("ok") == true);
}
