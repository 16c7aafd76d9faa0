#include "keys/roles.hpp"

#include <catch2/catch.hpp>

#include "common/bus/topic.hpp"
#include "keys/keyring.hpp"

using namespace guild;

namespace {

keys::AuthorizedClient made(std::string_view role, std::string_view name) {
  auto client = keys::client_of_role(role, name);
  REQUIRE(client);
  return *client;
}

}  // namespace

TEST_CASE("every pattern of every role is a valid one") {
  for (const std::string_view role : keys::role_names()) {
    const auto client = made(role, "some-name");
    for (const auto* patterns :
         {&client.publish, &client.subscribe, &client.request, &client.serve})
      for (const std::string& pattern : *patterns) {
        INFO(role << ": " << pattern);
        CHECK(bus::check_pattern(pattern));
      }
  }
}

TEST_CASE("every client logs under its own name and no other") {
  for (const std::string_view role : keys::role_names()) {
    const std::string name(role);
    const auto client = made(role, name);
    INFO(role);
    CHECK(keys::may_speak(client.publish, "logs/" + name + "/journal"));
    CHECK_FALSE(keys::may_speak(client.publish, "logs/someone-else/journal"));
    CHECK(keys::may_hear(client.subscribe, "logs-committed/" + name));
  }
}

TEST_CASE("a wildcard does not reach the reserved levels when its holder speaks") {
  for (const std::string_view level : keys::reserved_first_levels) {
    const std::string topic = std::string(level) + "/x";
    INFO(topic);
    CHECK_FALSE(keys::may_speak("**", topic));
    CHECK_FALSE(keys::may_speak("*/x", topic));
    CHECK(keys::may_speak(std::string(level) + "/**", topic));
    CHECK(keys::may_hear("**", topic));
  }
  CHECK(keys::may_speak("**", "anything/else"));
  CHECK(keys::may_speak("*/else", "anything/else"));
}

TEST_CASE("a wildcard to serve takes in the reserved levels, so a wildcard does not grant it") {
  CHECK_FALSE(keys::may_speak("**", "**"));
  CHECK_FALSE(keys::may_speak("**", "*/health"));
  CHECK(keys::may_speak("apps/**", "apps/**"));
  CHECK(keys::may_speak("apps/**", "apps/echo"));
  CHECK_FALSE(keys::may_speak("apps/*", "apps/**"));
}

TEST_CASE("no one but a daemon speaks as it") {
  for (const keys::Role& holder : keys::roles()) {
    const auto client = made(holder.name, "some-name");
    for (const keys::Role& daemon : keys::roles()) {
      if (!daemon.of_daemon || daemon.name == holder.name) continue;
      INFO(holder.name << " as " << daemon.name);
      CHECK_FALSE(keys::may_speak(client.serve, std::string(daemon.name) + "/health"));
    }
  }
}

TEST_CASE("a role is named, or refused with the roles there are") {
  const auto refused = keys::client_of_role("admin", "alice");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "role_unknown");
  CHECK(refused.error().next_step.find("operator") != std::string::npos);
  const auto bad_name = keys::client_of_role("bot", "../etc");
  REQUIRE_FALSE(bad_name);
  CHECK(bad_name.error().code == "name_format");
}

TEST_CASE("a bot reaches its own corner only") {
  const auto bot = made("bot", "seven");
  CHECK(keys::may_speak(bot.publish, "bots/seven/mood"));
  CHECK(keys::may_speak(bot.serve, "bots/seven/decide"));
  CHECK_FALSE(keys::may_speak(bot.publish, "bots/eight/mood"));
  CHECK_FALSE(keys::may_hear(bot.subscribe, "ledger/**"));
  CHECK(keys::may_hear(bot.request, "ledgerd/health"));
  CHECK_FALSE(keys::may_hear(bot.request, "ledgerd/transfer"));
}

TEST_CASE("the viewer changes nothing") {
  const auto viewer = made("viewer", "viewer");
  for (const std::string_view name :
       {"ledgerd/transfer", "ledgerd/bot-create", "scheduler/submit", "scheduler/cancel"})
    CHECK_FALSE(keys::may_hear(viewer.request, name));
  for (const std::string_view name :
       {"ledgerd/balance", "scheduler/logs", "broker/stats", "logconsumer/query"})
    CHECK(keys::may_hear(viewer.request, name));
}

TEST_CASE("the gateway never books a charge: that is the scheduler's") {
  CHECK_FALSE(keys::may_hear(made("gateway", "gateway").request, "ledgerd/charge"));
  CHECK(keys::may_hear(made("scheduler", "scheduler").request, "ledgerd/charge"));
}

TEST_CASE("who may ask for permits, who may govern, and who may only look") {
  const auto may = [](std::string_view role, std::string_view name) {
    return keys::may_hear(made(role, role).request, name);
  };
  for (const std::string_view name : {"ledgerd/permit-request", "ledgerd/permit-settle"}) {
    CHECK(may("gateway", name));
    CHECK(may("scheduler", name));
    CHECK_FALSE(may("viewer", name));
  }
  for (const std::string_view name :
       {"ledgerd/grant-add", "ledgerd/grant-revoke", "ledgerd/approval-allow",
        "ledgerd/approval-deny", "ledgerd/bot-rotate", "ledgerd/bot-retire",
        "ledgerd/bot-liquidate", "ledgerd/bot-revive", "ledgerd/bot-set"}) {
    CHECK(may("gateway", name));
    CHECK_FALSE(may("scheduler", name));
    CHECK_FALSE(may("viewer", name));
  }
  for (const std::string_view name : {"ledgerd/grant-list", "ledgerd/approval-list"})
    CHECK(may("viewer", name));
  // Keys from a file come from a person at the command, never through the door.
  CHECK_FALSE(may("gateway", "ledgerd/bot-sync-keys"));
}

TEST_CASE("who may ask for the ledger's events is who may hear them, and nobody else") {
  for (const std::string_view role : keys::role_names()) {
    INFO(role);
    const auto client = made(role, std::string(role));
    CHECK(keys::may_hear(client.request, "ledgerd/events") ==
          keys::may_hear(client.subscribe, "ledger/entry/**"));
  }
}
