// Attacks on the database file, at scale, by seed: who has its key changes rows by SQL, who has it
// not changes bytes. Every attack that changes what the ledger says must be found: by verify from
// the file alone; by verify against the root in the daemon's memory; or, when all was made anew and
// is sound in itself, by whoever remembers a checkpoint. A failure prints its seed;
// GUILDTEST_SEED=N runs that attack alone.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "ledgerd/chain.hpp"
#include "ledgerd/packed.hpp"
#include "ledgerd/proof.hpp"
#include "ledgerd/tree_reader.hpp"
#include "ledgerd/verify.hpp"
#include "tests/property/ledger/attacked_book.hpp"
#include "tests/support/scale.hpp"
#include "verifier/witness.hpp"

using namespace guild;
using namespace guild::ledgerd;
using guild::test::Disk;

namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t end) { return random() % end; }
template <class Range>
auto& any_of(Random& random, Range& range) {
  return range[below(random, std::size(range))];
}

// ---- What has a meaning ------------------------------------------------------------------------

/// The tables that the chain answers for. The others (audit, economy, credentials, grants, permits,
/// ticks, markets, wagers, prices, feed, meter) are encrypted, but nothing holds them against the
/// postings: docs/ledger.md, "What is not proven".
constexpr std::array<const char*, 11> ledger_tables = {
    "postings",   "accounts",  "account_postings", "marks",       "bots",       "standing",
    "open_holds", "id_hashes", "account_states",   "tree_blocks", "checkpoints"};

/// Columns of those tables that say nothing of the ledger.
struct Meaningless {
  const char *table, *column, *reason;
};
constexpr std::array meaningless = {
    Meaningless{"marks", "seq",
                "of 'outbox': up to where events were published. Lower, they are published again; "
                "consumers tell them by their seq. Above the last posting it is refused"},
    Meaningless{"checkpoints", "time",
                "tells only which of them the next one of its hour replaces"},
};

bool has_meaning(const std::string& table, const std::string& column) {
  return std::ranges::none_of(meaningless, [&](const Meaningless& one) {
    return one.table == table && one.column == column;
  });
}

std::string text_of(const Table& table, const Row& row) {
  std::string text = table.name;
  for (std::size_t i = 0; i < row.size(); ++i)
    if (has_meaning(table.name, table.columns[i]))
      text += "|" + std::to_string(row[i].integer) + to_hex(as_bytes(row[i].bytes));
  return text;
}

/// What the file says of the ledger. Which of its checkpoints a file keeps says nothing, as long as
/// they are ours: `signed_notes`. Of the marks only that of the lists says something: up to where
/// the outbox has published is lower at worst, and then events go out again, which consumers tell
/// by their seq (above the last posting it is refused); others are nobody's.
std::set<std::string> meaning_of(storage::Connection& file,
                                 const std::set<std::string>& signed_notes) {
  std::set<std::string> meaning;
  for (const char* const name : ledger_tables) {
    const Table table = read_table(file, name);
    for (const Row& row : table.rows) {
      if (table.name == "checkpoints" && signed_notes.contains(row[2].bytes)) continue;
      if (table.name == "marks" && row[0].bytes != "history") continue;
      meaning.insert(text_of(table, row));
    }
  }
  return meaning;
}

// ---- The tally ---------------------------------------------------------------------------------

enum class Found { by_file, by_memory, by_start, by_integrity, says_the_same, not_at_all };
constexpr std::size_t founds = 6;

class Tally {
 public:
  void add(const std::string& kind, Found found) {
    ++counts_[kind][static_cast<std::size_t>(found)];
  }
  void add_witnessed() { ++witnessed_; }
  std::uint64_t total() const {
    std::uint64_t total = 0;
    for (const auto& [kind, counts] : counts_)
      for (const std::uint64_t count : counts) total += count;
    return total;
  }
  void print() const {
    std::printf("%-34s %8s %8s %8s %8s %9s %8s %8s\n", "attack", "tried", "by file", "by root",
                "by start", "by pages", "no news", "MISSED");
    for (const auto& [kind, counts] : counts_) {
      std::uint64_t sum = 0;
      for (const std::uint64_t count : counts) sum += count;
      std::printf("%-34s %8lu %8lu %8lu %8lu %9lu %8lu %8lu\n", kind.c_str(), sum, counts[0],
                  counts[1], counts[2], counts[3], counts[4], counts[5]);
    }
    std::printf("%lu attacks; %lu that are sound in themselves were refused by the witness\n",
                total(), witnessed_);
  }

