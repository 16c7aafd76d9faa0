#include "cli/bot.hpp"

#include <memory>

#include <fmt/format.h>

#include "cli/feed.hpp"
#include "cli/nouns.hpp"
#include "cli/session.hpp"
#include "common/messages/ledgerd.hpp"

namespace guild::cli {
namespace {

constexpr std::int64_t page_size = 1'000;

/// Not sent twice: the second would be refused as taken, and the credentials be lost.
Result<Exit> add(Context& context, const messages::Handle& handle) {
  GUILD_TRY(Session session, Session::open(context));
  auto made = session.ask<messages::BotCreated>(
      "ledgerd/bot-create", messages::CreateBot{handle, {}}, context.timeout_or(answer_limit));
  if (!made && (made.error().kind == ErrorKind::timeout || is_daemon_down(made.error())))
    made.error().next_step =
        fmt::format("guild bot show {} tells whether it was made", handle.value);
  if (!made) return fail(std::move(made).error());
  show_credentials(context, *made);
  return Exit::ok;
}

Row row_of(const messages::Bot& bot) {
  const bool is_alive = bot.status == messages::BotStatus::ALIVE;
  return {
      bot.handle.value,    {is_alive ? "ALIVE" : "DEAD", is_alive ? Colour::green : Colour::red},
      bot.balance.text(),  bot.available.text(),
      bot.time_zone.value, to_rfc3339(bot.created_at)};
}

void show(Context& context, const std::vector<messages::Bot>& bots) {
  std::vector<Row> rows;
  for (const messages::Bot& bot : bots) {
    if (context.json())
      context.out.line(messages::encode(bot));
    else
      rows.push_back(row_of(bot));
  }
  if (!context.json())
    context.out.table({{"HANDLE"},
                       {"STATUS"},
                       {"BALANCE", Align::right},
                       {"AVAILABLE", Align::right},
                       {"TIME ZONE"},
                       {"CREATED"}},
                      rows);
}

Result<Exit> list(Context& context) {
  GUILD_TRY(Session session, Session::open(context));
  messages::ListBots request{"", page_size};
  std::vector<messages::Bot> bots;
  for (bool more = true; more;) {
    GUILD_TRY(const auto page, session.ask_until_answered<messages::BotsPage>(
                                   "ledgerd/bot-list", request, context.timeout_or(answer_limit)));
    bots.insert(bots.end(), page.bots.begin(), page.bots.end());
    more = page.more && !page.bots.empty();
    if (more) request.after = page.bots.back().handle;
  }
  show(context, bots);
  return Exit::ok;
}

Result<Exit> show_one(Context& context, const messages::Handle& handle) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto bot,
            session.ask_until_answered<messages::Bot>("ledgerd/bot-show", messages::GetBot{handle},
                                                      context.timeout_or(answer_limit)));
  show(context, {bot});
  return Exit::ok;
}

struct SetArguments {
  messages::Handle handle;
  Text<64> time_zone;
};

Result<Exit> set(Context& context, const SetArguments& arguments) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto bot,
            session.ask_until_answered<messages::Bot>(
                "ledgerd/bot-set", messages::SetBot{arguments.handle, arguments.time_zone, {}},
                context.timeout_or(answer_limit)));
  show(context, {bot});
  return Exit::ok;
}

}  // namespace

void show_credentials(Context& context, const messages::BotCreated& made) {
  if (context.json()) {
    context.out.line(messages::encode(made));
  } else {
    context.out.line(fmt::format("handle      {}\nbalance     {}\napi_key     {}\napi_secret  {}",
                                 made.handle.value, made.balance.text(), made.api_key,
                                 made.api_secret));
  }
  context.out.say("key and secret are shown this once; only their hashes are kept");
}

void add_bot(Command& root) {
  Command& noun = root.add("bot", "bots: an identity with a budget");

  const auto added = std::make_shared<messages::Handle>();
  noun.add("add", "make a bot with its grant; prints its credentials once")
      .takes("HANDLE", *added, "1 to 64 of a-z 0-9 - _, starting with a letter")
      .runs([added](Context& context) { return add(context, *added); });
  noun.add("list", "all bots").runs(list);
  const auto shown = std::make_shared<messages::Handle>();
  noun.add("show", "one bot").takes("HANDLE", *shown, "whom").runs([shown](Context& context) {
    return show_one(context, *shown);
  });
  const auto settings = std::make_shared<SetArguments>();
  noun.add("set", "change a bot's settings; it is audited")
      .takes("HANDLE", settings->handle, "whom")
      .needs("--time-zone", "ZONE", settings->time_zone,
             "whose days its daily limits count by: Europe/Berlin, UTC, ...")
      .runs([settings](Context& context) { return set(context, *settings); });
  add_bot_lives(noun);
  add_bot_economy(noun);
  add_bot_arena(noun);
}

}  // namespace guild::cli
