// guild approval list|allow|deny: permits that wait for a person.
#include <memory>

#include <fmt/format.h>

#include "cli/nouns.hpp"
#include "cli/permit.hpp"
#include "cli/session.hpp"

namespace guild::cli {
namespace {

constexpr std::int64_t page_size = 1'000;

/// A page at a time, since there is no bound on how many there are.
Result<Exit> list(Context& context) {
  GUILD_TRY(Session session, Session::open(context));
  messages::ListApprovals request{{}, page_size};
  std::vector<Row> rows;
  for (bool more = true; more;) {
    GUILD_TRY(const auto page,
              session.ask_until_answered<messages::ApprovalsPage>(
                  "ledgerd/approval-list", request, context.timeout_or(answer_limit)));
    for (const messages::Approval& one : page.approvals) {
      if (context.json())
        context.out.line(messages::encode(one));
      else
        rows.push_back({one.permit.text(), one.bot.value, one.action.value, one.max_cost.text(),
                        to_rfc3339(one.asked_at)});
    }
    more = page.more && !page.approvals.empty();
    if (more) request.after = page.approvals.back().permit;
  }
  if (!context.json())
    context.out.table({{"PERMIT"}, {"BOT"}, {"ACTION"}, {"MAX COST", Align::right}, {"ASKED AT"}},
                      rows);
  return Exit::ok;
}

Result<Exit> decide(Context& context, std::string_view name, const Uuid& permit) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto decided,
            session.ask_until_answered<messages::Permit>(name, messages::DecideApproval{permit, {}},
                                                         context.timeout_or(answer_limit)));
  const Exit shown = show_permit(context, decided);
  // To have denied what was to be denied is what was asked for.
  return decided.state == messages::PermitState::denied ? Exit::ok : shown;
}

}  // namespace

void add_approval(Command& root) {
  Command& noun = root.add("approval", "approvals: permits that wait for a person");
  noun.add("list", "what waits, oldest first").runs(list);
  const auto allowed = std::make_shared<Uuid>();
  noun.add("allow", "let it go on; everything is checked again")
      .takes("PERMIT", *allowed, "its id")
      .runs([allowed](Context& context) {
        return decide(context, "ledgerd/approval-allow", *allowed);
      });
  const auto denied = std::make_shared<Uuid>();
  noun.add("deny", "refuse it").takes("PERMIT", *denied, "its id").runs([denied](Context& context) {
    return decide(context, "ledgerd/approval-deny", *denied);
  });
}

}  // namespace guild::cli