 private:
  std::map<std::string, std::array<std::uint64_t, founds>> counts_;
  std::uint64_t witnessed_ = 0;
};

std::uint64_t first_seed() {
  const char* const chosen = std::getenv("GUILDTEST_SEED");
  return chosen == nullptr ? 0 : std::stoull(chosen);
}
std::uint64_t seeds(std::uint64_t usual, std::uint64_t full) {
  return std::getenv("GUILDTEST_SEED") != nullptr ? 1 : guild::test::scaled(usual, full);
}

bool is_good(const Result<messages::VerifyReport>& report) { return report && report->ok; }

// ---- With the key ------------------------------------------------------------------------------

using Tables = std::map<std::string, Table>;

Tables tables_of(storage::Connection& file) {
  Tables tables;
  for (const char* const name : ledger_tables) tables.emplace(name, read_table(file, name));
  return tables;
}

class Attacker {
 public:
  explicit Attacker(const AttackedBook& book) : book_(book) {
    for (const auto& age : book.ages()) {
      disk_ = std::make_unique<Disk>(age);
      disk_->plug_in();
      file_ = must(book.file().try_connect());
      ages_.push_back(tables_of(*file_));
      for (const Row& row : ages_.back().at("checkpoints").rows) signed_notes_.insert(row[2].bytes);
    }
    run_sql(*file_, "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON");
    must(store::each_posting_after(*file_, 0, [this](Posting posting) {
      postings_.push_back(std::move(posting));
      return true;
    }));
    must(store::each_account(
        *file_, [this](std::int64_t, std::string_view name) { accounts_.emplace_back(name); }));
    meaning_ = meaning_of(*file_, signed_notes_);
    REQUIRE(is_good(verify(*file_, book.head())));
    REQUIRE(postings_.size() > 256);
    for (const auto& [name, table] : now()) {
      INFO(name);
      REQUIRE_FALSE(table.rows.empty());
    }
  }

  void attack(std::uint64_t seed, Tally& tally) {
    Random random(seed);
    const Kind& kind = any_of(random, kinds);
    std::optional<Found> found;
    const auto undone = file_->transaction([&](storage::Connection&) -> Result<void> {
      what_.clear();
      is_sound_in_itself_ = false;
      if ((this->*kind.attack)(random)) found = judge(tally);
      return fail(ErrorKind::failed, "undone", "seen enough");
    });
    REQUIRE(undone.error().code == "undone");
    if (!found) return;  // There was nothing to attack so.
    tally.add(kind.name, *found);
    if (*found == Found::not_at_all)
      UNSCOPED_INFO("GUILDTEST_SEED=" << seed << ": " << kind.name << ": " << what_);
    CHECK(*found != Found::not_at_all);
  }

 private:
  struct Kind {
    const char* name;
    bool (Attacker::*attack)(Random&);
  };
  static const std::array<Kind, 16> kinds;

  const Tables& now() const { return ages_.back(); }
  Result<messages::VerifyReport> verify(storage::Connection& file,
                                        std::optional<TreeHead> known = {}) const {
    return verify_file(file, known, {}, book_.signer().key());
  }
  Found judge(Tally& tally) {
    const auto cold = verify(*file_);
    const auto start = recover(*file_);
    if (is_sound_in_itself_) {
      INFO(what_ << ": " << (cold ? cold->problem : cold.error().text())
                 << (start ? "" : start.error().text()));
      REQUIRE(is_good(cold));  // Or it was no attack that only a witness can find.
      REQUIRE(start);
      demand_witness_refuses();
      tally.add_witnessed();
    }
    if (!is_good(cold)) return Found::by_file;
    if (!is_good(verify(*file_, book_.head()))) return Found::by_memory;
    if (!start) return Found::by_start;
    if (meaning_of(*file_, signed_notes_) == meaning_) return Found::says_the_same;
    return Found::not_at_all;
  }

