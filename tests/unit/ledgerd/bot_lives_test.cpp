// What an operator does with a bot's life: one transaction each, and DEAD exactly when closed.
#include <catch2/catch.hpp>

#include "tests/unit/ledgerd/authority_world.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

constexpr Asker asker() { return {.sender = "test", .principal = "operator"}; }

std::int64_t rows_of(AuthorityWorld& it, const std::string& table, const std::string& where) {
  return it.count("SELECT count(*) FROM " + table + " WHERE " + where);
}

void hold(AuthorityWorld& it, std::string_view id, std::string_view amount) {
  must(it.journal().hold(id, "bot/a", "treasury", amount));
}

}  // namespace

TEST_CASE("rotated keys are the only ones") {
  AuthorityWorld it;
  const NewCredential first = it.add_bot("a");
  const NewCredential second = it.credentials().make("a", it.now());
  must(it.change(
      [&](Transaction& transaction) { return rotate_bot(transaction, second, asker()); }));
  CHECK(rows_of(it, "bot_credentials", "handle = 'a'") == 1);
  CHECK(it.count("SELECT count(*) FROM bot_credentials WHERE key_id = '" + second.record.key_id +
                 "'") == 1);
  CHECK(rows_of(it, "audit", "action = 'bot-rotate'") == 1);
  const NewCredential none = it.credentials().make("zoe", it.now());
  CHECK(it.change([&](Transaction& transaction) { return rotate_bot(transaction, none, asker()); })
            .error()
            .code == "bot_unknown");
}

TEST_CASE("retiring frees what is held, closes the account, and the balance stays") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  hold(it, "h", "4.00");
  CHECK(it.ask("p", "a", "create_task:x", "2.00") == "allowed");
  must(it.retire("a"));
  const AccountState account = it.account("bot/a");
  CHECK(account.is_closed);
  CHECK(account.balance == money("10.00"));
  CHECK(account.held.is_zero());
  CHECK(account.open_holds == 0);
  CHECK(rows_of(it, "bots", "status = 'DEAD'") == 1);
  // What is kept of its keys opens nothing: credentials_test, and the daemon's own tests.
  CHECK(rows_of(it, "bot_credentials", "handle = 'a'") == 1);
  CHECK(rows_of(it, "permits", "state = 'ended'") == 1);
  CHECK(rows_of(it, "audit", "action = 'bot-retire'") == 1);
  CHECK(it.settle("p", "1.00") == "permit_not_allowed");
  CHECK(it.retire("a").error().code == "bot_dead");
  CHECK(it.liquidate("a").error().code == "bot_dead");
  CHECK(it.retire("zoe").error().code == "bot_unknown");
  CHECK(it.ask("q", "a", "create_task:x") == "bot_dead");
  CHECK(it.is_sound());
  it.restart();
  CHECK(it.account("bot/a").is_closed);
}

TEST_CASE("liquidation moves exactly the balance, also when it is nothing") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  it.add_bot("b", "0");
  hold(it, "h", "4.00");
  must(it.liquidate("a"));
  must(it.liquidate("b"));
  CHECK(it.account("bot/a").balance.is_zero());
  CHECK(it.account("treasury").balance == money("1000010.00"));
  CHECK(it.account("bot/b").is_closed);
  CHECK(it.is_sound());
  it.restart();
}

TEST_CASE("a revived bot lives with new keys; what it had open stays ended") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  must(it.grant({.bot = "a",
                 .pattern = "buy",
                 .effect = GrantEffect::ask,
                 .daily_limit = {},
                 .spending_limit = {},
                 .expires_at = {},
                 .credential = {}}));
  CHECK(it.ask("p", "a", "create_task:x", "1.00") == "allowed");
  CHECK(it.ask("q", "a", "buy") == "approval_pending");
  CHECK(it.revive("a", "1.00").error().code == "bot_alive");
  must(it.liquidate("a"));
  CHECK(it.revive("a", "2000000.00").error().code == "funds_short");
  CHECK(it.account("bot/a").is_closed);
  CHECK(it.revive("a", "-1.00").error().code == "cost_negative");
  const NewCredential made = must(it.revive("a", "25.00"));
  CHECK(it.account("bot/a").balance == money("25.00"));
  CHECK(rows_of(it, "bots", "status = 'ALIVE'") == 1);
  CHECK(it.count("SELECT count(*) FROM bot_credentials WHERE key_id = '" + made.record.key_id +
                 "'") == 1);
  CHECK(it.settle("p", "1.00") == "permit_not_allowed");
  CHECK(it.allow("q") == "approval_decided");
  CHECK(it.ask("r", "a", "create_task:x", "1.00") == "allowed");
  CHECK(it.revive("zoe", "1.00").error().code == "bot_unknown");
  must(it.retire("a"));
  must(it.revive("a", "0"));
  CHECK(it.account("bot/a").balance == money("25.00"));
  CHECK(it.is_sound());
  it.restart();
}

TEST_CASE("a change that is refused later leaves the bot as it was") {
  AuthorityWorld it;
  it.add_bot("a", "10.00");
  hold(it, "h", "4.00");
  const auto outcome = it.change([&](Transaction& transaction) -> Result<void> {
    GUILD_CHECK(liquidate_bot(transaction, "a", asker()));
    return fail(ErrorKind::conflict, "later_step", "");
  });
  CHECK(outcome.error().code == "later_step");
  CHECK(it.account("bot/a").held == money("4.00"));
  CHECK_FALSE(it.account("bot/a").is_closed);
  CHECK(rows_of(it, "bots", "status = 'ALIVE'") == 1);
  CHECK(rows_of(it, "bot_credentials", "handle = 'a'") == 1);
}

TEST_CASE("keys from a file are set once, for their own bot, in our form only") {
  using messages::KeySync;
  AuthorityWorld it;
  const NewCredential of_a = it.add_bot("a");
  it.add_bot("b");
  const NewCredential next = it.credentials().make("b", it.now());
  const auto sync = [&](std::string_view bot, const NewCredential& credential) {
    const auto record =
        must(it.credentials().record_of(bot, credential.api_key, credential.api_secret, it.now()));
    return must(it.run<KeySync>(
        [&](Transaction& transaction) { return sync_key(transaction, record, asker()); }));
  };
  CHECK(sync("a", of_a) == KeySync::unchanged);
  CHECK(sync("b", next) == KeySync::set);
  CHECK(sync("b", next) == KeySync::unchanged);
  CHECK(sync("b", of_a) == KeySync::invalid);
  must(it.retire("b"));
  CHECK(sync("b", next) == KeySync::dead);
  for (const char* key : {"", "guild_key_", "hunter2", "guild_key_0000000000000000_00"})
    CHECK(it.credentials().record_of("a", key, of_a.api_secret, it.now()).error().code ==
          "key_format");
  CHECK(it.credentials().record_of("a", of_a.api_key, "", it.now()).error().code == "key_format");
}
