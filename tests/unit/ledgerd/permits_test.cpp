// Grants, permits and approvals with the book and its file.
#include <catch2/catch.hpp>

#include "tests/unit/ledgerd/authority_world.hpp"

using namespace guild;
using namespace guild::ledgerd;
using namespace std::chrono_literals;

namespace {

messages::AddGrant allow(std::string pattern, std::optional<std::int64_t> daily = {},
                         std::optional<Money> spending = {},
                         GrantEffect effect = GrantEffect::allow) {
  return {.bot = "a",
          .pattern = std::move(pattern),
          .effect = effect,
          .daily_limit = daily,
          .spending_limit = spending,
          .expires_at = {},
          .credential = {}};
}

constexpr auto day = std::chrono::hours(24);

}  // namespace

TEST_CASE("a bot is seeded with the default grants once; revoking all of them leaves none") {
  AuthorityWorld it;
  it.add_bot("a");
  REQUIRE(it.grants("a").size() == std::size(default_grants));
  CHECK(it.grant_named("a", "send_email:summary").daily_limit == 2);
  for (const DefaultGrant& grant : default_grants) must(it.revoke("a", grant.pattern));
  CHECK(it.grants("a").empty());
  it.restart();
  CHECK(it.ask("p", "a", "send_email:summary") == "no_matching_grant");
  CHECK(it.grants("a").empty());
  CHECK(it.revoke("a", "send_email:summary").error().code == "grant_unknown");
  CHECK(it.revoke("zoe", "x").error().code == "bot_unknown");
}

TEST_CASE("what no default grant says is not allowed") {
  AuthorityWorld it;
  it.add_bot("a");
  for (const char* action : {"send_sms:stranger", "make_call:x", "spend_money:x",
                             "transfer_money:x", "modify_source:x", "create_event:x"})
    CHECK(it.ask(action, "a", action) == "no_matching_grant");
  CHECK(it.ask("d", "a", "delete_data:x") == "denied");
}

TEST_CASE("each refusal has its code") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  must(it.grant(allow("no", {}, {}, GrantEffect::deny)));
  must(it.grant(allow("once", 1)));
  must(it.grant(allow("cheap", {}, money("1.00"))));
  must(it.grant(allow("any_cost")));
  must(it.grant(allow("asked", {}, {}, GrantEffect::ask)));
  auto brief = allow("brief");
  brief.expires_at = it.now() + 1h;
  must(it.grant(brief));

  CHECK(it.ask("1", "a", "unknown") == "no_matching_grant");
  CHECK(it.ask("2", "a", "no:x") == "denied");
  CHECK(it.ask("3", "a", "once") == "allowed");
  CHECK(it.ask("4", "a", "once") == "daily_limit_reached");
  CHECK(it.ask("5", "a", "cheap", "1.01") == "spending_limit_reached");
  CHECK(it.ask("6", "a", "any_cost", "10.01") == "insufficient_funds");
  CHECK(it.ask("7", "a", "asked") == "approval_pending");
  CHECK(it.ask("8", "a", "brief") == "allowed");
  it.pass(1h);
  CHECK(it.ask("9", "a", "brief") == "expired");
  for (int i = 0; i < 5; ++i) {
    const std::string id = "e" + std::to_string(i);
    REQUIRE(it.ask(id, "a", "any_cost") == "allowed");
    REQUIRE(it.settle(id, "0", PermitOutcome::error) == "settled");
  }
  CHECK(it.ask("10", "a", "any_cost") == "disabled");
  CHECK(it.count("SELECT count(*) FROM audit WHERE action = 'permit-refused'") == 7);
  CHECK(it.ask("11", "zoe", "any_cost") == "bot_unknown");
  CHECK(it.ask("12", "a", "Any Cost") == "action_format");
  CHECK(it.ask("13", "a", "cheap", "-1") == "cost_negative");
  CHECK(it.ask("14", "a", "cheap", "1", 367 * day) == "lifetime_invalid");
}

