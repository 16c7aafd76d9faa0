// guild bot observe and guild bot act: what a bot is shown in the arena, and one action on it, by
// hand.
#include <memory>

#include <fmt/format.h>

#include "cli/feed.hpp"
#include "cli/session.hpp"
#include "common/messages/arena.hpp"
#include "common/messages/enum_name.hpp"

namespace guild::cli {
namespace {

std::string line_of(const messages::OwnAction& action) {
  std::string text =
      fmt::format("did {} at {}", messages::enum_name(action.action), to_rfc3339(action.time));
  if (action.wager && action.symbol && action.direction)
    text += fmt::format(": {} on {} {}", action.wager->text(), action.symbol->value,
                        messages::enum_name(*action.direction));
  if (action.wager && action.market && action.outcome)
    text += fmt::format(": {} on {} of {}", action.wager->text(), action.outcome->value,
                        action.market->text());
  return text;
}

void show(Context& context, const messages::Observation& observation) {
  if (context.json()) return context.out.line(messages::encode(observation));
  context.out.line(fmt::format("observation  {}\nfresh until  {}\nbalance      {}, available {}",
                               observation.observation_id.text(),
                               to_rfc3339(observation.expires_at), observation.balance.text(),
                               observation.available.text()));
  for (const messages::ShownPrice& price : observation.prices)
    context.out.line(fmt::format("{} is {}", price.symbol.value, price.price.text()));
  for (const messages::OpenPosition& position : observation.positions)
    context.out.line(escape_to_ascii(fmt::format(
        "{} on {} of {}, until {}", position.stake.text(), position.outcome.value,
        position.symbol ? position.symbol->value : position.market.value_or(Uuid()).text(),
        to_rfc3339(position.ends_at))));
  for (const messages::OwnAction& action : observation.last_actions)
    context.out.line(escape_to_ascii(line_of(action)));
  if (observation.last_loss) context.out.line(escape_to_ascii(observation.last_loss->value));
}

Result<Exit> observe(Context& context, const messages::Handle& bot) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto observation, session.ask_until_answered<messages::Observation>(
                                        "ledgerd/arena-observe", messages::Observe{bot, {}},
                                        context.timeout_or(answer_limit)));
  show(context, observation);
  return Exit::ok;
}

struct ActArguments {
  messages::Handle bot;
  messages::TakeAction action;
  std::optional<Amount> wager;
};

/// Sent again it is refused as used, which would hide that it was done: so it is sent once.
Result<Exit> act(Context& context, const ActArguments& arguments) {
  messages::TakeAction request = arguments.action;
  request.bot = arguments.bot;
  if (arguments.wager) request.wager = arguments.wager->money;
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto taken, session.ask<messages::ActionTaken>("ledgerd/arena-act", request,
                                                                 context.timeout_or(answer_limit)));
  if (context.json())
    context.out.line(messages::encode(taken));
  else
    context.out.line(
        fmt::format("{}, balance {}", messages::enum_name(taken.action), taken.balance.text()));
  return Exit::ok;
}

}  // namespace

void add_bot_arena(Command& bot) {
  const auto seen = std::make_shared<messages::Handle>();
  bot.add("observe", "what a bot is shown in the arena; it may act on it for 5s")
      .takes("HANDLE", *seen, "whom")
      .runs([seen](Context& context) { return observe(context, *seen); });
  const auto done = std::make_shared<ActArguments>();
  bot.add("act", "one action on an observation, in a bot's place")
      .takes("HANDLE", done->bot, "whose")
      .needs("--observation", "ID", done->action.observation_id, "as guild bot observe showed it")
      .needs("--action", "ACTION", done->action.action, "PREDICT or WAIT")
      .option("--direction", "UP|DOWN", done->action.direction, "of a prediction")
      .option("--wager", "AMOUNT", done->wager, "of a prediction")
      .option("--symbol", "SYMBOL", done->action.symbol, "when several have a price")
      .option("--reasoning", "TEXT", done->action.reasoning, "what for; it is kept")
      .runs([done](Context& context) { return act(context, *done); });
}

}  // namespace guild::cli
