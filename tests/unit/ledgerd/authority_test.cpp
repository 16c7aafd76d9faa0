#include "ledgerd/authority.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::ledgerd;

namespace {

const Principal the_operator{.is_operator = true, .bot = {}};
const Principal alice{.is_operator = false, .bot = "alice"};

Credentials some_credentials() { return {Secret32::random(), sha256(as_bytes("token"))}; }

std::string code(const Result<void>& outcome) { return outcome ? "ok" : outcome.error().code; }

}  // namespace

TEST_CASE("a carrier without its caller's credential is nobody") {
  for (const char* carrier : {"gateway", "scheduler"})
    CHECK(principal_of(carrier, {}, some_credentials(), {}).error().code == "credential_required");
}

TEST_CASE("a carrier is what its caller's credential says, and no more") {
  Credentials credentials = some_credentials();
  const NewCredential made = credentials.make("alice", {});
  credentials.add(made.record);
  const messages::Credential of_alice{
      .operator_token = {}, .api_key = made.api_key, .api_secret = made.api_secret};
  const messages::Credential of_operator{
      .operator_token = "token", .api_key = {}, .api_secret = {}};
  const messages::Credential wrong{.operator_token = "tokem", .api_key = {}, .api_secret = {}};
  CHECK(principal_of("gateway", of_alice, credentials, {}) == alice);
  CHECK(principal_of("gateway", of_operator, credentials, {}) == the_operator);
  CHECK(principal_of("gateway", wrong, credentials, {}).error().code == "credentials_invalid");
}

TEST_CASE("others act as the operator, but for whoever shows a bot's credential") {
  Credentials credentials = some_credentials();
  const NewCredential made = credentials.make("alice", {});
  credentials.add(made.record);
  CHECK(principal_of("operator", {}, credentials, {}) == the_operator);
  CHECK(principal_of(
            "operator",
            messages::Credential{
                .operator_token = {}, .api_key = made.api_key, .api_secret = made.api_secret},
            credentials, {}) == alice);
  CHECK(principal_of("operator", messages::Credential{}, credentials, {}).error().code ==
        "credentials_invalid");
}

TEST_CASE("a bot debits its own account only; an operator any") {
  CHECK(code(may_debit(alice, "bot/alice")) == "ok");
  for (const char* other : {"bot/bob", "bot/alice2", "world", "treasury", "user/alice", "alice"}) {
    CHECK(code(may_debit(alice, other)) == "not_permitted");
    CHECK(code(may_debit(the_operator, other)) == "ok");
  }
}

TEST_CASE("what is in escrow is moved by its market, not by any request") {
  for (const char* escrow : {"escrow/wagers", "escrow/0190f0c2-7b1c-7000-8000-00000000002a"}) {
    CHECK(code(may_debit(the_operator, escrow)) == "not_permitted");
    CHECK(code(may_debit(alice, escrow)) == "not_permitted");
    CHECK(code(may_manage(the_operator, escrow)) == "not_permitted");
  }
  CHECK(code(may_manage(the_operator, "user/ada")) == "ok");
  CHECK(code(may_manage(alice, "user/ada")) == "not_permitted");
}

TEST_CASE("only operators create bots, only the scheduler charges") {
  CHECK(code(may_create_bots(the_operator)) == "ok");
  CHECK(code(may_create_bots(alice)) == "not_permitted");
  CHECK(code(may_charge("scheduler")) == "ok");
  for (const char* other : {"gateway", "operator", "bench", "scheduler2", ""})
    CHECK(code(may_charge(other)) == "not_permitted");
}

TEST_CASE("only operators govern bots; a bot asks permits for itself, an operator for any") {
  CHECK(code(may_govern(the_operator, "end bots")) == "ok");
  CHECK(code(may_govern(alice, "end bots")) == "not_permitted");
  CHECK(code(may_ask_permit(the_operator, "bob")) == "ok");
  CHECK(code(may_ask_permit(alice, "alice")) == "ok");
  for (const char* other : {"bob", "alice2", ""})
    CHECK(code(may_ask_permit(alice, other)) == "not_permitted");
}