TEST_CASE("a permit is checked, counted and held for in one step, and settled at its real cost") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  must(it.grant(allow("work:*", 5, money("8.00"))));
  CHECK(it.ask("p", "a", "work:x", "5.00") == "allowed");
  CHECK(it.account("bot/a").held == money("5.00"));
  CHECK(it.grant_named("a", "work:*").used_today == 1);
  CHECK(it.grant_named("a", "work:*").spent_today == money("5.00"));
  CHECK(it.ask("q", "a", "work:y", "3.01") == "spending_limit_reached");

  CHECK(it.settle("p", "5.01") == "hold_exceeded");
  CHECK(it.settle("p", "-0.01") == "cost_negative");
  CHECK(it.settle("p", "2.00") == "settled");
  CHECK(it.settle("p", "2.00") == "repeated");
  CHECK(it.settle("p", "2.01") == "permit_settled");
  CHECK(it.settle("p", "2.00", PermitOutcome::error) == "permit_settled");
  CHECK(it.settle("zoe", "0") == "permit_unknown");
  CHECK(it.account("bot/a").balance == money("8.00"));
  CHECK(it.account("bot/a").held.is_zero());
  CHECK(it.account("treasury").balance == money("1000002.00"));
  CHECK(it.grant_named("a", "work:*").spent_today == money("2.00"));
  CHECK(it.ask("q", "a", "work:y", "6.00") == "allowed");
  CHECK(it.settle("q", "0") == "settled");
  CHECK(it.account("bot/a").balance == money("8.00"));
  CHECK(it.account("bot/a").held.is_zero());
  it.restart();
  CHECK(it.settle("p", "2.00") == "repeated");
  CHECK(it.is_sound());
}

TEST_CASE("a permit asked for again is the same permit; with other content it is refused") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  must(it.grant(allow("work", 1)));
  CHECK(it.ask("p", "a", "work", "5.00") == "allowed");
  CHECK(it.ask("p", "a", "work", "5.00") == "allowed");
  CHECK(it.account("bot/a").held == money("5.00"));
  CHECK(it.grant_named("a", "work").used_today == 1);
  CHECK(it.ask("p", "a", "work", "6.00") == "id_reused");
  CHECK(it.ask("p", "a", "work:x", "5.00") == "id_reused");
}

TEST_CASE("a refusal changes nothing: the same id is asked again when the cap is raised") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  must(it.grant(allow("work", 1)));
  CHECK(it.ask("p", "a", "work", "1.00") == "allowed");
  CHECK(it.ask("q", "a", "work", "1.00") == "daily_limit_reached");
  must(it.grant(allow("work", 2)));
  CHECK(it.grant_named("a", "work").used_today == 1);
  CHECK(it.ask("q", "a", "work", "1.00") == "allowed");
  CHECK(it.settle("p", "1.00") == "settled");
  CHECK(it.settle("q", "1.00") == "settled");
  CHECK(it.account("bot/a").balance == money("8.00"));
  CHECK(it.ask("r", "a", "work", "1.00") == "daily_limit_reached");
}

TEST_CASE("revoking and granting again gives no second allowance, a new day does") {
  AuthorityWorld it;
  it.add_bot("a");
  must(it.grant(allow("work", 1)));
  CHECK(it.ask("p", "a", "work") == "allowed");
  must(it.revoke("a", "work"));
  must(it.grant(allow("work", 1)));
  CHECK(it.ask("q", "a", "work") == "daily_limit_reached");
  it.pass(day);
  CHECK(it.ask("q", "a", "work") == "allowed");
  CHECK(it.grant_named("a", "work").used_today == 1);
}

TEST_CASE("an unsettled permit expires: its use stays counted, its hold is freed") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  must(it.grant(allow("work", 2, money("10.00"))));
  CHECK(it.ask("p", "a", "work", "10.00", 60s) == "allowed");
  CHECK(it.ask("q", "a", "work", "10.00", 60s) == "spending_limit_reached");
  it.pass(60s);
  CHECK(it.settle("p", "1.00") == "permit_expired");
  CHECK(it.account("bot/a").held.is_zero());
  CHECK(it.grant_named("a", "work").spent_today.is_zero());
  CHECK(it.ask("q", "a", "work", "10.00", 60s) == "allowed");
  CHECK(it.settle("p", "1.00") == "permit_expired");
  CHECK(it.settle("q", "9.00") == "settled");
  CHECK(it.ask("r", "a", "work") == "daily_limit_reached");
  CHECK(it.account("bot/a").balance == money("1.00"));
  CHECK(it.is_sound());
}

