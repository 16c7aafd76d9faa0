#include "ledgerd/grants.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/unit/ledgerd/book_world.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

constexpr Instant noon{1'700'000'000'000'000'000};

Grant grant_of(std::string pattern, GrantEffect effect = GrantEffect::allow) {
  return {.pattern = std::move(pattern),
          .effect = effect,
          .daily_limit = {},
          .spending_limit = {},
          .expires_at = {}};
}

/// "allow PATTERN", "ask PATTERN", or the refusal.
std::string chosen(const std::vector<Grant>& grants, std::string_view action) {
  const auto choice = choose(grants, action, noon);
  if (choice) return (choice->asks ? "ask " : "allow ") + choice->carrier->pattern;
  return choice.error() == PermitRefusal::denied    ? "denied"
         : choice.error() == PermitRefusal::expired ? "expired"
                                                    : "no_matching_grant";
}

std::optional<PermitRefusal> refusal(const Grant& grant, const Used& used, std::string_view cost,
                                     std::string_view available = "100.00", bool asks = false) {
  return find_refusal({.carrier = &grant, .asks = asks}, used,
                      {.max_cost = money(cost), .available = money(available)});
}

}  // namespace

TEST_CASE("a pattern matches exactly, all, what is below, or a word and what is below") {
  CHECK(matches("send_sms:goal", "send_sms:goal"));
  CHECK_FALSE(matches("send_sms:goal", "send_sms:goals"));
  CHECK_FALSE(matches("send_sms:goal", "send_sms:goal:late"));
  CHECK(matches("*", "anything:at:all"));
  CHECK(matches("send_sms:*", "send_sms:goal"));
  CHECK(matches("send_sms:*", "send_sms:goal:late"));
  CHECK(matches("send_sms:goal:*", "send_sms:goal:late"));
  CHECK_FALSE(matches("send_sms:*", "send_sms"));
  CHECK_FALSE(matches("send_sms:*", "send_sms_x:goal"));
  CHECK(matches("send_sms", "send_sms"));
  CHECK(matches("send_sms", "send_sms:goal"));
  CHECK_FALSE(matches("send_sms", "send_smsx"));
}

TEST_CASE("what is special elsewhere is literal here") {
  CHECK_FALSE(matches("send%", "send_sms"));
  CHECK_FALSE(matches("send_sms:_oal", "send_sms:goal"));
  CHECK_FALSE(matches("send*", "send_sms"));
  CHECK_FALSE(matches("*:goal", "send_sms:goal"));
  CHECK_FALSE(matches("send_sms:g?al", "send_sms:goal"));
  CHECK_FALSE(matches("send.sms", "send_sms"));
  CHECK(matches("send%", "send%"));
}

TEST_CASE("any deny wins, then any ask, then allow; nothing is no grant") {
  const Grant allow = grant_of("a:b"), ask = grant_of("a:*", GrantEffect::ask),
              deny = grant_of("*", GrantEffect::deny);
  CHECK(chosen({allow}, "a:b") == "allow a:b");
  CHECK(chosen({allow, ask}, "a:b") == "ask a:b");
  CHECK(chosen({ask}, "a:b") == "ask a:*");
  CHECK(chosen({allow, ask, deny}, "a:b") == "denied");
  CHECK(chosen({allow}, "a:c") == "no_matching_grant");
  CHECK(chosen({}, "a:b") == "no_matching_grant");
}

TEST_CASE("the most specific allow carries the limits, in whatever order they stand") {
  const Grant any = grant_of("*"), bare = grant_of("a"), below = grant_of("a:*"),
              deeper = grant_of("a:b:*"), exact = grant_of("a:b:c");
  CHECK(chosen({any, bare, below, deeper, exact}, "a:b:c") == "allow a:b:c");
  CHECK(chosen({exact, deeper, below, bare, any}, "a:b:c") == "allow a:b:c");
  CHECK(chosen({any, bare, below, deeper}, "a:b:c") == "allow a:b:*");
  CHECK(chosen({any, bare, below}, "a:b:c") == "allow a:*");
  CHECK(chosen({any, bare}, "a:b:c") == "allow a");
  CHECK(chosen({any}, "a:b:c") == "allow *");
}