  /// Whoever makes the book anew has the signing key, too.
  void demand_witness_refuses() {
    const auto key = verifier::parse_public_key(book_.signer().public_key()).value();
    const auto last = verifier::parse_checkpoint(book_.signer().sign(book_.head())).value();
    const TreeHead head = must(recover(*file_)).book.tree().head();
    TreeReader tree(*file_, head.size);
    const std::int64_t old = std::min(head.size, book_.head().size);
    std::vector<std::string> hashes;
    for (const Digest& hash : must(consistency_proof(old, head.size, tree.source())))
      hashes.push_back(to_base64(hash));
    const std::string proof = consistency_text(old, hashes, book_.signer().sign(head));
    const auto next = verifier::parse_consistency_proof(proof).value();
    const auto taken = verifier::check_next(last, next, key);
    INFO(what_);
    REQUIRE_FALSE(taken);
    REQUIRE(taken.error().code == (head.size < book_.head().size ? "rollback" : "fork"));
  }

  // Rows.

  const Table& any_table(Random& random) { return now().at(any_of(random, ledger_tables)); }
  bool note(const Table& table, const Row& row, std::string_view what) {
    what_ = text_of(table, row).substr(0, 300) + " " + std::string(what);
    return true;
  }
  bool replace(const Table& table, const Row& old_row, const Row& new_row, std::string_view what) {
    if (old_row == new_row) return false;
    note(table, old_row, what);
    return replace_row(*file_, table, old_row, new_row);
  }

  bool flip_bit(Random& random) {
    const Table& table = any_table(random);
    const Row& row = any_of(random, table.rows);
    const std::size_t column = below(random, row.size());
    Row changed = row;
    Cell& cell = changed[column];
    const std::size_t bits = cell.kind == Cell::Kind::integer ? 64 : cell.bytes.size() * 8;
    if (bits == 0) return false;
    const std::size_t bit = below(random, bits);
    if (cell.kind == Cell::Kind::integer)
      cell.integer = static_cast<std::int64_t>(static_cast<std::uint64_t>(cell.integer) ^
                                               (std::uint64_t{1} << bit));
    else
      cell.bytes[bit / 8] = static_cast<char>(cell.bytes[bit / 8] ^ (1 << (bit % 8)));
    return replace(table, row, changed, table.columns[column] + " bit " + std::to_string(bit));
  }

  bool change_number(Random& random) {
    const Table& table = any_table(random);
    const Row& row = any_of(random, table.rows);
    const std::size_t column = below(random, row.size());
    if (row[column].kind != Cell::Kind::integer) return false;
    constexpr std::array<std::int64_t, 8> values = {0,
                                                    -1,
                                                    1,
                                                    2,
                                                    std::numeric_limits<std::int64_t>::min(),
                                                    std::numeric_limits<std::int64_t>::max(),
                                                    std::int64_t{1} << 32,
                                                    -100'000'000};
    Row changed = row;
    changed[column].integer = below(random, 2) == 0
                                  ? any_of(random, values)
                                  : row[column].integer + any_of(random, values) % 3;
    return replace(table, row, changed,
                   table.columns[column] + " = " + std::to_string(changed[column].integer));
  }

  bool resize_bytes(Random& random) {
    const Table& table = any_table(random);
    const Row& row = any_of(random, table.rows);
    const std::size_t column = below(random, row.size());
    if (row[column].kind == Cell::Kind::integer) return false;
    Row changed = row;
    std::string& bytes = changed[column].bytes;
    if (below(random, 2) == 0)
      bytes.resize(below(random, bytes.size() + 1));
    else
      bytes.append(1 + below(random, 40), static_cast<char>(below(random, 3)));
    return replace(table, row, changed,
                   table.columns[column] + " has " + std::to_string(bytes.size()) + " bytes");
  }

