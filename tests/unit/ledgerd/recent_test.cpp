#include "ledgerd/recent.hpp"

#include "common/messages/codec.hpp"
#include "ledgerd/history.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

std::vector<std::string> texts_of(const std::vector<messages::Entry>& entries) {
  std::vector<std::string> texts;
  for (const messages::Entry& entry : entries) texts.push_back(messages::encode(entry));
  return texts;
}

/// What memory and the file say of the postings after `seq`; nothing when memory has not got them.
void check_same(RunningJournal& it, const LedgerFile& file, std::int64_t seq, std::size_t legs) {
  const auto reader = file.connect(storage::Mode::read_only);
  const auto recent = it.journal().recent().take_legs_after(seq, legs);
  REQUIRE(recent);
  CHECK(texts_of(*recent) == texts_of(must(read_legs_after(*reader, seq, legs))));
}

/// So many transfers in one job, that is, in one group.
void transfer_at_once(RunningJournal& it, std::size_t count, std::string_view name) {
  must(it.journal().run([&](Transaction& transaction) -> Result<void> {
    for (std::size_t i = 0; i < count; ++i) {
      const auto draft = draft_transfer(id_of(std::string(name) + std::to_string(i)), "treasury",
                                        i % 2 == 0 ? "bot/a" : "bot/b", money("0.01"), "");
      GUILD_CHECK(transaction.book(*draft));
    }
    return {};
  }));
}

}  // namespace

TEST_CASE("the last postings in memory are those of the file, links and all") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  it.add_bot("b");
  must(it.transfer("t1", "bot/a", "bot/b", "1", "first"));
  must(it.hold("h1", "bot/a", "bot/b", "2"));
  CHECK_FALSE(it.transfer("t2", "bot/a", "bot/b", "1000000000"));
  must(it.post_hold("p1", "h1", "1.5"));
  transfer_at_once(it, 5, "many");
  const std::int64_t head = it.head().size;

  check_same(it, file, 0, 1'000);
  check_same(it, file, 2, 3);
  check_same(it, file, 2, 1'000);  // Asked for again.
  CHECK_FALSE(it.journal().recent().take_legs_after(1, 1'000));
  check_same(it, file, head - 1, 1'000);
  CHECK_FALSE(it.journal().recent().take_legs_after(head, 1'000));

  must(it.transfer("t3", "bot/b", "bot/a", "1"));
  check_same(it, file, head, 1'000);
}

TEST_CASE("what is linked to postings that are no longer in memory is linked all the same") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  it.add_bot("b");
  const std::int64_t before = it.head().size;
  CHECK(it.journal().recent().take_legs_after(before - 1, 1'000)->size() == 2);
  must(it.transfer("t1", "bot/a", "bot/b", "1"));
  check_same(it, file, before, 1'000);
}

TEST_CASE("only the last postings are kept, and none of a group larger than that") {
  LedgerFile file;
  RunningJournal it(file);
  it.add_bot("a");
  it.add_bot("b");
  const std::int64_t start = it.head().size;
  transfer_at_once(it, Recent::postings_max, "full");
  CHECK_FALSE(it.journal().recent().take_legs_after(start - 1, 1));
  check_same(it, file, start, 10);

  transfer_at_once(it, Recent::postings_max + 1, "over");
  const std::int64_t after = it.head().size;
  CHECK_FALSE(it.journal().recent().take_legs_after(start + 10, 1));
  CHECK_FALSE(it.journal().recent().take_legs_after(after - 1, 1));
  must(it.transfer("t1", "bot/a", "bot/b", "1"));
  check_same(it, file, after, 10);
}
