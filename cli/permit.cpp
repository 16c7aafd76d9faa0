// guild permit request|settle: one use of a grant.
#include "cli/permit.hpp"

#include <memory>

#include <fmt/format.h>

#include "cli/nouns.hpp"
#include "cli/session.hpp"
#include "common/messages/enum_name.hpp"

namespace guild::cli {
namespace {

using messages::PermitRefusal;
using messages::PermitState;

std::string_view name_of(PermitState state) {
  constexpr std::array<std::string_view, 3> names = {"allowed", "denied", "awaiting_approval"};
  return names.at(static_cast<std::size_t>(state));
}

struct RequestArguments {
  messages::Handle bot;
  messages::ActionName action;
  Money max;
  Duration lifetime = std::chrono::hours(1);
  std::optional<Uuid> id;
};

Result<Exit> request(Context& context, const RequestArguments& arguments) {
  const messages::RequestPermit order{.id = arguments.id.value_or(Uuid::make()),
                                      .bot = arguments.bot,
                                      .action = arguments.action,
                                      .max_cost = arguments.max,
                                      .lifetime = arguments.lifetime,
                                      .credential = {}};
  GUILD_TRY(Session session, Session::open(context));
  auto permit = session.ask_until_answered<messages::Permit>("ledgerd/permit-request", order,
                                                             context.timeout_or(answer_limit));
  if (!permit && permit.error().kind == ErrorKind::timeout)
    permit.error().next_step = fmt::format(
        "whether it was given is not known; the same command with --id {} gives it at most once",
        order.id.text());
  if (!permit) return fail(std::move(permit).error());
  return show_permit(context, *permit);
}

struct SettleArguments {
  Uuid permit;
  Money cost;
  messages::PermitOutcome outcome{};
};

Result<Exit> settle(Context& context, const SettleArguments& arguments) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto settled,
            session.ask_until_answered<messages::Settled>(
                "ledgerd/permit-settle",
                messages::SettlePermit{arguments.permit, arguments.cost, arguments.outcome, {}},
                context.timeout_or(answer_limit)));
  context.out.line(context.json()
                       ? messages::encode(settled)
                       : fmt::format("{} settled at {}{}", settled.permit.text(),
                                     settled.cost.text(), settled.repeated ? " (before)" : ""));
  return Exit::ok;
}

}  // namespace

std::string reason_of(const messages::Permit& permit) {
  if (!permit.reason) return {};
  return std::string(messages::enum_name(*permit.reason));
}

Exit show_permit(Context& context, const messages::Permit& permit) {
  const std::string reason = reason_of(permit);
  context.out.line(context.json()
                       ? messages::encode(permit)
                       : fmt::format("{} {}{}{}", permit.permit.text(), name_of(permit.state),
                                     reason.empty() ? "" : ": ", reason));
  if (!permit.reason || permit.reason == PermitRefusal::approval_pending) return Exit::ok;
  return permit.reason == PermitRefusal::insufficient_funds ? Exit::funds_short
                                                            : Exit::not_permitted;
}

void add_permit(Command& root) {
  Command& noun = root.add("permit", "permits: one use of a grant, counted and paid for");
  const auto asked = std::make_shared<RequestArguments>();
  noun.add("request", "ask whether a bot may act, and keep aside what it may cost")
      .takes("BOT", asked->bot, "who acts")
      .takes("ACTION", asked->action, "such as send_email:summary")
      .option("--max", "COST", asked->max, "the most it may cost (nothing)")
      .option("--for", "TIME", asked->lifetime, "until it expires unsettled (1h)")
      .option("--id", "ID", asked->id, "a UUID; the same one again asks for nothing twice")
      .runs([asked](Context& context) { return request(context, *asked); });

  const auto settled = std::make_shared<SettleArguments>();
  noun.add("settle", "pay what an action has cost, and say how it went")
      .takes("PERMIT", settled->permit, "its id")
      .needs("--cost", "COST", settled->cost, "from 0 to what is kept aside")
      .needs("--outcome", "OUTCOME", settled->outcome, "ok or error")
      .runs([settled](Context& context) { return settle(context, *settled); });
}

}  // namespace guild::cli
