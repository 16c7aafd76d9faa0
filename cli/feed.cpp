// guild feed, guild viability, guild bot tick and guild bot insights: what the economy's bots do,
// and how they do.
#include "cli/feed.hpp"

#include <memory>

#include <fmt/format.h>

#include "cli/ledger.hpp"
#include "cli/nouns.hpp"
#include "cli/session.hpp"
#include "common/messages/answer.hpp"
#include "common/messages/economy.hpp"
#include "common/messages/enum_name.hpp"

namespace guild::cli {
namespace {

constexpr std::int64_t page_size = 500;

std::string_view describe_kind(messages::PostKind kind) {
  constexpr std::string_view names[] = {"WAGER", "RESULT", "DEATH", "REVIVAL", "ERROR"};
  return names[static_cast<std::size_t>(kind)];
}

/// With --json each post is printed as it comes; a table must know its widths first.
Result<Exit> feed(Context& context, std::int64_t after) {
  GUILD_TRY(Session session, Session::open(context));
  messages::ListFeed request{after, page_size};
  std::vector<Row> rows;
  for (bool more = true; more;) {
    GUILD_TRY(const auto page, session.ask_until_answered<messages::FeedPage>(
                                   "ledgerd/feed", request, context.timeout_or(answer_limit)));
    for (const messages::FeedPost& post : page.posts) {
      if (context.json())
        context.out.line(messages::encode(post));
      else
        rows.push_back({fmt::to_string(post.number), to_rfc3339(post.time),
                        std::string(describe_kind(post.kind)), post.bot.value, post.text.value});
    }
    more = page.more && !page.posts.empty();
    if (more) request.after = page.posts.back().number;
  }
  if (!context.json())
    context.out.table({{"NO", Align::right}, {"TIME"}, {"KIND"}, {"BOT"}, {"TEXT"}}, rows);
  return Exit::ok;
}

Result<Exit> viability(Context& context) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto viability,
            session.ask_until_answered<messages::Viability>(
                "ledgerd/viability", messages::Nothing{}, context.timeout_or(answer_limit)));
  if (context.json()) {
    context.out.line(messages::encode(viability));
    return Exit::ok;
  }
  constexpr std::string_view verdicts[] = {"VIABLE", "MARGINAL", "AT_RISK"};
  context.out.line(fmt::format("{} of 100, {}: {} of {} bots alive, {} ticks, {} wins",
                               viability.score.text(),
                               verdicts[static_cast<std::size_t>(viability.verdict)],
                               viability.alive, viability.bots, viability.ticks, viability.wins));
  return Exit::ok;
}

Result<Exit> insights(Context& context, const messages::Handle& handle) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto insights,
            session.ask_until_answered<messages::Insights>(
                "ledgerd/insights", messages::GetBot{handle}, context.timeout_or(answer_limit)));
  if (context.json()) {
    context.out.line(messages::encode(insights));
    return Exit::ok;
  }
  context.out.line(
      fmt::format("ticks {}\nidle rate {}\naverage phantom fee {}\nwould have been liquidated {}",
                  insights.ticks, insights.idle_rate.text(), insights.average_phantom_fee.text(),
                  insights.would_have_been_liquidated));
  return Exit::ok;
}

struct TickArguments {
  messages::Handle bot;
  messages::TickId id;
  messages::JsonObject intents;
};

void show(Context& context, const messages::TickReport& report) {
  if (context.json()) return context.out.line(messages::encode(report));
  context.out.line(fmt::format("{}, balance {}",
                               report.status == messages::BotStatus::ALIVE ? "ALIVE" : "DEAD",
                               report.balance.text()));
  std::vector<Row> rows;
  for (const messages::TickEntry& entry : report.entries)
    rows.push_back({fmt::to_string(entry.seq), messages::enum_name(entry.type), entry.amount.text(),
                    entry.reference.value});
  context.out.table({{"SEQ", Align::right}, {"TYPE"}, {"AMOUNT", Align::right}, {"REFERENCE"}},
                    rows);
  for (const messages::DroppedIntent& dropped : report.dropped)
    context.out.say(fmt::format("dropped {}: {}", dropped.intent.value, dropped.reason.value));
}

Result<Exit> tick(Context& context, const TickArguments& arguments) {
  messages::JsonObject intents;
  GUILD_TRY(intents.text, messages::mend_answer(arguments.intents.text));
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto report,
            session.ask_until_answered<messages::TickReport>(
                "ledgerd/tick", messages::RunTick{arguments.bot, arguments.id, intents, {}},
                context.timeout_or(answer_limit)));
  show(context, report);
  return Exit::ok;
}

}  // namespace

void add_bot_economy(Command& bot) {
  const auto ticked = std::make_shared<TickArguments>();
  bot.add("tick", "run one turn of a bot by hand; the same id again gives the same answer")
      .takes("HANDLE", ticked->bot, "whose")
      .needs("--id", "TICK", ticked->id, "1 to 40 of A-Z a-z 0-9 - _ .")
      .option("--intents", "JSON", ticked->intents.text,
              "what it wants to do; nothing when left out")
      .runs([ticked](Context& context) { return tick(context, *ticked); });
  const auto asked = std::make_shared<messages::Handle>();
  bot.add("insights", "how a bot does: ticks, idle rate, fees it would have paid")
      .takes("HANDLE", *asked, "whom")
      .runs([asked](Context& context) { return insights(context, *asked); });
}

void add_feed(Command& root) {
  const auto after = std::make_shared<std::int64_t>(0);
  root.add("feed", "what happened: wagers, results, deaths, errors; oldest first")
      .option("--after", "NO", *after, "only posts after this number")
      .runs([after](Context& context) { return feed(context, *after); });
  root.add("viability", "how all bots do together, from 0 to 100").runs(viability);
}

}  // namespace guild::cli
