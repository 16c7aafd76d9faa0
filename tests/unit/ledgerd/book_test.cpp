#include "ledgerd/book.hpp"

#include <limits>

#include "tests/unit/ledgerd/book_world.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

/// What must be as before after a refusal or an undoing.
struct Snapshot {
  explicit Snapshot(const Book& book)
      : head(book.head()), tree(book.tree().head()), ids(book.ids().size()) {
    for (AccountNumber n = 1; n <= book.accounts().size(); ++n)
      states.push_back(book.accounts().at(n).state);
  }
  bool operator==(const Snapshot&) const = default;

  ChainHead head;
  TreeHead tree;
  std::size_t ids;
  std::vector<AccountState> states;
};

TransferError refusal(const std::expected<Posting, Refusal>& outcome) {
  REQUIRE_FALSE(outcome);
  return outcome.error().error;
}

}  // namespace

TEST_CASE("the treasury starts with its grant from world") {
  BookWorld it(money("1000000.00"));
  CHECK(it.balance("treasury") == money("1000000.00"));
  CHECK(it.balance("world") == money("-1000000.00"));
  CHECK(it.postings().at(0).legs.at(1).reference == "TREASURY_GRANT");
  CHECK(it.postings().at(0).legs.at(1).type == EntryType::GRANT);
}

TEST_CASE("a treasury grant of zero still opens both accounts") {
  BookWorld it(Money{});
  CHECK(it.balance("treasury") == Money{});
  CHECK(it.balance("world") == Money{});
  CHECK(it.add_bot("a", "5.00"));
  CHECK(it.balance("world") == money("-5.00"));
}

TEST_CASE("a bot's first entry is its GRANT, linked to nothing") {
  BookWorld it;
  const auto posting = it.add_bot("alice");
  REQUIRE(posting);
  const Leg& leg = posting->legs.at(1);
  CHECK(leg.type == EntryType::GRANT);
  CHECK(leg.reference == "GENESIS_GRANT");
  CHECK(leg.amount == money("1000.00"));
  CHECK(leg.account_seq == 1);
  CHECK(leg.previous_seq == 0);
  CHECK(it.balance("bot/alice") == money("1000.00"));
}

TEST_CASE("a transfer moves exactly its amount") {
  BookWorld it;
  REQUIRE(it.add_bot("alice"));
  const auto posting = it.transfer("t1", "bot/alice", "treasury", "0.00000001", "dust");
  REQUIRE(posting);
  CHECK(posting->seq == 3);
  CHECK(it.balance("bot/alice") == money("999.99999999"));
  CHECK(it.balance("treasury") == money("1000.00000001"));
  CHECK(it.book().total() == 0);
}

TEST_CASE("postings link to the one before, globally and per account") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  REQUIRE(it.add_bot("b"));
  const auto first = it.transfer("t1", "bot/a", "treasury", "1");
  const auto second = it.transfer("t2", "bot/a", "bot/b", "1");
  REQUIRE(second);
  CHECK(first->legs[0].account_seq == 2);
  CHECK(first->legs[0].previous_seq == 2);
  CHECK(second->legs[0].account_seq == 3);
  CHECK(second->legs[0].previous_seq == first->seq);
  CHECK(second->legs[1].previous_seq == 3);
  CHECK(second->hash != first->hash);
  CHECK(it.book().head() == ChainHead{second->seq, second->hash});
}

TEST_CASE("a user's account opens at its first credit") {
  BookWorld it;
  CHECK_FALSE(it.is_open("user/bob"));
  REQUIRE(it.transfer("t1", "treasury", "user/bob", "3"));
  CHECK(it.balance("user/bob") == money("3"));
}

TEST_CASE("a refused transfer to a new user opens nothing") {
  BookWorld it;
  const Snapshot before(it.book());
  CHECK(refusal(it.transfer("t1", "treasury", "user/bob", "1000.01")) ==
        TransferError::funds_short);
  CHECK_FALSE(it.is_open("user/bob"));
  CHECK(Snapshot(it.book()) == before);
}

