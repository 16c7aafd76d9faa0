// Where the book stands, saved in the file and taken up by the next start.
#include "ledgerd/history.hpp"
#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"

using namespace guild;
using namespace guild::ledgerd;
using namespace std::chrono_literals;

namespace {

/// Two bots, open and ended holds, a floor, a closed account, in two saves and a tail.
void write_book(const LedgerFile& file) {
  RunningJournal it(file);
  it.add_bot("a");
  it.add_bot("b");
  must(it.hold("h1", "bot/a", "treasury", "10"));
  must(it.hold("h2", "bot/a", "bot/b", "20"));
  must(it.transfer("t1", "bot/a", "user/eve", "2"));
  must(it.journal().save());
  must(it.post_hold("p1", "h1", "4"));
  must(it.hold("h3", "bot/b", "treasury", "30"));
  must(it.transfer("t2", "user/eve", "treasury", "2"));
  must(it.book(draft_record(id_of("c"), "user/eve", EntryType::CLOSED, "")));
  must(it.journal().save());
  must(it.void_hold("v2", "h2"));
  must(it.book(draft_floor(id_of("f"), "bot/b", money("1"), "")));
}

/// The same file as one that never was saved.
void forget_standing(const LedgerFile& file) {
  file.tamper(
      "DELETE FROM standing; DELETE FROM account_states; DELETE FROM open_holds; "
      "DELETE FROM id_hashes; DELETE FROM tree_blocks;");
}

void require_same(const Book& a, const Book& b) {
  CHECK(a.head() == b.head());
  CHECK(a.tree().head() == b.tree().head());
  CHECK(a.holds().all() == b.holds().all());
  CHECK(a.ids().size() == b.ids().size());
  REQUIRE(a.accounts().size() == b.accounts().size());
  for (AccountNumber n = 1; n <= a.accounts().size(); ++n)
    CHECK(a.accounts().at(n).state == b.accounts().at(n).state);
}

}  // namespace

TEST_CASE("a start from the saved standing finds the book that a whole reading finds") {
  LedgerFile file;
  write_book(file);
  const Recovered quick = must(recover(*file.connect(storage::Mode::read_only)));
  CHECK(quick.unsaved.postings() == 2);
  CHECK(must(verify_file(*file.connect(storage::Mode::read_only))).ok);
  forget_standing(file);
  const Recovered whole = must(recover(*file.connect(storage::Mode::read_only)));
  CHECK(whole.unsaved.postings() == whole.book.head().seq);
  require_same(quick.book, whole.book);
  CHECK(must(verify_file(*file.connect(storage::Mode::read_only))).ok);
}

TEST_CASE("a book goes on after a start as if it had not ended") {
  LedgerFile file;
  write_book(file);
  RunningJournal it(file);
  CHECK(must(it.transfer("t1", "bot/a", "user/eve", "2")).repeated);
  CHECK(it.transfer("t3", "bot/a", "user/eve", "1").error().code == "account_closed");
  CHECK(must(it.post_hold("p1", "h1", "4")).repeated);
  CHECK(it.post_hold("p1", "h1", "5").error().code == "id_reused");
  CHECK(it.post_hold("p2", "h2", "4").error().code == "hold_ended");
  CHECK(it.post_hold("p3", "t1", "4").error().code == "hold_unknown");
  CHECK(it.post_hold("p3", "none", "4").error().code == "hold_unknown");
  CHECK_FALSE(must(it.post_hold("p3", "h3", "4")).repeated);
  must(it.journal().save());
  CHECK(must(verify_file(*file.connect(storage::Mode::read_only))).ok);
}

