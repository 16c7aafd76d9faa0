#include <memory>

#include <fmt/format.h>

#include "cli/ledger.hpp"
#include "cli/nouns.hpp"
#include "cli/source.hpp"
#include "common/messages/enum_name.hpp"
#include "common/messages/ledgerd.hpp"
#include "keys/keyring.hpp"
#include "ledgerd/history.hpp"
#include "ledgerd/recovery.hpp"
#include "ledgerd/schema.hpp"
#include "ledgerd/verify.hpp"

namespace guild::cli {
namespace {

/// Recomputing a large book takes its time.
constexpr Duration verify_limit = longest_limit;
/// A page of entries stays well under the payload's bound.
constexpr std::int64_t page_size = 500;

struct TransferArguments {
  messages::AccountName from, to;
  Amount amount;
  std::optional<Uuid> id;
  Text<128> reference;
};

Result<Exit> transfer(Context& context, const TransferArguments& arguments) {
  messages::CreateTransfer order;
  order.id = arguments.id.value_or(Uuid::make());
  order.debit = arguments.from;
  order.credit = arguments.to;
  order.amount = arguments.amount.money;
  order.reference = arguments.reference;
  GUILD_TRY(Session session, Session::open(context));
  return book(context, session, "ledgerd/transfer", order,
              fmt::format("{} from {} to {}", order.amount.text(), arguments.from.value,
                          arguments.to.value));
}

/// Recovery checks every posting on the way, so a book that is damaged gives no balance at all.
Result<messages::Balance> balance_in_file(storage::Connection& file,
                                          const messages::AccountName& account) {
  GUILD_TRY(const ledgerd::Recovered recovered, ledgerd::recover(file));
  const ledgerd::AccountNumber number = recovered.book.accounts().find(account.view());
  if (number == 0) return ledgerd::account_unknown(account.view());
  messages::Balance balance;
  balance.account = account;
  const ledgerd::AccountState& state = recovered.book.accounts().at(number).state;
  balance.balance = state.balance;
  balance.held = state.held;
  balance.available = state.available();
  balance.floor = state.floor;
  balance.is_closed = state.is_closed;
  return balance;
}

Result<Exit> balance(Context& context, const messages::AccountName& account) {
  GUILD_TRY(Source source, open_ledger(context));
  GUILD_TRY(const auto balance,
            source.ask<messages::Balance>(
                "ledgerd/balance", messages::GetBalance{account}, context.timeout_or(answer_limit),
                [&](storage::Connection& file) { return balance_in_file(file, account); }));
  if (context.json())
    context.out.line(messages::encode(balance));
  else
    context.out.table({{"ACCOUNT"},
                       {"BALANCE", Align::right},
                       {"HELD", Align::right},
                       {"AVAILABLE", Align::right}},
                      {{balance.account.value, balance.balance.text(), balance.held.text(),
                        balance.available.text()}});
  return Exit::ok;
}

Row row_of(const messages::Entry& entry) {
  return {fmt::to_string(entry.account_seq), fmt::to_string(entry.seq), to_rfc3339(entry.time),
          messages::enum_name(entry.type),   entry.amount.text(),       entry.reference.value};
}

/// All pages. With --json each is printed as it comes; a table must know its widths first.
Result<Exit> entries(Context& context, const messages::AccountName& account) {
  GUILD_TRY(Source source, open_ledger(context));
  messages::ListEntries request{account, 0, page_size};
  std::vector<Row> rows;
  for (bool more = true; more;) {
    GUILD_TRY(const auto page, source.ask<messages::EntriesPage>(
                                   "ledgerd/entries", request, context.timeout_or(answer_limit),
                                   [&](storage::Connection& file) {
                                     return ledgerd::read_entries(file, request.account.view(),
                                                                  request.after, request.limit);
                                   }));
    for (const messages::Entry& entry : page.entries) {
      if (context.json())
        context.out.line(messages::encode(entry));
      else
        rows.push_back(row_of(entry));
    }
    more = page.more && !page.entries.empty();
    if (more) request.after = page.entries.back().account_seq;
  }
  if (!context.json())
    context.out.table({{"NO", Align::right},
                       {"SEQ", Align::right},
                       {"TIME"},
                       {"TYPE"},
                       {"AMOUNT", Align::right},
                       {"REFERENCE"}},
                      rows);
  return Exit::ok;
}

Result<Exit> verify(Context& context) {
  GUILD_TRY(Source source, open_ledger(context));
  GUILD_TRY(const host::Home home, context.home());
  std::optional<ledgerd::SigningKey> key;
  if (const auto signing = keys::load_signing(home.keys())) key = signing->public_key;
  GUILD_TRY(
      const auto report,
      source.ask<messages::VerifyReport>(
          "ledgerd/verify", messages::Nothing{}, context.timeout_or(verify_limit),
          [&key](storage::Connection& file) { return ledgerd::verify_file(file, {}, {}, key); }));
  if (context.json())
    context.out.line(messages::encode(report));
  else if (report.ok)
    context.out.line(fmt::format("{}  {} postings, root {}", context.out.paint(Colour::green, "ok"),
                                 report.entries, report.root));
  else
    context.out.line(fmt::format("{}  posting {}: {}", context.out.paint(Colour::red, "FAIL"),
                                 report.first_bad_seq, escape_to_ascii(report.problem)));
  return report.ok ? Exit::ok : Exit::failed;
}

}  // namespace

Result<Source> open_ledger(Context& context) {
  return Source::open(context, database_in("ledger.db"), ledgerd::schema());
}

void add_ledger(Command& root) {
  Command& noun = root.add("ledger", "the book: who has what, and every move of it");

  const auto moved = std::make_shared<TransferArguments>();
  noun.add("transfer", "move an amount from one account to another")
      .takes("FROM", moved->from, "treasury, bot/HANDLE, user/NAME, ...")
      .takes("TO", moved->to, "likewise")
      .takes("AMOUNT", moved->amount, "more than 0, with at most 8 decimals")
      .option("--id", "ID", moved->id, "a UUID; the same one again books nothing twice")
      .option("--reference", "TEXT", moved->reference, "what it is for")
      .runs([moved](Context& context) { return transfer(context, *moved); });

  const auto asked = std::make_shared<messages::AccountName>();
  noun.add("balance", "what an account has")
      .takes("ACCOUNT", *asked, "treasury, bot/HANDLE, ...")
      .runs([asked](Context& context) { return balance(context, *asked); });

  const auto listed = std::make_shared<messages::AccountName>();
  noun.add("entries", "every entry of an account, oldest first")
      .takes("ACCOUNT", *listed, "treasury, bot/HANDLE, ...")
      .runs([listed](Context& context) { return entries(context, *listed); });

  noun.add("verify", "recompute the whole book from its file").runs(verify);
  add_ledger_events(noun);
  add_ledger_audit(noun);
  add_ledger_holds(noun);
  add_ledger_proofs(noun);
  add_ledger_bench(noun);
}

}  // namespace guild::cli