  bool remove(Random& random) {
    const Table& table = any_table(random);
    const Row& row = any_of(random, table.rows);
    return note(table, row, "removed") && delete_row(*file_, table, row);
  }

  bool empty_table(Random& random) {
    const Table& table = any_table(random);
    what_ = table.name + " emptied";
    run_sql(*file_, "DELETE FROM " + table.name);
    return true;
  }

  bool cut_tail(Random& random) {
    const Table& table = any_table(random);
    const std::size_t count = 1 + below(random, std::min<std::size_t>(table.rows.size(), 40));
    what_ = table.name + ": the last " + std::to_string(count) + " removed";
    for (std::size_t i = 0; i < count; ++i)
      if (!delete_row(*file_, table, table.rows[table.rows.size() - 1 - i])) return false;
    return true;
  }

  /// Under another key.
  bool duplicate(Random& random) {
    const Table& table = any_table(random);
    Row copy = any_of(random, table.rows);
    Cell& key = copy.front();
    constexpr std::array<std::int64_t, 6> steps = {1, -1, 2, 1'000, -70'000, 1'000'000'000'000};
    if (key.kind == Cell::Kind::integer)
      key.integer = (below(random, 2) == 0 ? table.rows.back().front().integer : key.integer) +
                    any_of(random, steps);
    else
      key.bytes += static_cast<char>('a' + below(random, 26));
    // What else must be there once.
    if (table.name == "accounts") copy[1].bytes += "x";
    if (table.name == "bots") copy[1].integer += 1'000;
    if (table.name == "account_postings" && below(random, 2) == 0) copy[1].integer += 1;
    if (!copy.back().bytes.empty() && below(random, 3) == 0) copy.back().bytes.clear();
    return note(table, copy, "added") && insert_row(*file_, table, copy);
  }

  /// All but their keys.
  bool swap_rows(Random& random) {
    const Table& table = any_table(random);
    const Row &one = any_of(random, table.rows), &other = any_of(random, table.rows);
    if (one == other) return false;
    Row first = other, second = one;
    const std::size_t keys = table.name == "account_postings" ? 2 : 1;
    std::swap_ranges(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(keys),
                     second.begin());
    return exchange(table, one, first, other, second);
  }

  bool swap_cells(Random& random) {
    const Table& table = any_table(random);
    const Row &one = any_of(random, table.rows), &other = any_of(random, table.rows);
    const std::size_t column = below(random, one.size());
    if (one == other || one[column] == other[column]) return false;
    Row first = one, second = other;
    std::swap(first[column], second[column]);
    return exchange(table, one, first, other, second);
  }

  bool exchange(const Table& table, const Row& one, const Row& first, const Row& other,
                const Row& second) {
    if (first == one) return false;
    note(table, one, "exchanged with " + text_of(table, other).substr(0, 200));
    return delete_row(*file_, table, one) && delete_row(*file_, table, other) &&
           insert_row(*file_, table, first) && insert_row(*file_, table, second);
  }

  /// A row as it was, or one that is gone.
  bool older_row(Random& random) {
    const std::string name = any_of(random, ledger_tables);
    const Table& then = ages_[below(random, ages_.size() - 1)].at(name);
    if (then.rows.empty()) return false;
    const Row& row = any_of(random, then.rows);
    const Table& table = now().at(name);
    if (std::ranges::find(table.rows, row) != table.rows.end()) return false;
    for (const Row& newer : table.rows)
      if (newer.front() == row.front() && (name != "account_postings" || newer[1] == row[1]))
        return replace(table, newer, row, "put back");
    return note(table, row, "put back") && insert_row(*file_, table, row);
  }

  /// A whole table as it was.
  bool older_table(Random& random) {
    const std::string name = any_of(random, ledger_tables);
    const Table& then = ages_[below(random, ages_.size() - 1)].at(name);
    if (then.rows == now().at(name).rows) return false;
    what_ = name + " put back whole";
    run_sql(*file_, "DELETE FROM " + name);
    for (const Row& row : then.rows)
      if (!insert_row(*file_, then, row)) return false;
    return true;
  }

  // Amounts.

