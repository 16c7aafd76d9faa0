#include "ledgerd/verify.hpp"

#include <fstream>

#include "tests/unit/ledgerd/ledger_file.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

messages::VerifyReport verify(const LedgerFile& file, std::optional<TreeHead> known = {}) {
  return must(verify_file(*file.connect(storage::Mode::read_only), known));
}

TreeHead head_of(const LedgerFile& file) {
  return must(recover(*file.connect())).book.tree().head();
}

/// A file that was tampered with: verify names `seq`, and so does a refusal to start (but for what
/// recovery rebuilds or does not need).
struct Tampered {
  explicit Tampered(const std::string& sql) {
    write_small_book(file);
    known = head_of(file);
    file.tamper(sql);
  }

  LedgerFile file;
  TreeHead known;
};

void check_refused(const LedgerFile& file, std::int64_t seq) {
  const auto recovered = recover(*file.connect());
  REQUIRE_FALSE(recovered);
  CHECK(recovered.error().code == "book_damaged");
  if (seq > 0)
    CHECK(recovered.error().message.find("posting " + std::to_string(seq) + ":") !=
          std::string::npos);
  CHECK_FALSE(recovered.error().next_step.empty());
}

}  // namespace

TEST_CASE("a sound book verifies, and its root is the one in memory") {
  LedgerFile file;
  write_small_book(file);
  const TreeHead known = head_of(file);
  const auto report = verify(file, known);
  CHECK(report.ok);
  CHECK(report.entries == 6);
  CHECK(report.root == to_hex(known.root));
  CHECK(report.first_bad_seq == 0);
  CHECK(report.problem.empty());
}

TEST_CASE("a verification gives up when it is asked to") {
  LedgerFile file;
  write_small_book(file);
  std::stop_source stop;
  stop.request_stop();
  const auto outcome = verify_file(*file.connect(), {}, stop.get_token());
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == "stopped");
}

TEST_CASE("an empty file is a sound book of nothing") {
  LedgerFile file;
  file.connect();
  const auto report = verify(file);
  CHECK(report.ok);
  CHECK(report.entries == 0);
}

TEST_CASE("a change of any column of a posting is found at that posting, and refuses the start") {
  const std::string change = GENERATE(
      as<std::string>(), "UPDATE postings SET id = x'00112233445566778899aabbccddeeff' WHERE seq=4",
      "UPDATE postings SET id = (SELECT id FROM postings WHERE seq = 5) WHERE seq=4",
      "UPDATE postings SET id = x'00' WHERE seq=4",
      "UPDATE postings SET time = time + 1 WHERE seq=4",
      "UPDATE postings SET time = time - 1 WHERE seq=4",
      "UPDATE postings SET hash = zeroblob(32) WHERE seq=4",
      "UPDATE postings SET hash = zeroblob(31) WHERE seq=4",
      "UPDATE postings SET hash = (SELECT hash FROM postings WHERE seq = 5) WHERE seq=4",
      "UPDATE postings SET legs = x'' WHERE seq=4", "UPDATE postings SET legs = x'00' WHERE seq=4",
      "UPDATE postings SET legs = substr(legs, 1, length(legs) - 1) WHERE seq=4",
      "UPDATE postings SET legs = CAST(legs || x'00' AS BLOB) WHERE seq=4",
      "UPDATE postings SET legs = (SELECT legs FROM postings WHERE seq = 5) WHERE seq=4");
  INFO(change);
  const Tampered it(change);
  const auto report = verify(it.file);
  CHECK_FALSE(report.ok);
  CHECK(report.first_bad_seq == 4);
  CHECK_FALSE(report.problem.empty());
  CHECK(report.entries == 3);
  check_refused(it.file, 4);
}

TEST_CASE("every single bit of a posting's legs and hash counts") {
  const std::string column = GENERATE(as<std::string>(), "legs", "hash", "id");
  LedgerFile file;
  write_small_book(file);
  const auto connection = file.connect();
  Bytes bytes;
  {
    auto statement = must(connection->prepare("SELECT " + column + " FROM postings WHERE seq = 4"));
    REQUIRE(must(statement.step()));
    const BytesView blob = statement.blob(0);
    bytes.assign(blob.begin(), blob.end());
  }
  // One transaction, taken back at its end: the file is not synced for every bit.
  const auto undone = connection->transaction([&](storage::Connection& at) -> Result<void> {
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      INFO(column << " bit " << bit);
      Bytes flipped = bytes;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
      must(at.execute("UPDATE postings SET " + column + " = ? WHERE seq = 4", BytesView(flipped)));
      const auto report = must(verify_file(at));
      REQUIRE_FALSE(report.ok);
      REQUIRE(report.first_bad_seq == 4);
    }
    return fail(ErrorKind::failed, "enough", "seen enough");
  });
  CHECK(undone.error().code == "enough");
  CHECK(must(verify_file(*connection)).ok);
}

