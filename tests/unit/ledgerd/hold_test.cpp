// Holds, floors, and accounts that are closed and opened: each rule of docs/ledger.md by example.
#include "ledgerd/rules.hpp"
#include "tests/unit/ledgerd/book_world.hpp"

using namespace guild;
using namespace guild::ledgerd;
using namespace std::chrono_literals;

namespace {

using Outcome = std::expected<Posting, Refusal>;

TransferError refusal(const Outcome& outcome) {
  REQUIRE_FALSE(outcome);
  return outcome.error().error;
}

/// A bot with 10.00.
struct World : BookWorld {
  World() { REQUIRE(add_bot("a", "10")); }

  std::int64_t held(std::string_view id, std::string_view amount, Duration lifetime = 1h) {
    const auto made = hold(id, "bot/a", "treasury", amount, lifetime);
    REQUIRE(made);
    return made->seq;
  }
  /// Voids what has expired, as the journal does before each job.
  int expire() {
    int count = 0;
    for (; book().holds().expired(now()) != 0; ++count)
      REQUIRE(BookWorld::book(
          draft_hold_expiry(Uuid::make(), *book().hold_to_end(book().holds().expired(now())))));
    return count;
  }
  using BookWorld::book;
};

}  // namespace

TEST_CASE("a hold keeps money where it is, and out of reach") {
  World it;
  const auto made = it.hold("h", "bot/a", "treasury", "7");
  REQUIRE(made);
  CHECK(made->legs.size() == 1);
  CHECK(made->legs[0].amount.is_zero());
  CHECK(made->type() == EntryType::HOLD);
  CHECK(it.balance("bot/a") == money("10"));
  CHECK(it.state("bot/a").held == money("7"));
  CHECK(it.state("bot/a").available() == money("3"));
  CHECK(refusal(it.transfer("t", "bot/a", "treasury", "3.00000001")) == TransferError::funds_short);
  CHECK(it.transfer("t", "bot/a", "treasury", "3"));
  CHECK(refusal(it.hold("h2", "bot/a", "treasury", "0.00000001")) == TransferError::funds_short);
}

TEST_CASE("a refusal tells what is available, not the balance") {
  World it;
  it.held("h", "7");
  const auto refused = it.transfer("t", "bot/a", "treasury", "4");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().available == money("3"));
}

TEST_CASE("a hold is posted whole or in part; what is not posted is free again") {
  World it;
  const std::int64_t hold = it.held("h", "7");
  const auto amount = GENERATE(as<std::string>(), "7", "2.5");
  const auto posted = it.end_hold("p", hold, amount);
  REQUIRE(posted);
  CHECK(posted->type() == EntryType::HOLD_POST);
  CHECK(posted->facts == Facts(HoldEnd{hold}));
  CHECK(it.balance("bot/a") == *money("10").minus(money(amount)));
  CHECK(it.state("bot/a").held.is_zero());
  CHECK(it.state("bot/a").open_holds == 0);
  CHECK(it.book().total() == 0);
}

TEST_CASE("a hold is ended at most once") {
  World it;
  const std::int64_t hold = it.held("h", "7");
  const auto end = GENERATE(as<std::optional<std::string_view>>(), std::nullopt, "7", "1");
  REQUIRE(it.end_hold("first", hold, end));
  CHECK(refusal(it.end_hold("second", hold, "1")) == TransferError::hold_ended);
  CHECK(refusal(it.end_hold("third", hold)) == TransferError::hold_ended);
}

TEST_CASE("a hold is posted for what it holds at most, and for more than nothing") {
  World it;
  const std::int64_t hold = it.held("h", "7");
  CHECK(refusal(it.end_hold("p", hold, "7.00000001")) == TransferError::hold_exceeded);
  CHECK(refusal(it.end_hold("p", hold, "0")) == TransferError::amount_not_positive);
  CHECK(it.state("bot/a").held == money("7"));
}

TEST_CASE("a hold expires at its time, and not before") {
  World it;
  const std::int64_t hold = it.held("h", "7", 1min);
  const Instant expires_at = it.book().holds().find(hold)->terms.expires_at;
  it.pass(expires_at - it.now() - 1ns);
  CHECK(it.expire() == 0);
  it.pass(1ns);
  CHECK(refusal(it.end_hold("p", hold, "1")) == TransferError::hold_ended);
  CHECK(it.expire() == 1);
  CHECK(it.state("bot/a").available() == money("10"));
  CHECK(it.postings().back().type() == EntryType::HOLD_VOID);
  CHECK(it.postings().back().legs[0].reference == "EXPIRED");
}

TEST_CASE("holds expire in the order of their times") {
  World it;
  it.held("late", "1", 3min);
  const std::int64_t early = it.held("early", "1", 1min);
  const std::int64_t middle = it.held("middle", "1", 2min);
  it.pass(150s);
  CHECK(it.book().holds().expired(it.now()) == early);
  CHECK(it.expire() == 2);
  CHECK(it.postings().back().facts == Facts(HoldEnd{middle}));
  CHECK(it.book().holds().size() == 1);
}