  /// An amount, what it is cached as, and as much of the rest as `depth` says.
  bool change_amount(Random& random) {
    Posting posting = any_of(random, postings_);
    if (posting.legs.size() != 2 || !std::holds_alternative<std::monostate>(posting.facts))
      return false;
    const auto by = static_cast<std::int64_t>(1 + below(random, 100'000));
    move(posting, by);
    what_ = "posting " + std::to_string(posting.seq) + " moves " + std::to_string(by) + " more";
    const std::size_t depth = below(random, 4);
    if (depth > 0) cache_amount(posting, by);
    if (depth > 1) {
      const Book before = book_up_to(posting.seq - 1, posting.seq);
      posting.hash = hash_of(posting, before.standing());
      what_ += ", its hash made anew";
    }
    if (depth > 2)
      run_sql(*file_, "UPDATE account_states SET last_hash = x'" + to_hex(posting.hash) +
                          "' WHERE last_seq = " + std::to_string(posting.seq));
    write_posting(posting);
    return true;
  }
  static void move(Posting& posting, std::int64_t by) {
    for (std::size_t i = 0; i < 2; ++i)
      posting.legs[i].amount =
          Money::of_units(posting.legs[i].amount.units() + (i == 0 ? -by : by));
  }
  void cache_amount(const Posting& posting, std::int64_t by) {
    what_ += ", cached";
    for (std::size_t i = 0; i < 2; ++i)
      run_sql(*file_, "UPDATE account_states SET balance = balance + " +
                          std::to_string(i == 0 ? -by : by) +
                          " WHERE number = " + std::to_string(posting.legs[i].account));
  }
  void write_posting(const Posting& posting) {
    must(file_->execute("UPDATE postings SET legs = ?, hash = ? WHERE seq = ?",
                        BytesView(pack_content(posting.seq, posting.legs, posting.facts)),
                        BytesView(posting.hash), posting.seq));
  }

  // All made anew.

  std::size_t accounts_up_to(std::int64_t seq) const {
    std::size_t accounts = 2;
    for (const Posting& posting : postings_) {
      if (posting.seq > seq) break;
      for (const Leg& leg : posting.legs) accounts = std::max<std::size_t>(accounts, leg.account);
    }
    return accounts;
  }
  /// With the accounts that there are after the posting `names`.
  Book book_up_to(std::int64_t seq, std::int64_t names) const {
    Book book;
    for (std::size_t i = 0; i < accounts_up_to(names); ++i) book.restore_account(accounts_[i]);
    for (const Posting& posting : postings_) {
      if (posting.seq > seq) break;
      REQUIRE(book.restore(posting, [](std::int64_t) { return false; }));
    }
    return book;
  }

  bool roll_back(Random& random) {
    const auto kept = static_cast<std::int64_t>(4 + below(random, postings_.size() - 4));
    what_ = "rolled back to posting " + std::to_string(kept);
    return make_anew(book_up_to(kept, kept), kept);
  }

  bool fork(Random& random) {
    const auto kept = static_cast<std::int64_t>(4 + below(random, postings_.size() - 4));
    Book book = book_up_to(kept, kept);
    const std::size_t others =
        1 + below(random, 2 * (postings_.size() - static_cast<std::size_t>(kept)));
    for (std::size_t i = 0; i < others; ++i) {
      const Uuid id = Uuid::of_name("fork " + std::to_string(random()));
      const auto draft = draft_transfer(
          id, "treasury", "user/u" + std::to_string(below(random, 7)),
          Money::of_units(static_cast<std::int64_t>(1 + below(random, 1'000))), "forged");
      REQUIRE(book.book(*draft, {static_cast<std::int64_t>(2'000'000'000'000'000'000 + i)}));
    }
    what_ = "forked after posting " + std::to_string(kept) + ", " + std::to_string(others) + " new";
    return make_anew(std::move(book), kept);
  }

  /// The file says `book` and nothing else: nothing in it tells of what was.
  bool make_anew(Book book, std::int64_t kept) {
    is_sound_in_itself_ = true;
    const std::string from = std::to_string(kept);
    for (const char* const table : {"standing", "account_states", "open_holds", "id_hashes",
                                    "tree_blocks", "marks", "account_postings"})
      run_sql(*file_, std::string("DELETE FROM ") + table);
    run_sql(*file_, "DELETE FROM postings WHERE seq > " + from);
    run_sql(*file_, "DELETE FROM checkpoints WHERE size > " + from);
    run_sql(*file_, "DELETE FROM bots WHERE grant_seq > " + from);
    run_sql(*file_, "DELETE FROM accounts WHERE number > " + std::to_string(accounts_up_to(kept)));
    const std::size_t accounts = accounts_up_to(kept);
    for (std::size_t n = accounts; n < book.accounts().size(); ++n) {
      const auto number = static_cast<AccountNumber>(n + 1);
      must(store::insert_account(*file_, number, book.accounts().at(number).name));
    }
    for (AccountNumber n = 1; n <= book.accounts().size(); ++n)
      run_sql(*file_, "UPDATE bots SET status = '" +
                          std::string(book.accounts().at(n).state.is_closed ? "DEAD" : "ALIVE") +
                          "' WHERE account = " + std::to_string(n));
    const Book::Group group = book.commit();
    for (const Posting& posting : group.postings) must(store::insert_posting(*file_, posting));
    return true;
  }

  const AttackedBook& book_;
  std::unique_ptr<Disk> disk_;
  std::unique_ptr<storage::Connection> file_;
  std::vector<Tables> ages_;
  std::vector<Posting> postings_;
  std::vector<std::string> accounts_;
  std::set<std::string> signed_notes_, meaning_;
  std::string what_;
  bool is_sound_in_itself_ = false;
};

const std::array<Attacker::Kind, 16> Attacker::kinds = {
    {{"a bit flipped", &Attacker::flip_bit},
     {"a bit flipped", &Attacker::flip_bit},
     {"a bit flipped", &Attacker::flip_bit},
     {"a number changed", &Attacker::change_number},
     {"bytes cut or added", &Attacker::resize_bytes},
     {"a row removed", &Attacker::remove},
     {"a table emptied", &Attacker::empty_table},
     {"the last rows removed", &Attacker::cut_tail},
     {"a row duplicated", &Attacker::duplicate},
     {"rows exchanged", &Attacker::swap_rows},
     {"cells exchanged", &Attacker::swap_cells},
     {"a row put back", &Attacker::older_row},
     {"a table put back", &Attacker::older_table},
     {"an amount, with its caches", &Attacker::change_amount},
     {"rolled back, sound in itself", &Attacker::roll_back},
     {"forked, sound in itself", &Attacker::fork}}};

// ---- Without the key ---------------------------------------------------------------------------

constexpr std::size_t page_size = 4096;

class Vandal {
 public:
  explicit Vandal(const AttackedBook& book) : book_(book) {
    REQUIRE(book.ages().back().size() == 1);
    name_ = book.ages().back().begin()->first;
    for (const auto& age : book.ages()) {
      REQUIRE(age.at(name_).size() % page_size == 0);
      const auto file = opened(Disk(age));
      const Tables tables = tables_of(*file);
      for (const Row& row : tables.at("checkpoints").rows) signed_notes_.insert(row[2].bytes);
    }
    meaning_ = meaning_of(*opened(Disk(book.ages().back())), signed_notes_);
    const auto with_log = opened(Disk(book.with_log()));
    for (const Row& row : read_table(*with_log, "checkpoints").rows)
      signed_notes_.insert(row[2].bytes);
    meaning_with_log_ = meaning_of(*with_log, signed_notes_);
  }

  void attack(std::uint64_t seed, Tally& tally) {
    Random random(seed);
    Disk::Files files = book_.ages().back();
    bool has_log = false;
    const std::string kind = damage(files, has_log, random);
    if (kind.empty()) return;
    const Found found = judge(Disk(files), has_log);
    tally.add(kind, found);
    if (found == Found::not_at_all) UNSCOPED_INFO("GUILDTEST_SEED=" << seed << ": " << kind);
    CHECK(found != Found::not_at_all);
  }

 private:
  std::unique_ptr<storage::Connection> opened(const Disk& disk) const {
    disk.plug_in();
    return must(book_.file().try_connect());
  }

  /// What was done; nothing when there was nothing to do.
  std::string damage(Disk::Files& files, bool& has_log, Random& random) const {
    Bytes& bytes = files.at(name_);
    const std::size_t pages = bytes.size() / page_size;
    switch (below(random, 8)) {
      case 0:
      case 1: {
        bytes[below(random, bytes.size())] ^= static_cast<std::uint8_t>(1U << below(random, 8));
        return "a bit of the file";
      }
      case 2: {
        bytes.resize(below(random, bytes.size()));
        return "the file cut";
      }
      case 3: {
        const std::size_t one = below(random, pages), other = below(random, pages);
        if (one == other) return {};
        std::swap_ranges(page(bytes, one), page(bytes, one) + page_size, page(bytes, other));
        return "pages exchanged";
      }
      case 4: {
        Bytes older = book_.ages()[below(random, book_.ages().size() - 1)].at(name_);
        const std::size_t place = below(random, std::min(pages, older.size() / page_size));
        if (std::equal(page(older, place), page(older, place) + page_size, page(bytes, place)))
          return {};
        std::copy_n(page(older, place), page_size, page(bytes, place));
        return "a page put back";
      }
      case 5: {
        files = book_.ages()[below(random, book_.ages().size() - 1)];
        return "the whole file put back";
      }
      case 6: {
        Bytes& log = take_log(files, has_log);
        log[below(random, log.size())] ^= static_cast<std::uint8_t>(1U << below(random, 8));
        return "a bit of the log";
      }
      default: {
        Bytes& log = take_log(files, has_log);
        log.resize(below(random, log.size()));
        return "the log cut";
      }
    }
  }
  static Bytes::iterator page(Bytes& bytes, std::size_t number) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(number * page_size);
  }
  Bytes& take_log(Disk::Files& files, bool& has_log) const {
    has_log = true;
    files = book_.with_log();
    return files.at(name_ + "-wal");
  }

  Result<messages::VerifyReport> verify(storage::Connection& file,
                                        std::optional<TreeHead> known = {}) const {
    return verify_file(file, known, {}, book_.signer().key());
  }

  Found judge(const Disk& disk, bool has_log) const {
    disk.plug_in();
    auto file = book_.file().try_connect();
    if (!file) return Found::by_start;
    storage::Connection& at = **file;
    if (!recover(at)) return Found::by_start;
    if (!is_good(verify(at))) return Found::by_file;
    if (!is_good(verify(at, has_log ? book_.head_with_log() : book_.head())))
      return Found::by_memory;
    const auto pages = storage::check_integrity(at);
    if (!pages || !pages->empty()) return Found::by_integrity;
    try {
      const auto& meaning = has_log ? meaning_with_log_ : meaning_;
      if (meaning_of(at, signed_notes_) == meaning) return Found::says_the_same;
    } catch (const std::runtime_error&) {
      return Found::by_start;
    }
    return Found::not_at_all;
  }

  const AttackedBook& book_;
  std::string name_;
  std::set<std::string> signed_notes_, meaning_, meaning_with_log_;
};

}  // namespace

TEST_CASE("no change of rows by who has the key passes unseen") {
  const AttackedBook book;
  Attacker attacker(book);
  Tally tally;
  const std::uint64_t first = first_seed(), count = seeds(3'000, 130'000);
  for (std::uint64_t seed = first; seed < first + count; ++seed) attacker.attack(seed, tally);
  tally.print();
  if (count > 1) CHECK(tally.total() > count / 2);
}

TEST_CASE("no change of bytes by who has no key passes unseen") {
  const AttackedBook book;
  Vandal vandal(book);
  Tally tally;
  const std::uint64_t first = first_seed(), count = seeds(400, 12'000);
  for (std::uint64_t seed = first; seed < first + count; ++seed) vandal.attack(seed, tally);
  tally.print();
  if (count > 1) CHECK(tally.total() > count / 2);
}
