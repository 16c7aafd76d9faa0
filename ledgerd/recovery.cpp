#include "ledgerd/recovery.hpp"

#include <fmt/format.h>

#include <limits>

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

Result<void> read_postings(Connection& file, Recovered& into) {
  GUILD_TRY(const std::int64_t listed, store::mark(file, store::history_mark));
  std::expected<void, Fault> restored;
  GUILD_CHECK(store::each_posting_after(file, std::numeric_limits<std::int64_t>::min(),
                                        [&](const Posting& posting) {
                                          restored = into.book.restore(posting);
                                          if (restored && posting.seq > listed)
                                            into.tails->append(posting);
                                          return restored.has_value();
                                        }));
  if (!restored) return damaged(restored.error());
  const std::int64_t last = into.book.head().seq;
  if (listed > last || into.published > last)
    return damaged({.seq = last + 1, .problem = "it is missing, and the file tells of it"});
  if (into.economy && last == 0)
    return damaged({.seq = 1, .problem = "it is missing, and the genesis was written"});
  if (!into.economy && last > 0) return damaged("the record of economic constants is missing");
  return {};
}

Result<void> check_bot(const BotRecord& bot, Book& book) {
  const bool is_known = bot.account >= 1 && bot.account <= book.accounts().size();
  if (!is_known || book.accounts().at(bot.account).name != bot_account(bot.handle))
    return damaged(fmt::format("bot {} is not linked to its account", guild::quoted(bot.handle)));
  if (book.accounts().at(bot.account).state.entries == 0)
    return damaged({.seq = bot.grant_seq, .problem = "the GRANT of a bot is missing"});
  book.set_closed(bot.account, bot.status == BotStatus::DEAD);
  return {};
}

Result<void> read_all(Connection& file, Recovered& into) {
  GUILD_TRY(into.economy, store::last_economy(file));
  GUILD_TRY(into.published, store::mark(file, store::outbox_mark));
  GUILD_CHECK(read_accounts(file, into.book));
  GUILD_CHECK(read_postings(file, into));
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
