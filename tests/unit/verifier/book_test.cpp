// Every rule of docs/ledger.md, broken once: what the checker says, and at which seq.
#include <limits>

#include "tests/unit/verifier/story.hpp"

using namespace guild::verifier;

namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

/// The verdict after one more posting, in its right place, on the small book: its seq is 5.
std::string after(const std::string& type, std::vector<guild::test::WrittenLeg> legs,
                  std::vector<guild::test::WrittenFact> facts = {}) {
  BookWriter book = small_book();
  book.post(type, std::move(legs), std::move(facts));
  return verdict(book);
}

/// The same after the draft was changed.
template <class Change>
std::string after_changed(Change change) {
  BookWriter book = small_book();
  auto draft = book.draft("TRANSFER", {leg("bot/a", -5), leg("bot/b", 5)});
  change(draft);
  book.add(std::move(draft));
  book.post("TRANSFER", {leg("treasury", -1), leg("user/u", 1)});
  return verdict(book);
}

/// A hold of 60 by bot/a for user/u, as posting 5.
BookWriter book_with_hold(std::int64_t expires_at = far) {
  BookWriter book = small_book();
  book.post("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 60, expires_at));
  return book;
}

}  // namespace

TEST_CASE("the small book is sound") {
  CHECK(verdict(small_book()) == "ok");
  CHECK(after_changed([](auto&) {}) == "ok");
}

// ---- Sequences, ids and hashes -----------------------------------------------------------------

TEST_CASE("the global sequence has no gap") {
  CHECK(after_changed([](auto& draft) { draft.seq = 6; }) == "5: its seq is 6");
  CHECK(after_changed([](auto& draft) { draft.seq = 4; }) == "5: its seq is 4");
  CHECK(after_changed([](auto& draft) { draft.seq = -1; }) == "5: its seq is -1");
}

TEST_CASE("an account's own sequence has no gap") {
  CHECK(after_changed([](auto& draft) { draft.legs[0].account_seq = 3; }) ==
        "5: its account_seq on bot/a is 3 after 1");
  CHECK(after_changed([](auto& draft) { draft.legs[1].account_seq = 1; }) ==
        "5: its account_seq on bot/b is 1 after 1");
}

TEST_CASE("an id is used once") {
  CHECK(after_changed([](auto& draft) { draft.id[15] = 2; }) ==
        "5: its id 00000000000000000000000000000002 was used before");
  CHECK(after_changed([](auto& draft) { draft.id = {}; }) == "ok");
}

TEST_CASE("each posting names the hash of the one before, and of each account's") {
  CHECK(after_changed([](auto& draft) { draft.previous_hash[0] ^= 1; }) ==
        "5: its previous hash is not the hash of posting 4");
  CHECK(after_changed([](auto& draft) { draft.legs[0].previous_hash[31] ^= 1; }) ==
        "5: its previous hash on bot/a is not that of the account's posting 2");
  CHECK(after_changed([](auto& draft) { draft.legs[1].previous_hash = {}; }) ==
        "5: its previous hash on bot/b is not that of the account's posting 3");
}

TEST_CASE("the first posting begins both chains with zeros") {
  for (const bool global : {true, false}) {
    BookWriter book;
    auto draft = book.draft("GRANT", {leg("world", -1), leg("treasury", 1)});
    (global ? draft.previous_hash : draft.legs[0].previous_hash)[0] = 1;
    book.add(std::move(draft));
    CHECK(verdict(book) == (global ? "1: its previous hash is not the hash of posting 0"
                                   : "1: its previous hash on world is not that of the account's "
                                     "posting 0"));
  }
}

// ---- Legs --------------------------------------------------------------------------------------

TEST_CASE("legs sum to zero, in more than 64 bits") {
  CHECK(after("TRANSFER", {leg("bot/a", -5), leg("bot/b", 4)}) == "5: its legs do not sum to zero");
  CHECK(after("TRANSFER", {leg("bot/a", 5)}) == "5: its legs do not sum to zero");
  // 2^63-1 + 2^63-1 + 2 is 0 in 64 bits.
  CHECK(after("GRANT", {leg("user/a", most), leg("user/b", most), leg("user/c", 2)}) ==
        "5: its legs do not sum to zero");
}

TEST_CASE("a zero leg stands alone") {
  CHECK(after("HEARTBEAT", {leg("bot/a", 0)}) == "ok");
  CHECK(after("TRANSFER", {leg("bot/a", -5), leg("bot/b", 5), leg("user/u", 0)}) ==
        "5: its leg of zero on user/u does not stand alone");
}

