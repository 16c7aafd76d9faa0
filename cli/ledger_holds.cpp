// guild ledger hold|post|void|floor|close|reopen: money that is kept aside, and accounts that are
// kept in order.
#include <memory>

#include "cli/ledger.hpp"
#include "cli/value.hpp"

namespace guild::cli {
namespace {

struct HoldArguments {
  messages::AccountName from, to;
  Amount amount;
  Duration lifetime = std::chrono::hours(1);
  std::optional<Uuid> id;
  Text<128> reference;
};

Result<Exit> hold(Context& context, const HoldArguments& arguments) {
  const messages::CreateHold order{.id = arguments.id.value_or(Uuid::make()),
                                   .debit = arguments.from,
                                   .credit = arguments.to,
                                   .amount = arguments.amount.money,
                                   .lifetime = arguments.lifetime,
                                   .reference = arguments.reference,
                                   .credential = {}};
  GUILD_TRY(Session session, Session::open(context));
  return book(context, session, "ledgerd/hold", order,
              fmt::format("{} of {} held for {}, for {}", order.amount.text(), order.debit.value,
                          order.credit.value, to_text(order.lifetime)));
}

struct EndArguments {
  Uuid hold;
  std::optional<Amount> amount;
  std::optional<Uuid> id;
  Text<128> reference;
};

/// The id of what ends a hold follows from the hold's, so that the command may be given twice.
Uuid id_of_end(const EndArguments& arguments, std::string_view verb) {
  return arguments.id.value_or(Uuid::of_name(fmt::format("{}/{}", verb, arguments.hold.text())));
}

Result<Exit> post(Context& context, const EndArguments& arguments) {
  messages::PostHold order{.id = id_of_end(arguments, "post"),
                           .hold = arguments.hold,
                           .amount = {},
                           .reference = arguments.reference,
                           .credential = {}};
  if (arguments.amount) order.amount = arguments.amount->money;
  GUILD_TRY(Session session, Session::open(context));
  return book(
      context, session, "ledgerd/hold-post", order,
      fmt::format("{} of hold {} posted", order.amount ? order.amount->text() : std::string("all"),
                  order.hold.text()));
}

Result<Exit> void_hold(Context& context, const EndArguments& arguments) {
  const messages::VoidHold order{.id = id_of_end(arguments, "void"),
                                 .hold = arguments.hold,
                                 .reference = arguments.reference,
                                 .credential = {}};
  GUILD_TRY(Session session, Session::open(context));
  return book(context, session, "ledgerd/hold-void", order,
              fmt::format("hold {} voided", order.hold.text()));
}

struct AccountArguments {
  messages::AccountName account;
  Money floor;
  std::optional<Uuid> id;
  Text<128> reference;
};

Result<Exit> set_floor(Context& context, const AccountArguments& arguments) {
  const messages::SetFloor order{.id = arguments.id.value_or(Uuid::make()),
                                 .account = arguments.account,
                                 .floor = arguments.floor,
                                 .reference = arguments.reference,
                                 .credential = {}};
  GUILD_TRY(Session session, Session::open(context));
  return book(context, session, "ledgerd/floor", order,
              fmt::format("floor of {} is {}", order.account.value, order.floor.text()));
}

Result<Exit> manage(Context& context, const AccountArguments& arguments, std::string_view name,
                    std::string_view done) {
  const messages::CloseAccount order{.id = arguments.id.value_or(Uuid::make()),
                                     .account = arguments.account,
                                     .reference = arguments.reference,
                                     .credential = {}};
  GUILD_TRY(Session session, Session::open(context));
  return book(context, session, name, order, fmt::format("{} {}", order.account.value, done));
}

template <class Arguments>
Command& common_options(Command& verb, Arguments& arguments) {
  return verb.option("--id", "ID", arguments.id, "a UUID; the same one again books nothing twice")
      .option("--reference", "TEXT", arguments.reference, "what it is for");
}

void add_end(Command& ledger) {
  const auto posted = std::make_shared<EndArguments>();
  common_options(ledger.add("post", "move what is held; what is not posted is free again")
                     .takes("HOLD", posted->hold, "the id that the hold was made with")
                     .option("--amount", "AMOUNT", posted->amount, "of it; all when not given"),
                 *posted)
      .runs([posted](Context& context) { return post(context, *posted); });

  const auto voided = std::make_shared<EndArguments>();
  common_options(ledger.add("void", "end a hold and move nothing")
                     .takes("HOLD", voided->hold, "the id that the hold was made with"),
                 *voided)
      .runs([voided](Context& context) { return void_hold(context, *voided); });
}

void add_accounts(Command& ledger) {
  const auto floored = std::make_shared<AccountArguments>();
  common_options(ledger.add("floor", "keep a reserve on an account")
                     .takes("ACCOUNT", floored->account, "bot/HANDLE, user/NAME, ...")
                     .takes("AMOUNT", floored->floor, "what stays, from 0.00"),
                 *floored)
      .runs([floored](Context& context) { return set_floor(context, *floored); });

  const auto closed = std::make_shared<AccountArguments>();
  common_options(
      ledger.add("close", "close an empty account").takes("ACCOUNT", closed->account, "user/NAME"),
      *closed)
      .runs([closed](Context& context) {
        return manage(context, *closed, "ledgerd/account-close", "is closed");
      });
  const auto reopened = std::make_shared<AccountArguments>();
  common_options(ledger.add("reopen", "open a closed account again")
                     .takes("ACCOUNT", reopened->account, "user/NAME"),
                 *reopened)
      .runs([reopened](Context& context) {
        return manage(context, *reopened, "ledgerd/account-reopen", "is open again");
      });
}

}  // namespace

void add_ledger_holds(Command& ledger) {
  const auto held = std::make_shared<HoldArguments>();
  common_options(ledger.add("hold", "keep an amount of one account aside for another")
                     .takes("FROM", held->from, "treasury, bot/HANDLE, user/NAME, ...")
                     .takes("TO", held->to, "whom it is kept for; the account is there")
                     .takes("AMOUNT", held->amount, "more than 0, with at most 8 decimals")
                     .option("--for", "TIME", held->lifetime, "until it expires (1h)"),
                 *held)
      .runs([held](Context& context) { return hold(context, *held); });
  add_end(ledger);
  add_accounts(ledger);
}

}  // namespace guild::cli