TEST_CASE("an expired grant neither allows nor denies, and says so when it is all there is") {
  Grant allow = grant_of("a:b"), deny = grant_of("a:*", GrantEffect::deny);
  allow.expires_at = noon;
  CHECK(chosen({allow}, "a:b") == "expired");
  CHECK(chosen({allow, grant_of("*")}, "a:b") == "allow *");
  allow.expires_at = noon + Duration(1);
  CHECK(chosen({allow}, "a:b") == "allow a:b");
  deny.expires_at = noon;
  CHECK(chosen({allow, deny}, "a:b") == "allow a:b");
  CHECK(chosen({deny}, "a:b") == "no_matching_grant");
}

TEST_CASE("limits and funds are checked in the order of the refusals") {
  Grant grant = grant_of("a");
  grant.daily_limit = 2;
  grant.spending_limit = money("10.00");
  CHECK_FALSE(refusal(grant, {.uses = 1, .settled = money("4"), .held = money("5")}, "1.00"));
  CHECK(refusal(grant, {.uses = 1, .settled = money("4"), .held = money("5")}, "1.00000001") ==
        PermitRefusal::spending_limit_reached);
  CHECK(refusal(grant, {.uses = 2, .settled = {}, .held = {}}, "50.00") ==
        PermitRefusal::daily_limit_reached);
  CHECK(refusal(grant, {}, "5.00", "4.99") == PermitRefusal::insufficient_funds);
  CHECK(refusal(grant, {}, "11.00", "4.99") == PermitRefusal::spending_limit_reached);
  CHECK_FALSE(refusal(grant, {}, "0", "0"));
  CHECK(refusal(grant, {}, "1.00", "5.00", true) == PermitRefusal::approval_pending);
  CHECK(refusal(grant, {}, "6.00", "5.00", true) == PermitRefusal::insufficient_funds);
  grant.is_enabled = false;
  CHECK(refusal(grant, {.uses = 2, .settled = {}, .held = {}}, "50.00") == PermitRefusal::disabled);
}

TEST_CASE("a sum past what money can hold is past the limit") {
  Grant grant = grant_of("a");
  grant.spending_limit = Money::of_units(std::numeric_limits<std::int64_t>::max());
  CHECK(refusal(grant, {.uses = 0, .settled = *grant.spending_limit, .held = {}}, "1.00") ==
        PermitRefusal::spending_limit_reached);
}

TEST_CASE("the fifth error in a row disables a grant; success begins the count again") {
  Grant grant = grant_of("a:*");
  for (int i = 0; i < 4; ++i) grant = after_outcome(grant, PermitOutcome::error);
  CHECK(grant.is_enabled);
  grant = after_outcome(grant, PermitOutcome::ok);
  CHECK(grant.errors == 0);
  for (int i = 0; i < 5; ++i) grant = after_outcome(grant, PermitOutcome::error);
  CHECK_FALSE(grant.is_enabled);
  // What was under way when it was disabled does not enable it.
  CHECK_FALSE(after_outcome(grant, PermitOutcome::ok).is_enabled);
}

TEST_CASE("what the kernel guard keeps is not permitted by any grant") {
  const std::vector<Grant> all = {grant_of("*")};
  for (const char* action :
       {"change_auth", "change_auth:roles", "delete_data:user", "change_secrets:broker",
        "drop_migration:3", "delete-data:user", "delete.data", "tool:delete_data", "delete_data_x"})
    CHECK(chosen(all, action) == "denied");
  CHECK(chosen(all, "update_data:user") == "allow *");
  CHECK(is_guarded("delete_data:*"));
  CHECK_FALSE(is_guarded("*"));
}

TEST_CASE("actions and patterns have a form") {
  CHECK(check_action("send_sms:goal"));
  for (const char* bad : {"", "Send", "a b", "a\n", "a\x80", "a:*", "*"})
    CHECK(check_action(bad).error().code == "action_format");
  CHECK(check_action(std::string(129, 'a')).error().code == "action_format");
  CHECK(check_pattern("a:*"));
  CHECK(check_pattern("Delete_data").error().code == "pattern_format");
}

TEST_CASE("the default grants are those of the contract, and none is guarded") {
  CHECK(std::size(default_grants) == 11);
  std::int64_t uses = 0;
  for (const DefaultGrant& grant : default_grants) {
    CHECK(check_pattern(grant.pattern));
    CHECK_FALSE(is_guarded(grant.pattern));
    uses += grant.daily_limit;
  }
  CHECK(uses == 5 + 3 + 5 + 2 + 20 + 10 + 10 + 20 + 5 + 2 + 3);
}