TEST_CASE("an account has one leg in a posting") {
  BookWriter book = small_book();
  auto draft = book.draft("TRANSFER", {leg("bot/a", -5), leg("bot/b", 10), leg("bot/a", -5)});
  draft.legs[2].account_seq = 3;
  book.add(std::move(draft));
  CHECK(verdict(book) == "5: bot/a has two legs");
}

TEST_CASE("only world goes below zero") {
  CHECK(after("TRANSFER", {leg("bot/a", -100), leg("bot/b", 100)}) == "ok");
  CHECK(after("TRANSFER", {leg("bot/a", -101), leg("bot/b", 101)}) ==
        "5: bot/a would have -0.00000001 available, below its floor 0.00");
  CHECK(after("TRANSFER", {leg("user/new", -1), leg("bot/b", 1)}) ==
        "5: user/new would have -0.00000001 available, below its floor 0.00");
  CHECK(after("GRANT", {leg("world", -1'000'000'000), leg("user/u", 1'000'000'000)}) == "ok");
}

TEST_CASE("balances fit 64 bits") {
  CHECK(after("GRANT", {leg("world", -(most - 1200)), leg("user/v", most - 1200)}) == "ok");
  CHECK(after("GRANT", {leg("world", -most), leg("user/v", most)}) ==
        "5: the balance of world would not fit 64 bits");
  CHECK(after("GRANT", {leg("user/u", most), leg("world", -most)}) ==
        "5: the balance of user/u would not fit 64 bits");
}

// ---- Holds -------------------------------------------------------------------------------------

