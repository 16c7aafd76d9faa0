#include "ledgerd/journal.hpp"

#include <sqlite3.h>

#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"
#include "tests/unit/storage/faulty_disk.hpp"

using namespace guild;
using namespace guild::ledgerd;
using storage::test::FaultyDisk;

namespace {

/// What a job sees of the book.
struct Seen {
  ChainHead head;
  TreeHead tree;
  std::size_t ids = 0;
  std::vector<AccountState> states;
  bool operator==(const Seen&) const = default;
};

Seen look(Journal& journal) {
  Seen seen;
  must(journal.run([&](Transaction& transaction) -> Result<void> {
    const Book& book = transaction.state();
    seen = {
        .head = book.head(), .tree = book.tree().head(), .ids = book.ids().size(), .states = {}};
    for (AccountNumber n = 1; n <= book.accounts().size(); ++n)
      seen.states.push_back(book.accounts().at(n).state);
    return {};
  }));
  return seen;
}

int refuse_commit(void* is_refused) { return *static_cast<bool*>(is_refused) ? 1 : 0; }

std::int64_t rows(const LedgerFile& file, std::string_view sql) {
  return must(file.connect(storage::Mode::read_only)->query_integer(sql)).value();
}

}  // namespace

TEST_CASE("the genesis is written once, with the constants that it was made with") {
  LedgerFile file;
  {
    RunningJournal it(file, money("500.00"));
  }
  {
    RunningJournal again(file, money("900.00"));
    CHECK(look(again.journal()).head.seq == 1);
  }
  CHECK(rows(file, "SELECT count(*) FROM postings") == 1);
  CHECK(rows(file, "SELECT treasury_grant FROM economy ORDER BY number LIMIT 1") ==
        money("500.00").units());
  CHECK(rows(file, "SELECT count(*) FROM economy") == 2);
  CHECK(rows(file, "SELECT count(*) FROM audit WHERE action = 'economy-change'") == 1);
}

TEST_CASE("a negative grant in the settings is refused and writes nothing") {
  LedgerFile file;
  auto connection = file.connect();
  Journal journal(std::move(connection), Book(), std::make_unique<Tails>(), Unsaved(0, {}), {});
  const auto outcome = keep_economy(journal, {}, {money("-1"), money("1")});
  CHECK(outcome.error().code == "grant_negative");
  CHECK(outcome.error().message == "[economy] genesis_grant is -1.00");
  journal.drain();
  CHECK(rows(file, "SELECT count(*) FROM postings") == 0);
}

TEST_CASE("an acknowledged transfer is in the file, and in memory only after the commit") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  const Booked booked = must(it.transfer("t", "bot/a", "user/eve", "2.50", "why"));
  CHECK(booked.posting.seq == 3);
  CHECK_FALSE(booked.repeated);
  CHECK(booked.receipt().hash == to_hex(booked.posting.hash));
  CHECK(it.balances().at("user/eve") == money("2.50"));
  CHECK(it.balances().at("bot/a") == money("997.50"));
  CHECK(it.head().size == 3);
  CHECK(rows(file, "SELECT count(*) FROM postings") == 3);
}

TEST_CASE("what a job attempts and is refused leaves nothing, in the file and in memory") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  bool told = false;
  must(it.journal().run([&](Transaction& transaction) -> Result<void> {
    const auto pay = [&](std::string_view id, std::string_view to,
                         std::string_view amount) -> Result<void> {
      GUILD_CHECK(
          transaction.book(draft_transfer(id_of(id), "bot/a", to, money(amount), "").value()));
      return {};
    };
    GUILD_CHECK(pay("first", "user/eve", "1"));
    const auto two = [&]() -> Result<void> {
      GUILD_CHECK(pay("second", "user/new", "2"));
      transaction.after_commit([&] { told = true; });
      return pay("third", "user/new", "5000");
    };
    GUILD_TRY(const auto refused, transaction.attempt(two));
    REQUIRE(refused);
    CHECK(refused->code == "funds_short");
    CHECK(transaction.state().accounts().find("user/new") == 0);
    GUILD_TRY(const auto done, transaction.attempt([&] { return pay("second", "treasury", "3"); }));
    CHECK_FALSE(done);
    return {};
  }));
  it.journal().drain();
  CHECK_FALSE(told);
  CHECK(it.balances().at("bot/a") == money("996"));
  CHECK(rows(file, "SELECT count(*) FROM postings") == 4);
  const auto report = must(verify_file(*file.connect(storage::Mode::read_only)));
  INFO(report.problem);
  CHECK(report.ok);
}

TEST_CASE("the same id again gets the first receipt, also after a restart") {
  LedgerFile file;
  Booked first;
  {
    RunningJournal it(file);
    it.add_bot("a");
    first = must(it.transfer("t", "bot/a", "treasury", "1", "why"));
    const Booked again = must(it.transfer("t", "bot/a", "treasury", "1", "why"));
    CHECK(again.repeated);
    CHECK(again.posting == first.posting);
  }
  RunningJournal it(file);
  const Booked again = must(it.transfer("t", "bot/a", "treasury", "1", "why"));
  CHECK(again.repeated);
  CHECK(again.posting == first.posting);
  CHECK(it.transfer("t", "bot/a", "treasury", "2", "why").error().code == "id_reused");
  CHECK(look(it.journal()).head.seq == 3);
}

TEST_CASE("a restart gives the same root and balances") {
  LedgerFile file;
  write_small_book(file);
  Seen first;
  {
    RunningJournal it(file);
    first = look(it.journal());
  }
  RunningJournal it(file);
  CHECK(look(it.journal()) == first);
  CHECK(first.head.seq == 6);
}

