#include "ledgerd/history.hpp"

#include "tests/unit/ledgerd/ledger_file.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

std::vector<std::int64_t> account_seqs(const messages::EntriesPage& page) {
  std::vector<std::int64_t> seqs;
  for (const auto& entry : page.entries) seqs.push_back(entry.account_seq);
  return seqs;
}

/// A bot's account with entries 1 to 41, and lists of them written every so many postings.
struct LongHistory {
  explicit LongHistory(std::int64_t save_every) {
    RunningJournal it(file, money("1000.00"), save_every);
    it.add_bot("a");
    for (int i = 2; i <= 41; ++i)
      must(it.transfer(std::to_string(i), "bot/a", "treasury", "1", "n" + std::to_string(i)));
    it.journal().drain();
    tail = it.journal().tails().copy(account, 1, 1'000);
  }

  messages::EntriesPage page(std::int64_t after, std::int64_t limit, bool with_tail) const {
    const auto reader = file.connect(storage::Mode::read_only);
    return must(read_entries(*reader, account, after, limit, with_tail ? &tail : nullptr));
  }

  static constexpr AccountNumber account = 3;
  LedgerFile file;
  Tail tail;
};

}  // namespace

TEST_CASE("an account's entries are its legs, oldest first, each linked to the one before") {
  LedgerFile file;
  write_small_book(file);
  const auto page = must(read_entries(*file.connect(storage::Mode::read_only), "bot/a", 0, 100));
  REQUIRE(page.entries.size() == 3);
  CHECK_FALSE(page.more);
  const auto& grant = page.entries[0];
  CHECK(grant.type == EntryType::GRANT);
  CHECK(grant.account_seq == 1);
  CHECK(grant.amount == money("1000"));
  CHECK(grant.previous_hash == std::string(64, '0'));
  CHECK(grant.reference.view() == "GENESIS_GRANT");
  const auto& first = page.entries[1];
  CHECK(first.amount == money("-1"));
  CHECK(first.reference.view() == "first");
  CHECK(first.id == id_of("t1"));
  CHECK(first.previous_hash == grant.hash);
  CHECK(page.entries[2].previous_hash == first.hash);
  CHECK(page.entries[2].account.view() == "bot/a");
}

TEST_CASE("an account that does not exist is named") {
  LedgerFile file;
  write_small_book(file);
  const auto outcome = read_entries(*file.connect(storage::Mode::read_only), "bot/zoe", 0, 10);
  CHECK(outcome.error().code == "account_unknown");
  CHECK(outcome.error().message == "there is no account \"bot/zoe\"");
}

