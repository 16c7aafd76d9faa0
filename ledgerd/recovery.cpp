#include "ledgerd/recovery.hpp"

#include <fmt/format.h>

#include <unordered_map>

#include "common/base/secret.hpp"
#include "common/base/text.hpp"

namespace guild::ledgerd {
namespace {

using storage::Connection;

std::unexpected<Error> damaged(std::string what) {
  return fail(ErrorKind::failed, "book_damaged", std::move(what),
              "do not write to this file: keep a copy of it, run `guild ledger verify` for the "
              "whole finding, and put back a good backup of data/ledger.db");
}

std::unexpected<Error> damaged(const Fault& fault) {
  return damaged(fmt::format("posting {}: {}", fault.seq, fault.problem));
}

Result<void> read_accounts(Connection& file, Book& book) {
  std::optional<std::string> problem;
  GUILD_CHECK(store::each_account(file, [&](std::int64_t number, std::string_view name) {
    if (problem) return;
    const std::size_t next = book.accounts().size() + 1;
    if (number != static_cast<std::int64_t>(next))
      problem = fmt::format("account number {} is missing", next);
    else if (!account_kind(name) || book.accounts().find(name) != 0)
      problem = fmt::format("account number {} has a name that no account has", number);
    else
      book.restore_account(name);
  }));
  if (problem) return damaged(*problem);
  return {};
}

IdKey new_id_key() {
  IdKey key{};
  fill_random(key.data(), key.size());
  return key;
}

/// What the file says of the time before its saved standing must fit together; whether it fits the
/// postings, verify tells.
class ReadStanding {
 public:
  ReadStanding(Connection& file, Book& book, const store::SavedStanding& saved)
      : file_(file), book_(book), saved_(saved) {}

  Result<void> run() {
    GUILD_TRY(const std::int64_t last, store::last_seq(file_));
    if (saved_.seq < 1 || saved_.seq > last)
      return damaged(
          fmt::format("the saved standing is of posting {}, which is missing", saved_.seq));
    GUILD_CHECK(read_states());
    GUILD_CHECK(read_holds());
    GUILD_CHECK(read_ids());
    auto tree = Tree::restore(saved_.seq, saved_.peaks);
    if (!tree) return damaged("the saved tree does not have its size");
    if (book_.total() != 0) return damaged("the saved balances do not sum to zero");
    book_.restore_head({.seq = saved_.seq, .hash = saved_.hash}, std::move(*tree));
    if (problem_) return damaged(*problem_);
    return {};
  }

 private:
  void blame(std::string problem) {
    if (!problem_) problem_ = std::move(problem);
  }
  bool is_account(AccountNumber number) const {
    return number >= 1 && number <= book_.accounts().size();
  }

  Result<void> read_states() {
    return store::each_state(file_, [this](AccountNumber account, const AccountState& state) {
      if (!is_account(account))
        return blame(
            fmt::format("the saved state is of account {}, which does not exist", account));
      book_.restore_state(account, state);
    });
  }

  Result<void> read_holds() {
    std::unordered_map<AccountNumber, Int128> held;
    GUILD_CHECK(store::each_open_hold(file_, [&](std::int64_t seq, const Hold& hold) {
      if (!is_account(hold.debit) || !is_account(hold.terms.credit) || seq > saved_.seq)
        return blame(fmt::format("the open hold {} is not of this book", seq));
      book_.restore_hold(seq, hold);
      held[hold.debit] += hold.terms.amount.units();
    }));
    for (AccountNumber n = 1; n <= book_.accounts().size(); ++n) {
      const auto found = held.find(n);
      const Int128 expected = found == held.end() ? Int128{0} : found->second;
      if (expected != book_.accounts().at(n).state.held.units())
        blame(fmt::format("{}: what it has held is not the sum of its open holds",
                          book_.accounts().at(n).name));
    }
    return {};
  }

  Result<void> read_ids() {
    book_.reserve_ids(static_cast<std::size_t>(saved_.seq));
    std::int64_t next = 1;
    GUILD_CHECK(store::each_id_hash(file_, [&](std::int64_t seq, std::uint64_t hash) {
      if (seq != next++) return blame("the saved hashes of ids have a gap");
      book_.restore_id(hash, seq);
    }));
    if (next != saved_.seq + 1) blame("the saved hashes of ids are not those of every posting");
    return {};
  }

