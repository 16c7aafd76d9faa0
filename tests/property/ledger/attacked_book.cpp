#include "tests/property/ledger/attacked_book.hpp"

#include <fmt/format.h>

#include "ledgerd/bots.hpp"

namespace guild::ledgerd {
namespace {

const Asker asker{.sender = "test", .principal = "operator"};

NewCredential credential_of(std::string_view handle, Instant now) {
  return Credentials(Secret32::random(), Digest{}).make(handle, now);
}

}  // namespace

AttackedBook::AttackedBook() {
  disk_.plug_in();
  it_ = std::make_unique<EconomyFile>();
  const auto run = [&](const Journal::Work& work) { must(it_->running().journal().run(work)); };
  for (const char* const handle : {"ant", "bee", "cat", "dog"})
    run([&](Transaction& transaction) -> Result<void> {
      GUILD_CHECK(create_bot(transaction, {.handle = handle,
                                           .grant = money("1000.00"),
                                           .credential = credential_of(handle, transaction.now()),
                                           .sender = asker.sender,
                                           .principal = asker.principal}));
      return {};
    });
  run([&](Transaction& transaction) -> Result<void> {
    const auto first = store::find_posting(transaction.file(), 1);
    signer_ = std::make_unique<CheckpointSigner>(origin_of((*first)->hash), Secret32::random());
    return {};
  });
  live(0, 60);
  end_age();
  live(60, 110);
  run([&](Transaction& transaction) { return retire_bot(transaction, "cat", asker); });
  end_age();
  live(110, 170);
  run([&](Transaction& transaction) { return liquidate_bot(transaction, "dog", asker); });
  it_->restart();
  live(170, 180);
  end_age();
  live(180, 190);
  head_with_log_ = it_->running().head();
  with_log_ = disk_.files();
}

void AttackedBook::live(int from, int to) {
  for (int step = from; step < to; ++step) live_step(step);
}

void AttackedBook::live_step(int step) {
  RunningJournal& journal = it_->running();
  const std::string id = fmt::format("{}", step);
  it_->pass(std::chrono::minutes(7));
  must(journal.transfer("t" + id, "treasury", fmt::format("user/u{}", step % 7), "1.50",
                        "why " + id));
  if (step % 2 == 0) must(journal.transfer("b" + id, "bot/ant", "bot/bee", "0.25"));
  if (step % 5 == 0)
    must(journal.hold("h" + id, "bot/bee", "treasury", "2", std::chrono::hours(step % 3 + 1)));
  if (step % 10 == 0) must(journal.post_hold("p" + id, "h" + id, "1"));
  if (step % 50 == 5) must(journal.void_hold("v" + id, "h" + id));
  if (step % 30 == 7)
    must(journal.hold("long" + id, "treasury", "bot/ant", "3", std::chrono::hours(2'000)));
  if (step % 20 == 3) (void)must(it_->tick("bee", "tick" + id));
  if (step % 40 == 11) must(journal.book(draft_floor(id_of("f" + id), "bot/ant", money("1"), "")));
  if (step % 50 == 13) {
    must(journal.transfer("in" + id, "treasury", "user/gone" + id, "1"));
    must(journal.transfer("out" + id, "user/gone" + id, "treasury", "1"));
    must(journal.book(draft_record(id_of("c" + id), "user/gone" + id, EntryType::CLOSED, "")));
  }
  if (step % 45 == 17) (void)it_->research("7", "2.50");
  if (step % 40 == 9)
    must(journal.journal().run([&](Transaction& transaction) -> Result<void> {
      const TreeHead head = transaction.state().tree().head();
      GUILD_CHECK(store::set_mark(transaction.file(), store::outbox_mark, head.size));
      return store::save_checkpoint(
          transaction.file(),
          {.size = head.size, .time = transaction.now(), .note = signer_->sign(head)});
    }));
  if (step % 50 == 45) must(journal.journal().save());
}

void AttackedBook::end_age() {
  head_ = it_->running().head();
  it_->restart();  // Its end writes the log into the file.
  // Nothing is written until it is asked for: what is there now is the file alone.
  auto files = disk_.files();
  std::erase_if(files, [](const auto& file) { return file.first.ends_with("-wal"); });
  ages_.push_back(std::move(files));
}

}  // namespace guild::ledgerd