TEST_CASE("a standing that was tampered with is found") {
  struct Attack {
    const char* sql;
    bool stops_a_start;  ///< What else it breaks, verify alone can see.
  };
  const auto attack = GENERATE(
      Attack{"UPDATE account_states SET balance = balance + 1 WHERE number = 3", true},
      Attack{
          "UPDATE account_states SET balance = balance + (CASE number WHEN 3 THEN 5 ELSE -5 END) "
          "WHERE number IN (3, 4)",
          false},
      Attack{"UPDATE account_states SET held = 0 WHERE number = 3", true},
      Attack{"UPDATE account_states SET floor = 100000000 WHERE number = 3", false},
      Attack{"UPDATE account_states SET is_closed = 0 WHERE is_closed = 1", false},
      Attack{"UPDATE account_states SET number = 77 WHERE number = 3", true},
      Attack{"DELETE FROM account_states WHERE number = 5", false},
      Attack{"DELETE FROM open_holds", true},
      Attack{"UPDATE open_holds SET amount = amount + 1", true},
      Attack{"UPDATE open_holds SET expires_at = expires_at + 1", false},
      Attack{"UPDATE standing SET hash = zeroblob(32)", true},
      Attack{"UPDATE standing SET peaks = zeroblob(length(peaks))", false},
      Attack{"UPDATE standing SET peaks = zeroblob(0)", true},
      Attack{"UPDATE standing SET seq = seq + 100", true},
      Attack{"DELETE FROM id_hashes WHERE first = 1", true},
      Attack{"UPDATE id_hashes SET hashes = zeroblob(length(hashes)) WHERE first = 1", false},
      Attack{"INSERT INTO tree_blocks VALUES (0, zeroblob(32))", false},
      // What is read as if it were right, and what is in the way of the next save.
      Attack{"UPDATE account_states SET open_holds = 8589934592 WHERE open_holds = 0", true},
      Attack{"UPDATE account_states SET is_closed = 2 WHERE is_closed = 1", true},
      Attack{"UPDATE standing SET one = 2", true},
      Attack{"INSERT INTO standing SELECT 2, seq, hash, peaks, id_key FROM standing", true},
      Attack{"UPDATE standing SET seq = 0", true},
      Attack{"UPDATE standing SET seq = seq + 1099511627776", true},
      Attack{"UPDATE standing SET peaks = CAST(peaks || x'00' AS BLOB)", true},
      Attack{"UPDATE id_hashes SET hashes = CAST(hashes || x'00' AS BLOB) WHERE first = 1", true},
      Attack{"INSERT INTO id_hashes VALUES (1000, x'')", true},
      Attack{"INSERT INTO tree_blocks VALUES (7, x'')", false},
      Attack{"INSERT INTO tree_blocks VALUES (-20000, zeroblob(32))", false});
  INFO(attack.sql);
  LedgerFile file;
  write_book(file);
  file.tamper(attack.sql);
  const auto report = must(verify_file(*file.connect(storage::Mode::read_only)));
  CHECK_FALSE(report.ok);
  const auto recovered = recover(*file.connect(storage::Mode::read_only));
  CHECK(recovered.has_value() != attack.stops_a_start);
  if (!recovered) CHECK(recovered.error().code == "book_damaged");
}

TEST_CASE("the standing is saved by itself every so many postings, blocks of the tree with it") {
  LedgerFile file;
  {
    RunningJournal it(file, money("1000000.00"), 100);
    it.add_bot("a");
    for (int i = 0; i < 700; ++i)
      must(it.transfer("t" + std::to_string(i), "treasury", "bot/a", "0.01"));
  }
  const auto reader = file.connect(storage::Mode::read_only);
  const Recovered recovered = must(recover(*reader));
  CHECK(recovered.book.head().seq == 702);
  CHECK(recovered.unsaved.postings() <= 200);
  CHECK(must(reader->query_integer("SELECT sum(length(hashes)) FROM tree_blocks")) == 2 * 32);
  CHECK(must(verify_file(*reader)).ok);
}

TEST_CASE("holds expire before the next job, whatever it does") {
  LedgerFile file;
  std::atomic<std::int64_t> now{1'700'000'000'000'000'000};
  RunningJournal it(file, money("100"), 65'536, [&] { return Instant{now}; });
  it.add_bot("a", "10");
  must(it.hold("h", "bot/a", "treasury", "10", 1min));
  CHECK(it.transfer("t", "bot/a", "treasury", "1").error().code == "funds_short");
  now += 60'000'000'000;
  CHECK(must(it.transfer("t", "bot/a", "treasury", "1")).posting.seq == 5);
  const auto page = must(read_entries(*file.connect(storage::Mode::read_only), "bot/a", 0, 10));
  CHECK(page.entries.at(2).type == EntryType::HOLD_VOID);
  CHECK(page.entries.at(2).reference.value == "EXPIRED");
}

TEST_CASE("linked postings are booked all or none") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a", "10");
  const auto move = [](std::string_view id, std::string_view amount) {
    return *draft_transfer(id_of(id), "bot/a", "user/eve", money(amount), "");
  };
  std::size_t refused = 99;
  const auto book = [&](std::vector<Draft> drafts) {
    return it.journal().run([&](Transaction& transaction) -> Result<void> {
      GUILD_CHECK(transaction.book(*draft_transfer(id_of("alone" + drafts.front().id.text()),
                                                   "treasury", "bot/a", money("0.01"), "")));
      const auto all = transaction.book_linked(drafts, &refused);
      return all || refused < drafts.size() ? Result<void>() : fail(all.error());
    });
  };
  must(book({move("l1", "4"), move("l2", "5"), move("l3", "6")}));
  CHECK(refused == 2);
  CHECK(it.balances().at("bot/a") == money("10.01"));
  CHECK_FALSE(it.balances().contains("user/eve"));
  must(book({move("m1", "4"), move("m2", "5")}));
  CHECK(it.balances().at("bot/a") == money("1.02"));
  CHECK(it.balances().at("user/eve") == money("9"));
  CHECK(must(verify_file(*file.connect(storage::Mode::read_only))).ok);
}