TEST_CASE("the breaker counts errors in a row, of wildcard grants too, until it is granted again") {
  AuthorityWorld it;
  it.add_bot("a");
  must(it.grant(allow("*")));
  int next = 0;
  const auto end = [&](PermitOutcome outcome) {
    const std::string id = std::to_string(next++);
    REQUIRE(it.ask(id, "a", "x:y") == "allowed");
    REQUIRE(it.settle(id, "0", outcome) == "settled");
  };
  for (int i = 0; i < 4; ++i) end(PermitOutcome::error);
  end(PermitOutcome::ok);
  for (int i = 0; i < 5; ++i) end(PermitOutcome::error);
  CHECK(it.ask("last", "a", "x:y") == "disabled");
  CHECK_FALSE(it.grant_named("a", "*").enabled);
  CHECK(it.count("SELECT count(*) FROM audit WHERE action = 'grant-disabled'") == 1);
  must(it.grant(allow("*")));
  CHECK(it.ask("last", "a", "x:y") == "allowed");
}

TEST_CASE("an approval waits for a person, and holds nothing before") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  must(it.grant(allow("buy", {}, money("10.00"), GrantEffect::ask)));
  CHECK(it.ask("p", "a", "buy", "6.00") == "approval_pending");
  CHECK(it.ask("q", "a", "buy", "6.00") == "approval_pending");
  CHECK(it.account("bot/a").held.is_zero());
  CHECK(it.settle("p", "1.00") == "permit_not_allowed");
  it.pass(400 * day);
  it.restart();

  const auto connection = it.file().connect(storage::Mode::read_only);
  const auto first = must(read_approvals(*connection, {{}, 1}));
  CHECK(first.more);
  REQUIRE(first.approvals.size() == 1);
  CHECK(first.approvals[0].permit == id_of("p"));
  const auto rest = must(read_approvals(*connection, {id_of("p"), 1}));
  CHECK_FALSE(rest.more);
  CHECK(rest.approvals.at(0).permit == id_of("q"));

  CHECK(it.allow("p") == "allowed");
  CHECK(it.allow("p") == "allowed");
  CHECK(it.ask("p", "a", "buy", "6.00") == "allowed");
  CHECK(it.account("bot/a").held == money("6.00"));
  // Everything is checked again, and what does not pass goes on waiting.
  CHECK(it.allow("q") == "spending_limit_reached");
  CHECK(it.ask("q", "a", "buy", "6.00") == "approval_pending");
  CHECK(it.deny("q") == "denied");
  CHECK(it.deny("q") == "denied");
  CHECK(it.ask("q", "a", "buy", "6.00") == "denied");
  CHECK(it.allow("q") == "approval_decided");
  CHECK(it.deny("p") == "approval_decided");
  CHECK(it.allow("zoe") == "permit_unknown");
  CHECK(it.settle("p", "6.00") == "settled");
  CHECK(it.account("bot/a").balance == money("4.00"));
}

TEST_CASE("a deny that came meanwhile stops an approval") {
  AuthorityWorld it;
  it.add_bot("a");
  must(it.grant(allow("buy", {}, {}, GrantEffect::ask)));
  CHECK(it.ask("p", "a", "buy") == "approval_pending");
  must(it.grant(allow("*", {}, {}, GrantEffect::deny)));
  CHECK(it.allow("p") == "denied");
}

TEST_CASE("what the kernel guard refuses is in the audit") {
  AuthorityWorld it;
  it.add_bot("a");
  must(it.grant(allow("*")));
  for (const char* action :
       {"delete_data:users", "change_auth", "change_secrets:x", "drop_migration"})
    CHECK(it.ask(action, "a", action) == "denied");
  CHECK(it.count("SELECT count(*) FROM audit WHERE action = 'kernel-guard'") == 4);
}