TEST_CASE("every refusal has its own code and changes nothing") {
  BookWorld it;
  REQUIRE(it.add_bot("a", "10"));
  REQUIRE(it.add_bot("closed", "10"));
  REQUIRE(it.transfer("used", "bot/a", "treasury", "1"));
  REQUIRE(it.record("closing", "bot/closed", EntryType::RETIRED));
  const Snapshot before(it.book());

  CHECK(refusal(it.transfer("t", "bot/a", "treasury", "0")) == TransferError::amount_not_positive);
  CHECK(refusal(it.transfer("t", "bot/a", "bot/a", "1")) == TransferError::same_account);
  CHECK(refusal(it.transfer("t", "bot/nobody", "treasury", "1")) ==
        TransferError::debit_account_unknown);
  CHECK(refusal(it.transfer("t", "user/nobody", "treasury", "1")) ==
        TransferError::debit_account_unknown);
  CHECK(refusal(it.transfer("t", "bot/a", "bot/nobody", "1")) ==
        TransferError::credit_account_unknown);
  CHECK(refusal(it.transfer("t", "bot/a", "escrow/none", "1")) ==
        TransferError::credit_account_unknown);
  CHECK(refusal(it.transfer("t", "bot/a", "user/Not A Name", "1")) ==
        TransferError::credit_account_unknown);
  CHECK(refusal(it.transfer("t", "bot/a", "treasury", "9.00000001")) == TransferError::funds_short);
  CHECK(refusal(it.transfer("t", "bot/closed", "treasury", "1")) == TransferError::account_closed);
  CHECK(refusal(it.transfer("t", "bot/a", "bot/closed", "1")) == TransferError::account_closed);
  CHECK(refusal(it.transfer("used", "bot/a", "treasury", "2")) == TransferError::id_reused);
  CHECK(refusal(it.transfer("t", "bot/a", "treasury", "1", std::string(129, 'x'))) ==
        TransferError::reference_too_long);
  CHECK(refusal(it.add_bot("a")) == TransferError::id_reused);  // Another amount under one id.

  CHECK(Snapshot(it.book()) == before);
}

TEST_CASE("funds_short says what is available") {
  BookWorld it;
  REQUIRE(it.add_bot("a", "10"));
  const auto outcome = it.transfer("t", "bot/a", "treasury", "11");
  CHECK(outcome.error() == Refusal{TransferError::funds_short, "bot/a", money("10")});
  CHECK(error_of(outcome.error()).message == "bot/a has 10.00 available, which is not enough");
}

TEST_CASE("an account can be emptied to zero, and not a unit further") {
  BookWorld it;
  REQUIRE(it.add_bot("a", "10"));
  REQUIRE(it.transfer("t1", "bot/a", "treasury", "10"));
  CHECK(it.balance("bot/a") == Money{});
  CHECK(refusal(it.transfer("t2", "bot/a", "treasury", "0.00000001")) ==
        TransferError::funds_short);
}

TEST_CASE("opening what is open is refused") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  const auto draft = draft_grant(id_of("other id"), "bot/a", money("1"), genesis_reference);
  CHECK(refusal(it.book_now(*draft)) == TransferError::account_exists);
}

TEST_CASE("balances that an amount cannot hold are refused on either side") {
  const Money largest = Money::of_units(std::numeric_limits<std::int64_t>::max());
  BookWorld it(largest);
  CHECK(refusal(it.transfer("t", "world", "user/bob", "0.00000002")) ==
        TransferError::balance_overflow);
  CHECK_FALSE(it.is_open("user/bob"));
  // The grant left world at -max, so that one more unit still fits there but not in treasury.
  CHECK(refusal(it.transfer("t", "world", "treasury", "0.00000001")) ==
        TransferError::balance_overflow);
}

TEST_CASE("drafts that are not double entry are refused") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  const auto draft = [](std::vector<DraftLeg> legs) {
    return Draft{.id = id_of("odd"), .legs = std::move(legs), .opens = {}};
  };
  const auto leg = [](std::string_view account, std::string_view amount) {
    return DraftLeg{std::string(account), money(amount), EntryType::TRANSFER, ""};
  };
  CHECK(refusal(it.book_now(draft({}))) == TransferError::legs_unbalanced);
  CHECK(refusal(it.book_now(draft({leg("bot/a", "1")}))) == TransferError::legs_unbalanced);
  CHECK(refusal(it.book_now(draft({leg("bot/a", "-1"), leg("treasury", "2")}))) ==
        TransferError::legs_unbalanced);
  CHECK(refusal(it.book_now(draft({leg("bot/a", "0"), leg("treasury", "0")}))) ==
        TransferError::legs_unbalanced);
  CHECK(refusal(it.book_now(draft({leg("bot/a", "-1"), leg("treasury", "2"),
                                   leg("bot/a", "-1")}))) == TransferError::same_account);
  CHECK(refusal(it.book_now(draft(std::vector<DraftLeg>(legs_max + 1, leg("bot/a", "0"))))) ==
        TransferError::legs_unbalanced);
}

TEST_CASE("a lone zero leg records something and moves nothing") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  const Draft heartbeat{.id = id_of("tick"),
                        .legs = {{"bot/a", Money{}, EntryType::HEARTBEAT_OBSERVE, "TICK:1"}},
                        .opens = {}};
  REQUIRE(it.book_now(heartbeat));
  CHECK(it.balance("bot/a") == money("1000"));
}

