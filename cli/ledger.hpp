// What the verbs of `guild ledger` share. Errors are those of the session, and ledgerd's refusals
// (common/messages/ledgerd.hpp).
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/session.hpp"
#include "cli/source.hpp"
#include "common/messages/ledgerd.hpp"

namespace guild::cli {

/// The daemon, or its file when it does not answer.
Result<Source> open_ledger(Context& context);

/// Asks for a posting until it is answered, which books it once, and prints the receipt.
template <class Order>
Result<Exit> book(Context& context, Session& session, std::string_view name, const Order& order,
                  std::string_view what) {
  auto receipt =
      session.ask_until_answered<messages::Receipt>(name, order, context.timeout_or(answer_limit));
  if (!receipt && receipt.error().kind == ErrorKind::timeout)
    receipt.error().next_step = fmt::format(
        "whether it was booked is not known; the same command with --id {} books it at most once",
        order.id.text());
  if (!receipt) return fail(std::move(receipt).error());
  context.out.line(
      context.json()
          ? messages::encode(*receipt)
          : fmt::format("{}: seq {}, id {}{}", what, receipt->seq, receipt->id.text(),
                        receipt->repeated ? " (booked before; nothing was moved again)" : ""));
  return Exit::ok;
}

void add_ledger_audit(Command& ledger);
void add_ledger_events(Command& ledger);
void add_ledger_holds(Command& ledger);
void add_ledger_proofs(Command& ledger);
void add_ledger_bench(Command& ledger);

}  // namespace guild::cli
