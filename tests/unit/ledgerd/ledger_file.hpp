// LedgerFile: a ledger.db in a folder of its own, opened, recovered, written and tampered with as a
// test needs.
#pragma once

#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ledgerd/draft.hpp"
#include "ledgerd/genesis.hpp"
#include "ledgerd/journal.hpp"
#include "ledgerd/recovery.hpp"
#include "ledgerd/schema.hpp"
#include "tests/unit/base/scratch_folder.hpp"
#include "tests/unit/ledgerd/book_world.hpp"

namespace guild::ledgerd {

template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().code + ": " + result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class LedgerFile {
 public:
  /// As it is, not migrated.
  Result<std::unique_ptr<storage::Connection>> try_connect(
      storage::Mode mode = storage::Mode::read_write) const {
    storage::OpenOptions options;
    options.path = folder_ / "ledger.db";
    options.key = key_;
    options.mode = mode;
    return storage::Connection::open(std::move(options));
  }
  std::unique_ptr<storage::Connection> connect(
      storage::Mode mode = storage::Mode::read_write) const {
    auto connection = must(try_connect(mode));
    if (mode == storage::Mode::read_write) must(storage::migrate(*connection, schema()));
    return connection;
  }

  /// The file is what a test made it: no constraint stands in the way.
  void tamper(const std::string& sql) const {
    const auto connection = connect();
    must(connection->execute_script(
        "PRAGMA ignore_check_constraints=ON; PRAGMA foreign_keys=OFF; " + sql));
  }

  std::filesystem::path path() const { return folder_ / "ledger.db"; }

 private:
  ScratchFolder folder_;
  Secret32 key_ = Secret32::random();
};

/// A journal that runs on a file, with what it told at its commits.
class RunningJournal {
 public:
  explicit RunningJournal(const LedgerFile& file, Money treasury_grant = money("1000000.00"),
                          std::int64_t save_every = 65'536,
                          std::function<Instant()> now = guild::now) {
    auto connection = file.connect();
    writing_ = connection.get();
    auto recovered = must(recover(*connection));
    Journal::Options options;
    options.save_every = save_every;
    options.now = std::move(now);
    options.on_commit = [this](const Committed& committed) {
      const std::lock_guard lock(mutex_);
      head_ = committed.head;
      for (const auto& balance : committed.balances)
        balances_[std::string(balance.name)] = balance.balance;
    };
    options.on_lost = [this](const Error& error) { lost_.set_value(error); };
    const auto economy = recovered.economy;
    journal_ = std::make_unique<Journal>(std::move(connection), std::move(recovered.book),
                                         std::move(recovered.tails), std::move(recovered.unsaved),
                                         std::move(options));
    must(keep_economy(*journal_, economy, {money("1000.00"), treasury_grant}));
  }

  Journal& journal() { return *journal_; }
  /// The connection that the journal writes with; for injecting faults.
  storage::Connection& writing() { return *writing_; }

  Result<Booked> book(const std::expected<Draft, Refusal>& draft) {
    if (!draft) return fail(error_of(draft.error()));
    return ask([&](Transaction& transaction) { return transaction.book(*draft); });
  }
  Result<Booked> ask(const std::function<Result<Booked>(Transaction&)>& work) {
    Booked booked;
    const auto outcome = journal_->run([&](Transaction& transaction) -> Result<void> {
      GUILD_TRY(booked, work(transaction));
      return {};
    });
    if (!outcome) return fail(outcome.error());
    return booked;
  }
  Result<Booked> transfer(std::string_view id, std::string_view debit, std::string_view credit,
                          std::string_view amount, std::string_view reference = "") {
    return book(draft_transfer(id_of(id), debit, credit, money(amount), reference));
  }
  Result<Booked> hold(std::string_view id, std::string_view debit, std::string_view credit,
                      std::string_view amount, Duration lifetime = std::chrono::hours(1)) {
    return book(draft_hold(id_of(id), debit, credit, money(amount), lifetime, ""));
  }
  Result<Booked> post_hold(std::string_view id, std::string_view hold, std::string_view amount) {
    return ask([&](Transaction& transaction) {
      return transaction.post_hold(id_of(id), id_of(hold), money(amount), "");
    });
  }
  Result<Booked> void_hold(std::string_view id, std::string_view hold) {
    return ask([&](Transaction& transaction) {
      return transaction.void_hold(id_of(id), id_of(hold), "");
    });
  }
  Booked add_bot(std::string_view handle, std::string_view grant = "1000.00") {
    Booked booked;
    must(journal_->run([&](Transaction& transaction) -> Result<void> {
      const auto draft = draft_grant(id_of(std::string("bot ").append(handle)), bot_account(handle),
                                     money(grant), genesis_reference);
      GUILD_TRY(booked, transaction.book(*draft));
      return store::insert_bot(transaction.file(), {.handle = std::string(handle),
                                                    .account = booked.posting.legs.back().account,
                                                    .status = BotStatus::ALIVE,
                                                    .created_at = transaction.now(),
                                                    .grant_seq = booked.posting.seq});
    }));
    return booked;
  }

  TreeHead head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }
  std::map<std::string, Money> balances() const {
    const std::lock_guard lock(mutex_);
    return balances_;
  }
  std::future<Error> lost() { return lost_.get_future(); }

 private:
  mutable std::mutex mutex_;
  TreeHead head_;
  std::map<std::string, Money> balances_;
  std::promise<Error> lost_;
  storage::Connection* writing_ = nullptr;
  std::unique_ptr<Journal> journal_;  // Last: it calls back into the rest until it is gone.
};

/// A small book: genesis, bots a and b, three transfers, a user. Postings 1 to 6.
inline void write_small_book(const LedgerFile& file) {
  RunningJournal it(file);
  it.add_bot("a");
  it.add_bot("b");
  must(it.transfer("t1", "bot/a", "bot/b", "1", "first"));
  must(it.transfer("t2", "bot/a", "user/eve", "2", "second"));
  must(it.transfer("t3", "bot/b", "treasury", "3", "third"));
}

}  // namespace guild::ledgerd