TEST_CASE("orders for holds that cannot be are refused") {
  World it;
  CHECK(refusal(it.hold("h", "bot/a", "treasury", "0")) == TransferError::amount_not_positive);
  CHECK(refusal(it.hold("h", "bot/a", "treasury", "-1")) == TransferError::amount_not_positive);
  CHECK(refusal(it.hold("h", "bot/a", "bot/a", "1")) == TransferError::same_account);
  CHECK(refusal(it.hold("h", "bot/a", "treasury", "1", 0s)) == TransferError::expiry_not_ahead);
  CHECK(refusal(it.hold("h", "bot/b", "treasury", "1")) == TransferError::debit_account_unknown);
  CHECK(refusal(it.hold("h", "bot/a", "bot/b", "1")) == TransferError::credit_account_unknown);
  CHECK(it.book().holds().size() == 0);
}

TEST_CASE("what world holds is no more than a sum can hold") {
  World it;
  const std::string half = Money::of_units(std::numeric_limits<std::int64_t>::max() / 2).text();
  CHECK(it.hold("h1", "world", "treasury", half));
  CHECK(refusal(it.hold("h2", "world", "treasury", half)) == TransferError::balance_overflow);
}

TEST_CASE("the same order for a hold is the same hold, and another one is refused") {
  World it;
  const auto order = [](std::string_view amount, Duration lifetime, std::string_view credit) {
    return *draft_hold(id_of("h"), "bot/a", credit, money(amount), lifetime, "");
  };
  const auto first = it.book(order("1", 1h, "treasury"));
  REQUIRE(first);
  CHECK(it.book(order("1", 1h, "treasury"))->seq == first->seq);
  CHECK(refusal(it.book(order("2", 1h, "treasury"))) == TransferError::id_reused);
  CHECK(refusal(it.book(order("1", 2h, "treasury"))) == TransferError::id_reused);
  CHECK(refusal(it.book(order("1", 1h, "world"))) == TransferError::id_reused);
}

TEST_CASE("a floor is a reserve, and never below zero") {
  World it;
  CHECK(refusal(it.book(draft_floor(id_of("f1"), "bot/a", money("-0.00000001"), ""))) ==
        TransferError::floor_negative);
  REQUIRE(it.book(draft_floor(id_of("f2"), "bot/a", money("8"), "reserve")));
  CHECK(refusal(it.transfer("t1", "bot/a", "treasury", "2.01")) == TransferError::funds_short);
  CHECK(refusal(it.hold("h1", "bot/a", "treasury", "2.01")) == TransferError::funds_short);
  CHECK(it.transfer("t2", "bot/a", "treasury", "2"));
}

TEST_CASE("a liquidation takes what the floor reserved, too") {
  World it;
  REQUIRE(it.book(draft_floor(id_of("f"), "bot/a", money("8"), "reserve")));
  CHECK(it.book(
      draft_transfer(id_of("l"), "bot/a", "treasury", money("10"), "", EntryType::LIQUIDATION)));
}

TEST_CASE("nobody but time calls a hold expired") {
  World it;
  const std::int64_t hold = it.held("h", "7", 1min);
  const auto early = draft_hold_void(id_of("v"), *it.book().hold_to_end(hold), "EXPIRED");
  CHECK(refusal(it.book(early)) == TransferError::facts_unfit);
  it.pass(1min);
  CHECK(it.book(early));
}

TEST_CASE("a floor is not set above what is available, nor on world") {
  World it;
  it.held("h", "4");
  CHECK(refusal(it.book(draft_floor(id_of("f"), "bot/a", money("6.01"), ""))) ==
        TransferError::floor_above_available);
  CHECK(it.book(draft_floor(id_of("f"), "bot/a", money("6"), "")));
  CHECK(refusal(it.book(draft_floor(id_of("w"), "world", money("-9"), ""))) ==
        TransferError::facts_unfit);
}

TEST_CASE("an account that has nothing is closed, and opened again") {
  World it;
  REQUIRE(it.transfer("t1", "bot/a", "user/eve", "1"));
  CHECK(refusal(it.record("c", "user/eve", EntryType::CLOSED)) == TransferError::account_not_empty);
  REQUIRE(it.transfer("t2", "user/eve", "treasury", "1"));
  CHECK(refusal(it.record("r", "user/eve", EntryType::REOPENED)) ==
        TransferError::account_not_closed);
  REQUIRE(it.record("c", "user/eve", EntryType::CLOSED));
  CHECK(it.state("user/eve").is_closed);
  CHECK(refusal(it.transfer("t3", "bot/a", "user/eve", "1")) == TransferError::account_closed);
  CHECK(refusal(it.hold("h", "bot/a", "user/eve", "1")) == TransferError::account_closed);
  CHECK(refusal(it.record("c2", "user/eve", EntryType::CLOSED)) == TransferError::account_closed);
  REQUIRE(it.record("r", "user/eve", EntryType::REOPENED));
  CHECK(it.transfer("t3", "bot/a", "user/eve", "1"));
}