TEST_CASE("a bot touches its own permits only") {
  AuthorityWorld it;
  it.add_bot("a");
  it.add_bot("b");
  CHECK(it.ask("p", "a", "create_task:x") == "allowed");
  const auto settle_as = [&](const std::string& bot) {
    return it.run<messages::Settled>([&](Transaction& transaction) {
      return settle_permit(transaction, {id_of("p"), money("0"), PermitOutcome::ok, {}},
                           {.sender = "gateway", .principal = "bot/" + bot, .bot = bot});
    });
  };
  CHECK(settle_as("b").error().code == "permit_unknown");
  CHECK(settle_as("a"));
}

TEST_CASE("grants are bounded, and limits are not below zero") {
  AuthorityWorld it;
  it.add_bot("a");
  for (std::size_t i = std::size(default_grants); i < grants_max; ++i)
    must(it.grant(allow("g" + std::to_string(i))));
  CHECK(it.grant(allow("more")).error().code == "grants_full");
  CHECK(it.grant(allow("g100", 3)));
  CHECK(it.grant(allow("g100", -1)).error().code == "limit_negative");
  CHECK(it.grant(allow("g100", {}, money("-1"))).error().code == "limit_negative");
  CHECK(it.grant(allow("G")).error().code == "pattern_format");
}

TEST_CASE("a daily limit counts by the bot's own days") {
  using namespace std::chrono_literals;
  AuthorityWorld world;  // It is 22:13:20 UTC, and 7:13 of the next day in Tokyo.
  for (const char* bot : {"utc", "tokyo"}) {
    world.add_bot(bot);
    must(world.grant({bot, "work", GrantEffect::allow, 1, {}, {}, {}}));
  }
  must(world.set_zone("tokyo", "Asia/Tokyo"));
  world.pass(48h);
  CHECK(world.ask("1", "utc", "work") == "allowed");
  CHECK(world.ask("2", "tokyo", "work") == "allowed");
  world.pass(2h);
  CHECK(world.ask("3", "utc", "work") == "allowed");
  CHECK(world.ask("4", "tokyo", "work") == "daily_limit_reached");
  world.pass(14h + 46min + 39s);  // 14:59:59 UTC
  CHECK(world.ask("5", "tokyo", "work") == "daily_limit_reached");
  CHECK(world.ask("6", "utc", "work") == "daily_limit_reached");
  world.pass(1s);
  CHECK(world.ask("7", "tokyo", "work") == "allowed");
}

TEST_CASE("a change of zone gives back no use, and no limit before its time; it is audited") {
  using namespace std::chrono_literals;
  AuthorityWorld world;
  world.add_bot("a");
  must(world.grant({"a", "work", GrantEffect::allow, 2, money("5"), {}, {}}));
  CHECK(world.ask("1", "a", "work", "3") == "allowed");
  CHECK(world.settle("1", "3") == "settled");
  CHECK(world.ask("2", "a", "work") == "allowed");
  for (const char* zone :
       {"Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC", "Asia/Tokyo"}) {
    INFO(zone);
    must(world.set_zone("a", zone));
    CHECK(world.grant_named("a", "work").used_today == 2);
    CHECK(world.grant_named("a", "work").spent_today == money("3"));
    CHECK(world.ask(zone, "a", "work") == "daily_limit_reached");
  }
  CHECK(world.count("SELECT count(*) FROM audit WHERE action = 'bot-set'") == 5);
  world.restart();
  world.pass(2h);  // The next day in UTC, but its day began in UTC and goes on in Tokyo's.
  CHECK(world.ask("3", "a", "work") == "daily_limit_reached");
  world.pass(15h);
  CHECK(world.ask("4", "a", "work") == "allowed");
  // The same zone again is no change, and an unknown one none either.
  must(world.set_zone("a", "Asia/Tokyo"));
  CHECK(world.set_zone("a", "Mars/Olympus").error().code == "time_zone_unknown");
  CHECK(world.set_zone("nobody", "UTC").error().code == "bot_unknown");
  CHECK(world.count("SELECT count(*) FROM audit WHERE action = 'bot-set'") == 5);
  must(world.retire("a"));
  CHECK(world.set_zone("a", "UTC").error().code == "bot_dead");
}
