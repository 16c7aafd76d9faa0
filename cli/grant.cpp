// guild grant list|add|revoke: what a bot may do.
#include <memory>

#include <fmt/format.h>

#include "cli/nouns.hpp"
#include "cli/session.hpp"
#include "common/messages/authority.hpp"

namespace guild::cli {
namespace {

constexpr std::int64_t page_size = 1'000;

std::string_view name_of(messages::GrantEffect effect) {
  constexpr std::array<std::string_view, 3> names = {"allow", "ask", "deny"};
  return names.at(static_cast<std::size_t>(effect));
}

Row row_of(const messages::Grant& grant) {
  const auto limit = [](const auto& value) { return value ? value->text() : std::string("-"); };
  return {grant.pattern.value,
          name_of(grant.effect),
          std::to_string(grant.used_today),
          grant.daily_limit ? std::to_string(*grant.daily_limit) : std::string("-"),
          grant.spent_today.text(),
          limit(grant.spending_limit),
          grant.expires_at ? to_rfc3339(*grant.expires_at) : std::string("-"),
          {grant.enabled ? "yes" : "no", grant.enabled ? Colour::none : Colour::red}};
}

void show(Context& context, const std::vector<messages::Grant>& grants) {
  std::vector<Row> rows;
  for (const messages::Grant& grant : grants) {
    if (context.json())
      context.out.line(messages::encode(grant));
    else
      rows.push_back(row_of(grant));
  }
  if (!context.json())
    context.out.table({{"PATTERN"},
                       {"EFFECT"},
                       {"USED", Align::right},
                       {"DAILY", Align::right},
                       {"SPENT", Align::right},
                       {"LIMIT", Align::right},
                       {"EXPIRES"},
                       {"ENABLED"}},
                      rows);
}

Result<Exit> list(Context& context, const messages::Handle& bot) {
  GUILD_TRY(Session session, Session::open(context));
  messages::ListGrants request{bot, "", page_size};
  std::vector<messages::Grant> grants;
  for (bool more = true; more;) {
    GUILD_TRY(const auto page,
              session.ask_until_answered<messages::GrantsPage>("ledgerd/grant-list", request,
                                                               context.timeout_or(answer_limit)));
    grants.insert(grants.end(), page.grants.begin(), page.grants.end());
    more = page.more && !page.grants.empty();
    if (more) request.after = page.grants.back().pattern;
  }
  show(context, grants);
  return Exit::ok;
}

struct AddArguments {
  messages::Handle bot;
  messages::ActionName pattern;
  messages::GrantEffect effect = messages::GrantEffect::allow;
  std::optional<std::int64_t> daily;
  std::optional<Money> spend;
  std::optional<Deadline> until;
};

Result<Exit> add(Context& context, const AddArguments& arguments) {
  messages::AddGrant request{.bot = arguments.bot,
                             .pattern = arguments.pattern,
                             .effect = arguments.effect,
                             .daily_limit = arguments.daily,
                             .spending_limit = arguments.spend,
                             .expires_at = {},
                             .credential = {}};
  if (arguments.until) request.expires_at = arguments.until->at;
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto grant, session.ask_until_answered<messages::Grant>(
                                  "ledgerd/grant-add", request, context.timeout_or(answer_limit)));
  show(context, {grant});
  return Exit::ok;
}

Result<Exit> revoke(Context& context, const AddArguments& arguments) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_CHECK(session.ask<messages::Nothing>(
      "ledgerd/grant-revoke", messages::RevokeGrant{arguments.bot, arguments.pattern, {}},
      context.timeout_or(answer_limit)));
  context.out.say(
      fmt::format("{} is revoked from {}", arguments.pattern.value, arguments.bot.value));
  return Exit::ok;
}

}  // namespace

void add_grant(Command& root) {
  Command& noun = root.add("grant", "grants: what a bot may do");
  const auto listed = std::make_shared<messages::Handle>();
  noun.add("list", "a bot's grants, and what was used of them today")
      .takes("BOT", *listed, "whose")
      .runs([listed](Context& context) { return list(context, *listed); });

  const auto added = std::make_shared<AddArguments>();
  noun.add("add", "grant, or change what a pattern says; enables it again")
      .takes("BOT", added->bot, "to whom")
      .takes("PATTERN", added->pattern, "an action, a:* (all below a), a (both), * (any)")
      .option("--effect", "EFFECT", added->effect, "allow, ask (a person decides) or deny")
      .option("--daily", "N", added->daily, "uses a day (no limit)")
      .option("--spend", "AMOUNT", added->spend, "cost a day (no limit)")
      .option("--until", "TIME", added->until, "a time, or a while from now: 24h (for ever)")
      .runs([added](Context& context) { return add(context, *added); });

  const auto revoked = std::make_shared<AddArguments>();
  noun.add("revoke", "take a grant back")
      .takes("BOT", revoked->bot, "from whom")
      .takes("PATTERN", revoked->pattern, "as it was granted")
      .runs([revoked](Context& context) { return revoke(context, *revoked); });
}

}  // namespace guild::cli
