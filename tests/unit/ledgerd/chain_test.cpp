#include "ledgerd/chain.hpp"

#include "tests/unit/ledgerd/book_world.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

/// A book of five postings, and what finds the first fault when it is read back.
struct History {
  History() {
    BookWorld it;
    REQUIRE(it.add_bot("a"));
    REQUIRE(it.add_bot("b"));
    REQUIRE(it.transfer("t1", "bot/a", "bot/b", "1", "first"));
    REQUIRE(it.transfer("t2", "bot/a", "bot/b", "2", "second"));
    postings = it.postings();
    for (AccountNumber n = 1; n <= it.book().accounts().size(); ++n)
      names.push_back(it.book().accounts().at(n).name);
  }

  std::optional<Fault> first_fault() const {
    Book book;
    for (const std::string& name : names) book.restore_account(name);
    for (const Posting& posting : postings)
      if (auto restored = book.restore(posting, has_id(posting.id)); !restored)
        return restored.error();
    return {};
  }
  /// Whether a posting that was read before has this id.
  Book::HasId has_id(const Uuid& id) const {
    return [this, id](std::int64_t seq) {
      return std::ranges::any_of(
          postings, [&](const Posting& one) { return one.seq == seq && one.id == id; });
    };
  }
  std::int64_t first_bad_seq() const {
    const auto fault = first_fault();
    return fault ? fault->seq : 0;
  }

  std::vector<std::string> names;
  std::vector<Posting> postings;
};

constexpr std::size_t fourth = 3;  // The posting with seq 4.

}  // namespace

TEST_CASE("a history that was not touched has no fault") { CHECK_FALSE(History().first_fault()); }

TEST_CASE("what is read back is the book that was written") {
  const History history;
  Book book;
  for (const std::string& name : history.names) book.restore_account(name);
  for (const Posting& posting : history.postings)
    REQUIRE(book.restore(posting, history.has_id(posting.id)));
  CHECK(book.head().hash == history.postings.back().hash);
  CHECK(book.tree().size() == 5);
  CHECK(book.ids().find(id_of("t2"), history.has_id(id_of("t2"))) == 5);
  CHECK(book.total() == 0);
}

TEST_CASE("a change of any field is found at its posting") {
  const auto change = GENERATE(range(0, 10));
  History history;
  Posting& posting = history.postings[fourth];
  switch (change) {
    case 0:
      posting.id.bytes[15] ^= 1;
      break;
    case 1:
      posting.time.ns += 1;
      break;
    case 2:
      posting.hash[0] ^= 0x80;
      break;
    case 3:
      posting.legs[0].reference = "First";
      break;
    case 4:
      posting.legs[0].type = EntryType::CHARGE;
      break;
    case 5:
      posting.legs[0].account_seq += 1;
      break;
    case 6:
      posting.legs[0].previous_seq -= 1;
      break;
    case 7:
      posting.legs[0].account = 1;
      break;
    case 8:
      std::swap(posting.legs[0], posting.legs[1]);
      break;
    case 9:
      posting.legs[0].amount = money("-1.5");
      posting.legs[1].amount = money("1.5");
      break;
    default:
      FAIL();
  }
  INFO("change " << change);
  CHECK(history.first_bad_seq() == 4);
}

TEST_CASE("a posting that breaks a rule is found even under a right hash") {
  Standing standing;
  standing.accounts.open("world");
  standing.accounts.open("bot/a");
  const auto fault = [&](const Legs& legs) {
    Posting posting{.seq = 1, .id = {}, .time = {}, .legs = legs, .facts = {}, .hash = {}};
    posting.hash = hash_of(posting, standing);
    const auto found = find_fault(posting, standing);
    REQUIRE(found);
    return found->problem;
  };
  const auto leg = [](AccountNumber account, std::string_view amount) {
    return Leg{.account = account,
               .amount = money(amount),
               .type = EntryType::TRANSFER,
               .reference = "",
               .account_seq = 1,
               .previous_seq = 0};
  };
  CHECK(fault({}) == "its legs cannot be read");
  CHECK(fault({leg(2, "1")}) == "it breaks the rule legs_unbalanced");
  CHECK(fault({leg(1, "1"), leg(2, "-1")}) == "bot/a: it breaks the rule funds_short");
  CHECK(fault({leg(1, "0"), leg(2, "0")}) == "it breaks the rule legs_unbalanced");
  CHECK(fault({leg(1, "-1"), leg(1, "1")}) == "world: it breaks the rule same_account");
  standing.accounts.at(2).state.balance = Money::of_units(std::numeric_limits<std::int64_t>::max());
  CHECK(fault({leg(1, "-1"), leg(2, "1")}) == "bot/a: it breaks the rule balance_overflow");
}

TEST_CASE("a posting on an account that does not exist is a fault, not a crash") {
  History history;
  history.postings[fourth].legs[1].account = 99;
  CHECK(history.first_bad_seq() == 4);
  history.postings[fourth].legs[1].account = 0;
  CHECK(history.first_bad_seq() == 4);
}

TEST_CASE("a posting that is missing is named") {
  History history;
  history.postings.erase(history.postings.begin() + fourth);
  CHECK(history.first_fault() == Fault{4, "posting 4 is missing"});
}

TEST_CASE("two postings that changed places are found at the first of them") {
  History history;
  std::swap(history.postings[3], history.postings[4]);
  CHECK(history.first_bad_seq() == 4);
  std::swap(history.postings[3].seq, history.postings[4].seq);
  CHECK(history.first_bad_seq() == 4);
}

TEST_CASE("a renamed account is found at its first posting") {
  History history;
  history.names[2] = "bot/c";
  CHECK(history.first_bad_seq() == 2);
}

TEST_CASE("an id that is there twice is found") {
  History history;
  Book book;
  for (const std::string& name : history.names) book.restore_account(name);
  for (std::size_t i = 0; i < 4; ++i)
    REQUIRE(book.restore(history.postings[i], history.has_id(history.postings[i].id)));
  Posting forged = history.postings[4];
  forged.id = history.postings[3].id;
  forged.hash = hash_of(forged, book.standing());
  CHECK(book.restore(forged, history.has_id(forged.id)).error() ==
        Fault{5, "its id was used before"});
}