TEST_CASE("a refused job is undone alone; those around it in the group stand") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a", "10");
  std::promise<void> entered, open;
  must(it.journal().submit(
      [&](Transaction&) -> Result<void> {
        entered.set_value();
        open.get_future().wait();
        return {};
      },
      [](const Result<void>&) {}));
  entered.get_future().wait();
  std::vector<std::string> codes;
  for (const char* amount : {"4", "40", "5"})
    must(it.journal().submit(
        [amount](Transaction& transaction) -> Result<void> {
          const auto draft = draft_transfer(id_of(amount), "bot/a", "user/eve", money(amount), "");
          GUILD_CHECK(transaction.book(*draft));
          return {};
        },
        [&codes](const Result<void>& outcome) {
          codes.push_back(outcome ? "ok" : outcome.error().code);
        }));
  open.set_value();
  it.journal().drain();
  CHECK(codes == std::vector<std::string>{"ok", "funds_short", "ok"});
  CHECK(it.balances().at("bot/a") == money("1"));
  CHECK(it.balances().at("user/eve") == money("9"));
}

TEST_CASE("a job that fails after it booked leaves neither posting, account, id nor effect") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  const Seen before = look(it.journal());
  bool is_told = false;
  const auto outcome = it.journal().run([&](Transaction& transaction) -> Result<void> {
    transaction.after_commit([&] { is_told = true; });
    GUILD_CHECK(transaction.book(*draft_transfer(id_of("t"), "bot/a", "user/x", money("1"), "")));
    return fail(ErrorKind::conflict, "later_step", "a later step was refused");
  });
  CHECK(outcome.error().code == "later_step");
  CHECK(look(it.journal()) == before);
  CHECK_FALSE(is_told);
  CHECK(rows(file, "SELECT count(*) FROM accounts WHERE name = 'user/x'") == 0);
  CHECK_FALSE(must(it.transfer("t", "bot/a", "user/x", "1")).repeated);
}

TEST_CASE("a commit that the file refuses leaves memory as it was, and the book goes on") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  const Seen before = look(it.journal());
  const auto told = it.balances();
  static bool is_refused = false;
  must(it.journal().run([&](Transaction& transaction) -> Result<void> {
    sqlite3_commit_hook(transaction.file().handle(), refuse_commit, &is_refused);
    return {};
  }));

  is_refused = true;
  CHECK_FALSE(it.transfer("t", "bot/a", "user/eve", "1"));
  is_refused = false;
  CHECK(look(it.journal()) == before);
  CHECK(it.balances() == told);

  CHECK_FALSE(must(it.transfer("t", "bot/a", "user/eve", "1")).repeated);
  CHECK(must(verify_file(*file.connect(storage::Mode::read_only), it.head())).ok);
}

TEST_CASE("a full disk refuses the transfer and changes nothing") {
  FaultyDisk& disk = FaultyDisk::install();
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  const Seen before = look(it.journal());
  disk.wal_writes_full = 1'000;
  CHECK(it.transfer("t", "bot/a", "user/eve", "1").error().code == "disk_full");
  disk.heal();
  CHECK(look(it.journal()) == before);
  CHECK_FALSE(must(it.transfer("t", "bot/a", "user/eve", "1")).repeated);
}

TEST_CASE("a disk that fails at the commit itself ends the book, and a restart knows the truth") {
  FaultyDisk& disk = FaultyDisk::install();
  LedgerFile file;
  {
    RunningJournal it(file);
    it.add_bot("a");
    auto lost = it.lost();
    disk.wal_syncs = 1'000;
    CHECK(it.transfer("t", "bot/a", "treasury", "1").error().code == "outcome_unknown");
    disk.heal();
    CHECK(lost.get().code == "outcome_unknown");
    CHECK(it.transfer("u", "bot/a", "treasury", "1").error().code == "outcome_unknown");
  }
  RunningJournal it(file);
  must(it.transfer("t", "bot/a", "treasury", "1"));  // Booked now, or answered again: once.
  CHECK(look(it.journal()).states[0].balance == money("-1001000.00"));
  CHECK(look(it.journal()).states[2].balance == money("999.00"));
}

TEST_CASE("lists of postings are flushed in the background, and a restart reads only the rest") {
  LedgerFile file;
  constexpr std::int64_t every = 10'000;
  {
    RunningJournal it(file, money("1000.00"), every);
    it.add_bot("a", "900000.00");
    must(it.journal().run([](Transaction& transaction) -> Result<void> {
      for (std::int64_t i = 0; i < every; ++i) {
        const auto id = id_of(std::to_string(i));
        GUILD_CHECK(transaction.book(*draft_transfer(id, "bot/a", "treasury", money("1"), "")));
      }
      return {};
    }));
    it.journal().drain();
    must(it.transfer("last", "bot/a", "treasury", "1"));
    CHECK(it.journal().tails().copy(3, 1, 100).seqs == std::vector<std::int64_t>{every + 3});
  }
  CHECK(rows(file, "SELECT seq FROM marks WHERE name = 'history'") == every + 2);
  CHECK(rows(file, "SELECT count(*) FROM account_postings WHERE account = 3") == 3);
  auto connection = file.connect();
  const Recovered recovered = must(recover(*connection));
  CHECK(recovered.tails->copy(3, 1, 100).seqs.size() == 1);
  CHECK(must(verify_file(*connection, recovered.book.tree().head())).ok);
}