TEST_CASE("accounts that are not a user's or an escrow are not closed by CLOSED") {
  World it;
  const auto account = GENERATE(as<std::string>(), "world", "treasury", "bot/a");
  CHECK(refusal(it.record("c", account, EntryType::CLOSED)) == TransferError::facts_unfit);
  REQUIRE(it.record("r", "bot/a", EntryType::RETIRED));
  CHECK(refusal(it.record("o", "bot/a", EntryType::REOPENED)) == TransferError::facts_unfit);
}

TEST_CASE("a bot with open holds is neither retired nor liquidated") {
  World it;
  const std::int64_t hold = it.held("h", "7");
  const auto all = [&] {
    return draft_transfer(id_of("l"), "bot/a", "treasury", it.balance("bot/a"), "",
                          EntryType::LIQUIDATION);
  };
  CHECK(refusal(it.record("r", "bot/a", EntryType::RETIRED)) == TransferError::account_has_holds);
  CHECK(refusal(it.book(all())) == TransferError::account_has_holds);
  REQUIRE(it.end_hold("v", hold));
  CHECK(it.book(all()));
  CHECK(it.balance("bot/a").is_zero());
  CHECK(it.state("bot/a").is_closed);
}

TEST_CASE("a liquidation takes exactly the balance, to the treasury") {
  World it;
  const auto take = [&](std::string_view amount, std::string_view to) {
    return it.book(
        draft_transfer(id_of("l"), "bot/a", to, money(amount), "", EntryType::LIQUIDATION));
  };
  CHECK(refusal(take("9.99999999", "treasury")) == TransferError::facts_unfit);
  REQUIRE(it.transfer("t", "treasury", "user/eve", "1"));
  CHECK(refusal(take("10", "user/eve")) == TransferError::facts_unfit);
  CHECK(take("10", "treasury"));
}

TEST_CASE("a bot without a balance is liquidated by a record") {
  World it;
  REQUIRE(it.transfer("t", "bot/a", "treasury", "10"));
  CHECK(it.record("l", "bot/a", EntryType::LIQUIDATION));
  CHECK(it.state("bot/a").is_closed);
}

TEST_CASE("a dead bot is revived by the treasury or world, and a living one is not") {
  World it;
  const auto revive = [&](std::string_view id, std::string_view from) {
    return it.book(draft_transfer(id_of(id), from, "bot/a", money("3"), "", EntryType::REVIVE));
  };
  CHECK(refusal(revive("r1", "treasury")) == TransferError::account_not_closed);
  REQUIRE(it.record("d", "bot/a", EntryType::RETIRED));
  REQUIRE(it.transfer("t", "treasury", "user/eve", "5"));
  CHECK(refusal(revive("r2", "user/eve")) == TransferError::facts_unfit);
  CHECK(revive("r3", "treasury"));
  CHECK(it.balance("bot/a") == money("13"));
  REQUIRE(it.record("d2", "bot/a", EntryType::RETIRED));
  CHECK(it.record("r4", "bot/a", EntryType::REVIVE));
}

TEST_CASE("a posting of one type does not say what another type says") {
  World it;
  const std::int64_t hold = it.held("h", "2");
  Draft draft = *draft_transfer(id_of("t"), "bot/a", "treasury", money("1"), "");
  draft.facts = HoldEnd{hold};
  CHECK(refusal(it.book(draft)) == TransferError::facts_unfit);
  CHECK(refusal(it.record("v", "bot/a", EntryType::HOLD_VOID)) == TransferError::facts_unfit);
  CHECK(refusal(it.record("f", "bot/a", EntryType::FLOOR)) == TransferError::facts_unfit);
  CHECK(refusal(it.record("o", "bot/a", EntryType::HOLD)) == TransferError::facts_unfit);
  Draft mixed = *draft_transfer(id_of("m"), "bot/a", "treasury", money("1"), "");
  mixed.legs[1].type = EntryType::CHARGE;
  CHECK(refusal(it.book(mixed)) == TransferError::types_mixed);
}

TEST_CASE("a group with holds that is undone leaves them as they were") {
  World it;
  const std::int64_t kept = it.held("kept", "2");
  const auto mark = it.book().mark();
  REQUIRE(it.book_now(draft_hold_void(id_of("v"), *it.book().hold_to_end(kept), "")));
  REQUIRE(it.book_now(*draft_hold(id_of("new"), "bot/a", "treasury", money("9"), 1h, "")));
  CHECK(it.state("bot/a").held == money("9"));
  it.book().undo_to(mark);
  CHECK(it.state("bot/a").held == money("2"));
  CHECK(it.book().holds().size() == 1);
  CHECK(it.book().holds().find(kept) != nullptr);
}
