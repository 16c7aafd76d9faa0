#include "ledgerd/accounts.hpp"

#include <catch2/catch.hpp>

using namespace guild::ledgerd;

TEST_CASE("an account's name says its kind") {
  CHECK(account_kind("world") == AccountKind::world);
  CHECK(account_kind("treasury") == AccountKind::treasury);
  CHECK(account_kind("bot/alice-2") == AccountKind::bot);
  CHECK(account_kind("user/bob_7") == AccountKind::user);
  CHECK(account_kind("escrow/0190f0c2-7b1c-7000-8000-00000000002a") == AccountKind::escrow);
}

TEST_CASE("anything else is not an account's name") {
  for (const char* name :
       {"", "World", "worlds", "world/", "treasury/x", "bot", "bot/", "/bot", "bot/Alice",
        "bot/2alice", "bot/a b", "bot/a/b", "user/", "user/\n", "users/a", "escrow/", "escrow/A",
        "bot/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    INFO(name);
    CHECK_FALSE(account_kind(name).has_value());
  }
}

TEST_CASE("only world may go negative, and only users open themselves") {
  for (const AccountKind kind : {AccountKind::world, AccountKind::treasury, AccountKind::escrow,
                                 AccountKind::bot, AccountKind::user}) {
    CHECK(may_go_negative(kind) == (kind == AccountKind::world));
    CHECK(opens_at_first_credit(kind) == (kind == AccountKind::user));
  }
}

TEST_CASE("accounts are numbered in order of opening and found by name") {
  Accounts accounts;
  CHECK(accounts.find("world") == 0);
  CHECK(accounts.open("world") == 1);
  CHECK(accounts.open("bot/a") == 2);
  CHECK(accounts.find("bot/a") == 2);
  CHECK(accounts.at(2).name == "bot/a");
  CHECK(accounts.at(2).kind == AccountKind::bot);
  CHECK(accounts.at(2).state == AccountState{});
}

TEST_CASE("the last opening can be taken back") {
  Accounts accounts;
  accounts.open("world");
  accounts.open("bot/a");
  accounts.take_back_last();
  CHECK(accounts.size() == 1);
  CHECK(accounts.find("bot/a") == 0);
  CHECK(accounts.open("bot/b") == 2);
}

TEST_CASE("names stay findable when many accounts follow") {
  Accounts accounts;
  for (int i = 0; i < 5'000; ++i) accounts.open("user/u" + std::to_string(i));
  for (int i = 0; i < 5'000; ++i)
    REQUIRE(accounts.find("user/u" + std::to_string(i)) == static_cast<AccountNumber>(i + 1));
}