TEST_CASE("postings that are missing, moved or added are found at the first that does not fit") {
  struct Attack {
    const char* sql;
    std::int64_t seq;
  };
  const auto attack = GENERATE(
      Attack{"DELETE FROM postings WHERE seq = 1", 1},
      Attack{"DELETE FROM postings WHERE seq = 4", 4},
      Attack{"UPDATE postings SET seq = 40 WHERE seq = 4", 4},
      Attack{"UPDATE postings SET seq = -1 WHERE seq = 4", 1},
      Attack{"UPDATE postings SET seq = 0 WHERE seq = 1", 1},
      Attack{"UPDATE postings SET seq = 100 WHERE seq = 4; UPDATE postings SET seq = 4 WHERE seq = "
             "5; UPDATE postings SET seq = 5 WHERE seq = 100",
             4},
      Attack{"INSERT INTO postings SELECT 7, id, time, legs, hash FROM postings WHERE seq = 6", 7},
      Attack{"INSERT INTO postings SELECT 9, id, time, legs, hash FROM postings WHERE seq = 6", 7});
  INFO(attack.sql);
  const Tampered it(attack.sql);
  CHECK(verify(it.file).first_bad_seq == attack.seq);
  check_refused(it.file, attack.seq);
}

TEST_CASE("accounts that were renamed, exchanged or removed are found") {
  CHECK(verify(Tampered("UPDATE accounts SET name = 'bot/zed' WHERE name = 'bot/b'").file)
            .first_bad_seq == 3);
  CHECK(verify(Tampered("UPDATE accounts SET name = 'x' WHERE name = 'bot/a'; UPDATE accounts SET "
                        "name = 'bot/a' WHERE name = 'bot/b'; UPDATE accounts SET name = 'bot/b' "
                        "WHERE name = 'x'")
                   .file)
            .first_bad_seq == 2);
  CHECK_FALSE(verify(Tampered("DELETE FROM accounts WHERE name = 'bot/a'").file).ok);
  CHECK_FALSE(verify(Tampered("UPDATE accounts SET name = 'nonsense' WHERE number = 3").file).ok);
  CHECK(verify(Tampered("DELETE FROM accounts WHERE name = 'user/eve'").file).first_bad_seq == 5);
}

TEST_CASE("the last postings cannot go unseen while the daemon remembers") {
  const Tampered it("DELETE FROM postings WHERE seq = 6");
  const auto report = verify(it.file, it.known);
  CHECK_FALSE(report.ok);
  CHECK(report.first_bad_seq == 6);
}

TEST_CASE("a last posting that opened an account cannot go unseen at all") {
  const Tampered it("DELETE FROM postings WHERE seq >= 5");
  CHECK(verify(it.file).first_bad_seq == 5);
}

TEST_CASE("a mark that tells of postings which are gone is believed") {
  const Tampered it("INSERT INTO marks VALUES ('outbox', 6); DELETE FROM postings WHERE seq = 6");
  CHECK(verify(it.file).first_bad_seq == 6);
  check_refused(it.file, 6);
}

TEST_CASE("a book rewritten as a whole is found against the root in memory") {
  LedgerFile file;
  write_small_book(file);
  TreeHead other = head_of(file);
  other.root[0] ^= 1;
  const auto report = verify(file, other);
  CHECK_FALSE(report.ok);
  CHECK(report.first_bad_seq == 6);
  CHECK(report.problem.find("memory") != std::string::npos);
}

TEST_CASE("a genesis that is gone is not begun anew") {
  const Tampered it("DELETE FROM postings");
  CHECK(verify(it.file).first_bad_seq == 1);
  check_refused(it.file, 1);
}

TEST_CASE("bots must have their account and begin with their GRANT") {
  CHECK_FALSE(verify(Tampered("DELETE FROM bots WHERE handle = 'a'").file).ok);
  CHECK_FALSE(verify(Tampered("UPDATE bots SET account = 2 WHERE handle = 'a'").file).ok);
  CHECK_FALSE(verify(Tampered("UPDATE bots SET account = 99 WHERE handle = 'a'").file).ok);
  CHECK(verify(Tampered("UPDATE bots SET grant_seq = 3 WHERE handle = 'a'").file).first_bad_seq ==
        2);
  CHECK_FALSE(verify(Tampered("UPDATE bots SET handle = 'c' WHERE handle = 'a'").file).ok);
  CHECK_FALSE(verify(Tampered("UPDATE bots SET status = 'dead' WHERE handle = 'a'").file).ok);
  CHECK(verify(Tampered("UPDATE bots SET created_at = created_at + 1 WHERE handle = 'a'").file)
            .first_bad_seq == 2);
}