TEST_CASE("a hold stands on one leg of zero") {
  CHECK(after("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 100)) == "ok");
  CHECK(after("HOLD", {leg("bot/a", -5), leg("user/u", 5)}, hold_facts("user/u", 5)) ==
        "5: a HOLD has one leg, this one 2");
}

TEST_CASE("a hold holds something, for another account, for a time") {
  CHECK(after("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 0)) == "5: it holds 0.00");
  CHECK(after("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", -1)) == "5: it holds -0.00000001");
  CHECK(after("HOLD", {leg("bot/a", 0)}, hold_facts("bot/a", 5)) ==
        "5: its credit is its own account");
  const std::int64_t now = BookWriter::time_of(5);
  CHECK(after("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 5, now)) ==
        "5: it expires before it begins");
  CHECK(after("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 5, now + 1)) == "ok");
}

TEST_CASE("a hold takes no more than is available above the floor") {
  CHECK(after("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 101)) ==
        "5: bot/a would have -0.00000001 available, below its floor 0.00");
  BookWriter book = small_book();
  book.post("FLOOR", {leg("bot/a", 0)}, floor_of(30));
  book.post("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 70));
  CHECK(verdict(book) == "ok");
  book.post("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 1));
  CHECK(verdict(book) == "7: bot/a would have 0.00000029 available, below its floor 0.0000003");
}

TEST_CASE("holds fit 64 bits") {
  BookWriter book = small_book();
  book.post("HOLD", {leg("world", 0)}, hold_facts("user/u", most));
  CHECK(verdict(book) == "ok");
  book.post("HOLD", {leg("world", 0)}, hold_facts("user/u", 1));
  CHECK(verdict(book) == "6: the holds of world would not fit 64 bits");
}

TEST_CASE("what is held cannot be spent, and what is posted frees the rest") {
  BookWriter book = book_with_hold();
  book.post("TRANSFER", {leg("bot/a", -40), leg("bot/b", 40)});
  CHECK(verdict(book) == "ok");
  BookWriter spent = book;
  spent.post("TRANSFER", {leg("bot/a", -1), leg("bot/b", 1)});
  CHECK(verdict(spent) == "7: bot/a would have -0.00000001 available, below its floor 0.00");
  book.post("HOLD_POST", {leg("bot/a", -20), leg("user/u", 20)}, of_hold(5));
  book.post("TRANSFER", {leg("bot/a", -40), leg("bot/b", 40)});
  CHECK(verdict(book) == "ok");
}

TEST_CASE("a hold is posted by its accounts, the debit first, up to its amount") {
  const auto posted = [](std::vector<guild::test::WrittenLeg> legs, std::int64_t hold = 5) {
    BookWriter book = book_with_hold();
    book.post("HOLD_POST", std::move(legs), of_hold(hold));
    return verdict(book);
  };
  CHECK(posted({leg("bot/a", -60), leg("user/u", 60)}) == "ok");
  CHECK(posted({leg("bot/a", -61), leg("user/u", 61)}) ==
        "6: it posts 0.00000061 of a hold of 0.0000006");
  CHECK(posted({leg("bot/a", 0)}) == "6: a HOLD_POST has two legs, this one 1");
  CHECK(posted({leg("bot/a", -6), leg("user/u", 5), leg("bot/b", 1)}) ==
        "6: a HOLD_POST has two legs, this one 3");
  CHECK(posted({leg("user/u", 6), leg("bot/a", -6)}) == "6: hold 5 is on bot/a");
  CHECK(posted({leg("bot/a", 6), leg("user/u", -6)}) == "6: its first leg is not the debit");
  CHECK(posted({leg("bot/b", -6), leg("user/u", 6)}) == "6: hold 5 is on bot/a");
  CHECK(posted({leg("bot/a", -6), leg("bot/b", 6)}) == "6: hold 5 is for user/u");
  CHECK(posted({leg("bot/a", -6), leg("user/u", 6)}, 4) == "6: there is no open hold 4");
  CHECK(posted({leg("bot/a", -6), leg("user/u", 6)}, 6) == "6: there is no open hold 6");
  CHECK(posted({leg("bot/a", -6), leg("user/u", 6)}, -1) == "6: there is no open hold -1");
}

TEST_CASE("a hold is posted before it expires") {
  for (const std::int64_t left : {0, 1}) {
    BookWriter book = book_with_hold(BookWriter::time_of(6) + left);
    book.post("HOLD_POST", {leg("bot/a", -6), leg("user/u", 6)}, of_hold(5));
    CHECK(verdict(book) == (left == 0 ? "6: hold 5 had expired" : "ok"));
  }
}

TEST_CASE("a hold ends once") {
  for (const std::string& first : {std::string("HOLD_POST"), std::string("HOLD_VOID")}) {
    for (const std::string& second : {std::string("HOLD_POST"), std::string("HOLD_VOID")}) {
      BookWriter book = book_with_hold();
      for (const std::string& type : {first, second}) {
        std::vector<guild::test::WrittenLeg> legs = {leg("bot/a", 0)};
        if (type == "HOLD_POST") legs = {leg("bot/a", -6), leg("user/u", 6)};
        book.post(type, legs, of_hold(5));
      }
      CHECK(verdict(book) == "7: there is no open hold 5");
    }
  }
}

TEST_CASE("a hold is voided on its account, and by time only after its time") {
  const auto voided = [](std::vector<guild::test::WrittenLeg> legs, std::int64_t expires_at) {
    BookWriter book = book_with_hold(expires_at);
    book.post("HOLD_VOID", std::move(legs), of_hold(5));
    return verdict(book);
  };
  const std::int64_t now = BookWriter::time_of(6);
  CHECK(voided({leg("bot/a", 0)}, far) == "ok");
  CHECK(voided({leg("bot/a", 0, "changed my mind")}, now) == "ok");
  CHECK(voided({leg("bot/a", 0, "EXPIRED")}, now) == "ok");
  CHECK(voided({leg("bot/a", 0, "EXPIRED")}, now + 1) == "6: hold 5 had not expired");
  CHECK(voided({leg("user/u", 0)}, far) == "6: hold 5 is on bot/a");
  CHECK(voided({leg("bot/a", -6), leg("user/u", 6)}, far) ==
        "6: a HOLD_VOID has one leg, this one 2");
}

TEST_CASE("a hold that time has passed is open until it is voided") {
  BookWriter book = book_with_hold(BookWriter::time_of(5) + 1);
  BookWriter spent = book;
  spent.post("TRANSFER", {leg("bot/a", -41), leg("bot/b", 41)});
  CHECK(verdict(spent) == "6: bot/a would have -0.00000001 available, below its floor 0.00");
  book.post("HOLD_VOID", {leg("bot/a", 0, "EXPIRED")}, of_hold(5));
  book.post("TRANSFER", {leg("bot/a", -100), leg("bot/b", 100)});
  CHECK(verdict(book) == "ok");
}

// ---- Floors ------------------------------------------------------------------------------------

TEST_CASE("a floor is at or below what is available, and never below zero or on world") {
  CHECK(after("FLOOR", {leg("bot/a", 0)}, floor_of(100)) == "ok");
  CHECK(after("FLOOR", {leg("bot/a", 0)}, floor_of(101)) ==
        "5: bot/a would have 0.000001 available, below its floor 0.00000101");
  CHECK(after("FLOOR", {leg("bot/a", 0)}, floor_of(-1)) == "5: a floor of -0.00000001");
  CHECK(after("FLOOR", {leg("world", 0)}, floor_of(0)) == "5: world has no floor");
  CHECK(after("FLOOR", {leg("bot/a", -5), leg("bot/b", 5)}, floor_of(0)) ==
        "5: a FLOOR has one leg, this one 2");
  BookWriter book = book_with_hold();
  book.post("FLOOR", {leg("bot/a", 0)}, floor_of(41));
  CHECK(verdict(book) == "6: bot/a would have 0.0000004 available, below its floor 0.00000041");
}

TEST_CASE("nothing leaves an account below its floor, until there is another one") {
  BookWriter book = small_book();
  book.post("FLOOR", {leg("bot/a", 0)}, floor_of(50));
  book.post("CHARGE", {leg("bot/a", -50), leg("treasury", 50)});
  BookWriter below = book;
  below.post("CHARGE", {leg("bot/a", -1), leg("treasury", 1)});
  CHECK(verdict(below) == "7: bot/a would have 0.00000049 available, below its floor 0.0000005");
  book.post("FLOOR", {leg("bot/a", 0)}, floor_of(0));
  book.post("CHARGE", {leg("bot/a", -50), leg("treasury", 50)});
  CHECK(verdict(book) == "ok");
}

// ---- Closed accounts ---------------------------------------------------------------------------

TEST_CASE("an account is closed when it is empty and nothing is held") {
  CHECK(after("CLOSED", {leg("bot/a", 0)}) == "5: bot/a is closed with a balance of 0.000001");
  CHECK(after("CLOSED", {leg("user/new", 0)}) == "ok");
  CHECK(after("CLOSED", {leg("bot/a", -100), leg("bot/b", 100)}) ==
        "5: a CLOSED has one leg, this one 2");
  BookWriter book;
  book.post("HOLD", {leg("world", 0)}, hold_facts("user/u", 1));
  book.post("CLOSED", {leg("world", 0)});
  CHECK(verdict(book) == "2: world has open holds of 0.00000001");
}

TEST_CASE("a closed account takes no posting until it is opened") {
  BookWriter book = small_book();
  book.post("TRANSFER", {leg("user/u", -10), leg("bot/a", 10)});
  book.post("CLOSED", {leg("user/u", 0)});
  const auto then = [&](const std::string& type, std::vector<guild::test::WrittenLeg> legs,
                        std::vector<guild::test::WrittenFact> facts = {}) {
    BookWriter next = book;
    next.post(type, std::move(legs), std::move(facts));
    return verdict(next);
  };
  CHECK(then("TRANSFER", {leg("bot/a", -1), leg("user/u", 1)}) == "7: user/u is closed");
  CHECK(then("HEARTBEAT", {leg("user/u", 0)}) == "7: user/u is closed");
  CHECK(then("CLOSED", {leg("user/u", 0)}) == "7: user/u is closed");
  CHECK(then("FLOOR", {leg("user/u", 0)}, floor_of(0)) == "7: user/u is closed");
  CHECK(then("REVIVE", {leg("user/u", 0)}) == "7: user/u is closed");
  CHECK(then("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 1)) == "ok");
  CHECK(then("REOPENED", {leg("user/u", 0)}) == "ok");
  book.post("REOPENED", {leg("user/u", 0)});
  CHECK(then("TRANSFER", {leg("bot/a", -1), leg("user/u", 1)}) == "ok");
  CHECK(then("REOPENED", {leg("user/u", 0)}) == "8: user/u is not closed");
}

TEST_CASE("only what is closed is opened") {
  CHECK(after("REOPENED", {leg("bot/a", 0)}) == "5: bot/a is not closed");
  CHECK(after("REVIVE", {leg("bot/a", 0)}) == "5: bot/a is not closed");
  CHECK(after("REOPENED", {leg("bot/a", -5), leg("bot/b", 5)}) == "5: bot/a is not closed");
}

TEST_CASE("a bot retires with its balance, and without holds") {
  CHECK(after("RETIRED", {leg("bot/a", 0)}) == "ok");
  CHECK(after("RETIRED", {leg("user/u", 0)}) == "5: user/u is not a bot's account");
  CHECK(after("RETIRED", {leg("bot/a", -1), leg("bot/b", 1)}) ==
        "5: a RETIRED has one leg, this one 2");
  BookWriter book = book_with_hold();
  book.post("RETIRED", {leg("bot/a", 0)});
  CHECK(verdict(book) == "6: bot/a has open holds of 0.0000006");
  BookWriter retired = small_book();
  retired.post("RETIRED", {leg("bot/a", 0)});
  retired.post("TRANSFER", {leg("bot/a", -1), leg("bot/b", 1)});
  CHECK(verdict(retired) == "6: bot/a is closed");
}

TEST_CASE("a liquidation takes all from a bot without holds, for the treasury") {
  CHECK(after("LIQUIDATION", {leg("bot/a", -100), leg("treasury", 100)}) == "ok");
  CHECK(after("LIQUIDATION", {leg("treasury", 100), leg("bot/a", -100)}) == "ok");
  CHECK(after("LIQUIDATION", {leg("bot/a", -99), leg("treasury", 99)}) ==
        "5: it takes 0.00000099 from bot/a, which has 0.000001");
  CHECK(after("LIQUIDATION", {leg("bot/a", -101), leg("treasury", 101)}) ==
        "5: it takes 0.00000101 from bot/a, which has 0.000001");
  CHECK(after("LIQUIDATION", {leg("bot/a", 0)}) ==
        "5: it takes 0.00 from bot/a, which has 0.000001");
  CHECK(after("LIQUIDATION", {leg("bot/new", 0)}) == "ok");
  CHECK(after("LIQUIDATION", {leg("user/u", -10), leg("treasury", 10)}) ==
        "5: a LIQUIDATION is not booked on these accounts");
  CHECK(after("LIQUIDATION", {leg("bot/a", -100), leg("user/u", 100)}) ==
        "5: a LIQUIDATION is not booked on these accounts");
  CHECK(after("LIQUIDATION", {leg("bot/a", -100), leg("treasury", 50), leg("user/u", 50)}) ==
        "5: a LIQUIDATION is not booked on these accounts");
  CHECK(after("LIQUIDATION", {leg("bot/a", -100), leg("bot/b", 100)}) ==
        "5: a LIQUIDATION is not booked on these accounts");
  BookWriter book = book_with_hold();
  book.post("LIQUIDATION", {leg("bot/a", -100), leg("treasury", 100)});
  CHECK(verdict(book) == "6: bot/a has open holds of 0.0000006");
}

TEST_CASE("a liquidation takes all whatever the floor, and closes") {
  BookWriter book = small_book();
  book.post("FLOOR", {leg("bot/a", 0)}, floor_of(50));
  book.post("LIQUIDATION", {leg("bot/a", -100), leg("treasury", 100)});
  CHECK(verdict(book) == "ok");
  book.post("TRANSFER", {leg("bot/b", -1), leg("bot/a", 1)});
  CHECK(verdict(book) == "7: bot/a is closed");
}

TEST_CASE("a bot is revived from the treasury or world, or with nothing") {
  BookWriter book = small_book();
  book.post("LIQUIDATION", {leg("bot/a", -100), leg("treasury", 100)});
  const auto revived = [&](std::vector<guild::test::WrittenLeg> legs) {
    BookWriter next = book;
    next.post("REVIVE", std::move(legs));
    return verdict(next);
  };
  CHECK(revived({leg("treasury", -5), leg("bot/a", 5)}) == "ok");
  CHECK(revived({leg("bot/a", 5), leg("world", -5)}) == "ok");
  CHECK(revived({leg("bot/a", 0)}) == "ok");
  CHECK(revived({leg("bot/a", 5), leg("user/u", -5)}) ==
        "6: a REVIVE is not booked on these accounts");
  CHECK(revived({leg("bot/a", 5), leg("treasury", -2), leg("world", -3)}) ==
        "6: a REVIVE is not booked on these accounts");
  CHECK(revived({leg("bot/a", 5), leg("treasury", -2000), leg("user/u", 1995)}) ==
        "6: a REVIVE is not booked on these accounts");
  CHECK(revived({leg("bot/a", 2000), leg("treasury", -2000)}) ==
        "6: treasury would have -0.0000091 available, below its floor 0.00");
  CHECK(revived({leg("bot/a", -5), leg("treasury", 5)}) == "6: it takes from bot/a");
  CHECK(revived({leg("bot/b", 5), leg("treasury", -5)}) == "6: bot/b is not closed");
}

TEST_CASE("a closed treasury pays no revival") {
  BookWriter book;
  book.post("GRANT", {leg("world", -100), leg("bot/a", 100)});
  book.post("RETIRED", {leg("bot/a", 0)});
  book.post("CLOSED", {leg("treasury", 0)});
  book.post("REVIVE", {leg("treasury", -5), leg("bot/a", 5)});
  CHECK(verdict(book) == "4: treasury is closed");
}