  Connection& file_;
  Book& book_;
  const store::SavedStanding& saved_;
  std::optional<std::string> problem_;
};

Result<void> read_postings(Connection& file, Recovered& into) {
  GUILD_TRY(const std::int64_t listed, store::mark(file, store::history_mark));
  GUILD_TRY(const std::int64_t first, store::first_seq(file));
  if (first != 0 && first != 1) return damaged({.seq = 1, .problem = "posting 1 is missing"});
  std::expected<void, Fault> restored;
  Result<void> asked;
  const auto take = [&](const Posting& posting) {
    restored = into.book.restore(posting, [&](std::int64_t seq) {
      const auto earlier = store::find_posting(file, seq);
      if (!earlier) asked = fail(earlier.error());
      return earlier && *earlier && (*earlier)->id == posting.id;
    });
    if (!restored || !asked) return false;
    if (posting.seq > listed) into.tails->append(posting);
    into.unsaved.append(posting, into.book.ids().hash_of(posting.id));
    return true;
  };
  GUILD_CHECK(store::each_posting_after(file, into.book.head().seq, take));
  GUILD_CHECK(asked);
  if (!restored) return damaged(restored.error());
  into.unsaved.append_blocks(into.book.take_blocks());
  return {};
}

Result<void> check_end(Connection& file, const Recovered& into) {
  GUILD_TRY(const std::int64_t listed, store::mark(file, store::history_mark));
  const std::int64_t last = into.book.head().seq;
  GUILD_TRY(const std::int64_t stored, store::last_seq(file));
  if (listed > last || into.published > last || into.signed_size > last || stored < last)
    return damaged({.seq = stored + 1, .problem = "it is missing, and the file tells of it"});
  if (into.economy && last == 0)
    return damaged({.seq = 1, .problem = "it is missing, and the genesis was written"});
  if (!into.economy && last > 0) return damaged("the record of economic constants is missing");
  return {};
}

Result<void> check_bot(const BotRecord& bot, const Book& book) {
  const bool is_known = bot.account >= 1 && bot.account <= book.accounts().size();
  if (!is_known || book.accounts().at(bot.account).name != bot_account(bot.handle))
    return damaged(fmt::format("bot {} is not linked to its account", guild::quoted(bot.handle)));
  if (book.accounts().at(bot.account).state.entries == 0)
    return damaged({.seq = bot.grant_seq, .problem = "the GRANT of a bot is missing"});
  if (book.accounts().at(bot.account).state.is_closed != (bot.status == BotStatus::DEAD))
    return damaged(fmt::format("bot {} is {} and its account is not", guild::quoted(bot.handle),
                               bot.status == BotStatus::DEAD ? "DEAD" : "ALIVE"));
  return {};
}

Result<void> read_all(Connection& file, Recovered& into) {
  GUILD_TRY(into.economy, store::last_economy(file));
  GUILD_TRY(into.published, store::mark(file, store::outbox_mark));
  GUILD_TRY(const auto checkpoint, store::last_checkpoint(file));
  if (checkpoint) into.signed_size = checkpoint->size;
  GUILD_TRY(const auto saved, store::saved_standing(file));
  const IdKey id_key = saved ? saved->id_key : new_id_key();
  into.book = Book(id_key);
  into.unsaved = Unsaved(saved ? saved->seq : 0, id_key);
  GUILD_CHECK(read_accounts(file, into.book));
  if (saved) GUILD_CHECK(ReadStanding(file, into.book, *saved).run());
  GUILD_CHECK(read_postings(file, into));
  GUILD_CHECK(check_end(file, into));
  GUILD_CHECK(store::each_bot(file, [&](BotRecord bot) { into.bots.push_back(std::move(bot)); }));
  for (const BotRecord& bot : into.bots) GUILD_CHECK(check_bot(bot, into.book));
  return store::each_credential(
      file, [&](CredentialRecord one) { into.credentials.push_back(std::move(one)); });
}

}  // namespace

Result<Recovered> recover(Connection& file) {
  Recovered recovered;
  const Result<void> read = file.snapshot([&](Connection& snapshot) {
    recovered = {};  // A reopened file is read from the start.
    return read_all(snapshot, recovered);
  });
  if (!read) return fail(Error(read.error()).while_doing("read the book"));
  return recovered;
}

}  // namespace guild::ledgerd