TEST_CASE("pages of any size cover a history once, wherever it lies") {
  const std::int64_t save_every = GENERATE(1, 2, 7, 30, 1'000);
  const bool with_tail = GENERATE(true, false);
  const LongHistory history(save_every);
  for (const std::int64_t limit : {1, 7, 20, 41, 100}) {
    INFO("lists every " << save_every << ", limit " << limit << ", tail " << with_tail);
    std::vector<std::int64_t> all;
    std::string last_hash(64, '0');
    for (bool more = true; more;) {
      const auto page = history.page(static_cast<std::int64_t>(all.size()), limit, with_tail);
      for (const auto& entry : page.entries) {
        REQUIRE(entry.previous_hash == last_hash);
        last_hash = entry.hash;
        all.push_back(entry.account_seq);
      }
      more = page.more;
    }
    REQUIRE(all.size() == 41);
    for (std::size_t i = 0; i < all.size(); ++i)
      REQUIRE(all[i] == static_cast<std::int64_t>(i + 1));
  }
}

TEST_CASE("a page past the end is empty") {
  const LongHistory history(20);
  CHECK(history.page(41, 10, true).entries.empty());
  CHECK(history.page(1'000'000, 10, true).entries.empty());
  CHECK(history.page(1'000'000, 10, false).entries.empty());
}

TEST_CASE("a tail that was copied before a flush still meets the lists of after it") {
  LedgerFile file;
  RunningJournal it(file, money("1000.00"), 10);
  it.add_bot("a");
  for (int i = 2; i <= 8; ++i) must(it.transfer(std::to_string(i), "bot/a", "treasury", "1"));
  const Tail before = it.journal().tails().copy(3, 1, 100);
  CHECK(before.seqs.size() == 8);
  must(it.transfer("9", "bot/a", "treasury", "1"));
  it.journal().drain();
  CHECK(it.journal().tails().copy(3, 1, 100).seqs.empty());
  const auto reader = file.connect(storage::Mode::read_only);
  const auto page = must(read_entries(*reader, AccountNumber{3}, 0, 100, &before));
  CHECK(account_seqs(page) == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("the limit of a copy is what a page needs, not the whole tail") {
  const Tails tails;
  CHECK(tails.copy(7, 1, 10).seqs.empty());
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  for (int i = 2; i <= 9; ++i) must(it.transfer(std::to_string(i), "bot/a", "treasury", "1"));
  const Tail tail = it.journal().tails().copy(3, 4, 3);
  CHECK(tail.first == 4);
  CHECK(tail.seqs == std::vector<std::int64_t>{5, 6, 7});
}

TEST_CASE("legs for publishing come in order, in whole postings, with what they link to") {
  LedgerFile file;
  write_small_book(file);
  const auto reader = file.connect(storage::Mode::read_only);
  const auto all = must(read_legs_after(*reader, 0, 1'000));
  REQUIRE(all.size() == 12);
  for (std::size_t i = 0; i < all.size(); ++i)
    CHECK(all[i].seq == static_cast<std::int64_t>(i / 2 + 1));
  CHECK(all[7].account.view() == "bot/b");
  CHECK(all[7].previous_hash == all[5].hash);

  CHECK(must(read_legs_after(*reader, 0, 1)).size() == 2);
  CHECK(must(read_legs_after(*reader, 0, 3)).size() == 4);
  CHECK(must(read_legs_after(*reader, 5, 100)).size() == 2);
  CHECK(must(read_legs_after(*reader, 6, 100)).empty());
}

TEST_CASE("pages of events of any size cover the book once, in whole postings") {
  LedgerFile file;
  write_small_book(file);
  const auto reader = file.connect(storage::Mode::read_only);
  for (const std::int64_t limit : {1, 2, 3, 5, 500}) {
    INFO("limit " << limit);
    std::int64_t after = 0, legs = 0;
    for (bool more = true; more;) {
      const auto page = must(read_events(*reader, after, limit));
      CHECK(page.head == 6);
      REQUIRE(!page.events.empty());
      for (const auto& event : page.events) {
        CHECK(event.seq == legs / 2 + 1);
        CHECK(event.leg == legs++ % 2);
        CHECK(event.legs == 2);
      }
      CHECK(page.events.back().leg == 1);
      after = page.events.back().seq;
      more = page.more;
      CHECK(more == (after < 6));
    }
    CHECK(legs == 12);
  }
}

TEST_CASE("events after the end are none; after more than there is, the book is another one") {
  LedgerFile file;
  write_small_book(file);
  const auto reader = file.connect(storage::Mode::read_only);
  const auto none = must(read_events(*reader, 6, 100));
  CHECK(none.events.empty());
  CHECK_FALSE(none.more);
  const auto refused = read_events(*reader, 7, 100);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "seq_unknown");
  CHECK(refused.error().message == "the book ends at posting 6, before 7");
}

TEST_CASE("the largest page of events there can be fits a message") {
  messages::EventsPage page;
  page.head = std::numeric_limits<std::int64_t>::max();
  messages::Entry event;
  event.seq = event.account_seq = page.head;
  event.leg = event.legs = 256;
  event.account.value = "bot/" + std::string(64, 'b');
  event.type = EntryType::RESEARCH_LOOKUP_FEE;
  event.amount = Money::of_units(-page.head);
  event.reference.value = std::string(128, '\x01');  // Six bytes each, in JSON.
  event.time = {9'200'000'000'123'456'789};
  event.previous_hash = event.hash = std::string(64, 'f');
  page.events.assign(messages::List<messages::Entry, 755>::size_max, event);
  CHECK(messages::encode(page).size() < 1'048'576);
  CHECK(messages::decode<messages::EventsPage>(messages::encode(page)));
}