TEST_CASE("lists of postings that do not say what the postings say are found") {
  struct Lists {
    const char* sql;
    bool is_right;
  };
  // Account 3 is bot/a: postings 2, 4, 5. Account 1 is world: 1, 2, 3. Account 2 is treasury: 1, 6.
  const std::string rest =
      "INSERT INTO marks VALUES ('history', 6); INSERT INTO account_postings VALUES (1, 1, "
      "x'010101'), (2, 1, x'0105'), (4, 1, x'030102'), (5, 1, x'05');";
  const auto lists =
      GENERATE(Lists{"INSERT INTO account_postings VALUES (3, 1, x'020201')", true},
               Lists{"INSERT INTO account_postings VALUES (3, 1, x'0202'), (3, 3, x'05')", true},
               Lists{"INSERT INTO account_postings VALUES (3, 1, x'020201'), (3, 4, x'')", false},
               Lists{"INSERT INTO account_postings VALUES (3, 1, x'0202')", false},
               Lists{"INSERT INTO account_postings VALUES (3, 1, x'020301')", false},
               Lists{"INSERT INTO account_postings VALUES (3, 2, x'020201')", false},
               Lists{"INSERT INTO account_postings VALUES (3, 1, x'0202'), (3, 4, x'05')", false},
               Lists{"INSERT INTO account_postings VALUES (3, 1, x'0200')", false},
               Lists{"INSERT INTO account_postings VALUES (3, 1, x'020201'), (9, 1, x'01')", false},
               Lists{"DELETE FROM account_postings", false});
  INFO(lists.sql);
  const Tampered it(rest + lists.sql);
  CHECK(verify(it.file).ok == lists.is_right);
}

TEST_CASE("a checkpoint that the file keeps is as it was signed, or found") {
  const Secret32 seed = Secret32::random();
  struct Change {
    const char* sql;
    bool is_seen_without_key;
  };
  const auto change = GENERATE(
      Change{"UPDATE checkpoints SET note = replace(note, 'guildhall/', 'guildhall/f')", true},
      Change{"UPDATE checkpoints SET note = note || 'x'", true},
      Change{"UPDATE checkpoints SET note = note || char(10)", true},
      Change{"UPDATE checkpoints SET note = substr(note, 1, length(note) - 1)", true},
      Change{"UPDATE checkpoints SET note = replace(note, char(10) || '6' || char(10), char(10) || "
             "'5' || char(10))",
             true},
      Change{"UPDATE checkpoints SET note = substr(note, 1, length(note) - 9) || 'AAAAAAA=' || "
             "char(10)",
             false});
  LedgerFile file;
  write_small_book(file);
  {
    RunningJournal it(file);
    must(it.journal().run([&](Transaction& transaction) -> Result<void> {
      GUILD_TRY(const auto first, store::find_posting(transaction.file(), 1));
      const CheckpointSigner signer(origin_of(first->hash), seed);
      const TreeHead head = transaction.state().tree().head();
      return store::save_checkpoint(
          transaction.file(),
          {.size = head.size, .time = transaction.now(), .note = signer.sign(head)});
    }));
  }
  const SigningKey key = CheckpointSigner("any", seed).key();
  const auto with_key = [&] {
    return must(verify_file(*file.connect(storage::Mode::read_only), {}, {}, key));
  };
  REQUIRE(with_key().ok);
  REQUIRE_FALSE(
      must(verify_file(*file.connect(storage::Mode::read_only), {}, {}, SigningKey{})).ok);
  file.tamper(change.sql);
  INFO(change.sql);
  CHECK(with_key().first_bad_seq == 6);
  CHECK(verify(file).ok != change.is_seen_without_key);
}

TEST_CASE("a page that was flipped on disk is named, not skipped") {
  LedgerFile file;
  {
    RunningJournal it(file);
    it.add_bot("a", "900000.00");
    must(it.journal().run([](Transaction& transaction) -> Result<void> {
      for (int i = 0; i < 2'000; ++i)
        GUILD_CHECK(transaction.book(*draft_transfer(id_of(std::to_string(i)), "bot/a", "treasury",
                                                     money("1"), "some reference text")));
      return {};
    }));
  }
  must(file.connect()->execute_script("PRAGMA wal_checkpoint(TRUNCATE)"));
  // Most of the file is leaves of the postings, and this is in one of them.
  const auto place = static_cast<std::streamoff>(std::filesystem::file_size(file.path()) / 3 * 2);
  {
    std::fstream raw(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    raw.seekg(place);
    const int byte = raw.get();
    raw.seekp(place);
    raw.put(static_cast<char>(byte ^ 1));
  }
  const auto report = verify(file);
  CHECK_FALSE(report.ok);
  CHECK(report.first_bad_seq > 1);
  CHECK(report.first_bad_seq == report.entries + 1);
  CHECK_FALSE(recover(*file.connect()));
}