TEST_CASE("many legs that sum to zero are one posting") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  REQUIRE(it.add_bot("b"));
  const Draft fee_and_stake{.id = id_of("tick"),
                            .legs = {{"bot/a", money("-3.5"), EntryType::WAGER, "TICK:1"},
                                     {"treasury", money("0.5"), EntryType::WAGER, "TICK:1"},
                                     {"bot/b", money("3"), EntryType::WAGER, "TICK:1"}},
                            .opens = {}};
  REQUIRE(it.book_now(fee_and_stake));
  CHECK(it.balance("bot/b") == money("1003"));
  CHECK(it.book().total() == 0);
}

TEST_CASE("the same id with the same content gets the first posting, and books nothing more") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  const auto first = it.transfer("t1", "bot/a", "treasury", "2", "why");
  const Snapshot before(it.book());
  const auto again = it.transfer("t1", "bot/a", "treasury", "2", "why");
  REQUIRE(again);
  CHECK(*again == *first);
  CHECK(Snapshot(it.book()) == before);
}

TEST_CASE("the same id with anything else in it is refused") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  REQUIRE(it.add_bot("b"));
  REQUIRE(it.transfer("t1", "bot/a", "treasury", "2", "why"));
  CHECK(refusal(it.transfer("t1", "bot/b", "treasury", "2", "why")) == TransferError::id_reused);
  CHECK(refusal(it.transfer("t1", "bot/a", "bot/b", "2", "why")) == TransferError::id_reused);
  CHECK(refusal(it.transfer("t1", "bot/a", "treasury", "3", "why")) == TransferError::id_reused);
  CHECK(refusal(it.transfer("t1", "bot/a", "treasury", "2", "Why")) == TransferError::id_reused);
  const auto charge =
      draft_transfer(id_of("t1"), "bot/a", "treasury", money("2"), "why", EntryType::CHARGE);
  CHECK(refusal(it.book_now(*charge)) == TransferError::id_reused);
}

TEST_CASE("what was not committed can be undone, one decision at a time or all") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  const Snapshot committed(it.book());
  const auto to_bob = draft_transfer(id_of("1"), "bot/a", "user/bob", money("1"), "");
  REQUIRE(it.book_now(*to_bob));
  const Book::Mark mark = it.book().mark();
  const Snapshot marked(it.book());
  REQUIRE(it.book_now(*draft_transfer(id_of("2"), "user/bob", "user/eve", money("1"), "")));
  CHECK(it.is_open("user/eve"));

  it.book().undo_to(mark);
  CHECK(Snapshot(it.book()) == marked);
  CHECK_FALSE(it.is_open("user/eve"));
  CHECK(it.seq_of(id_of("2")) == 0);

  it.book().rollback();
  CHECK(Snapshot(it.book()) == committed);
  CHECK_FALSE(it.is_open("user/bob"));
  CHECK(it.seq_of(id_of("1")) == 0);
}

TEST_CASE("the tree grows at the commit, not before") {
  BookWorld it;
  REQUIRE(it.add_bot("a"));
  const TreeHead before = it.book().tree().head();
  REQUIRE(it.book_now(*draft_transfer(id_of("1"), "bot/a", "treasury", money("1"), "")));
  CHECK(it.book().tree().head() == before);
  it.commit();
  CHECK(it.book().tree().size() == before.size + 1);
  CHECK(it.book().tree().root() != before.root);
}

TEST_CASE("a commit hands out what was booked and opened") {
  BookWorld it;
  REQUIRE(it.book_now(*draft_transfer(id_of("1"), "treasury", "user/bob", money("1"), "")));
  const Book::Group group = it.book().commit();
  REQUIRE(group.postings.size() == 1);
  CHECK(group.postings[0].seq == 2);
  CHECK(group.opened == std::vector<AccountNumber>{3});
  CHECK(it.book().commit().postings.empty());
}

TEST_CASE("refusals read as errors that name the cause and the next step") {
  for (int code = 0; code <= static_cast<int>(TransferError::id_reused); ++code) {
    const Error error = error_of({static_cast<TransferError>(code), "bot/a", money("1")});
    INFO(error.code);
    CHECK_FALSE(error.code.empty());
    CHECK_FALSE(error.message.empty());
    CHECK_FALSE(error.next_step.empty());
  }
  CHECK(error_of({TransferError::funds_short, "bot/a", {}}).kind == ErrorKind::funds);
  CHECK(error_of({TransferError::id_reused, "", {}}).kind == ErrorKind::conflict);
  CHECK(error_of({TransferError::debit_account_unknown, "bot/a\n", {}}).message ==
        "there is no account \"bot/a\\n\"");
}
