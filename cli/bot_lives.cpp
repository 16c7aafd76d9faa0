// guild bot rotate|retire|liquidate|revive|sync-keys: what an operator does with a bot's life.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "cli/bot.hpp"
#include "cli/env_keys.hpp"
#include "cli/payload.hpp"
#include "cli/session.hpp"
#include "common/base/secret.hpp"

namespace guild::cli {
namespace {

constexpr std::size_t keys_a_request = 1'000;

/// None of these is sent twice: the second would be refused, and what the first showed be lost.
template <class Reply, class Request>
Result<Reply> ask_once(Context& context, std::string_view name, const Request& request) {
  GUILD_TRY(Session session, Session::open(context));
  auto answer = session.ask<Reply>(name, request, context.timeout_or(answer_limit));
  if (!answer && (answer.error().kind == ErrorKind::timeout || is_daemon_down(answer.error())))
    answer.error().next_step = fmt::format(
        "guild bot show {} tells whether it was done; if its new key was lost, guild "
        "bot rotate makes another",
        request.handle.value);
  return answer;
}

Result<Exit> renew(Context& context, std::string_view name, const auto& request) {
  GUILD_TRY(const auto made, ask_once<messages::BotCreated>(context, name, request));
  show_credentials(context, made);
  return Exit::ok;
}

Result<Exit> end(Context& context, std::string_view name, const messages::Handle& handle) {
  GUILD_TRY(const auto bot,
            ask_once<messages::Bot>(context, name, messages::ChangeBot{handle, {}}));
  if (context.json())
    context.out.line(messages::encode(bot));
  else
    context.out.line(fmt::format("{} is DEAD, with {}", bot.handle.value, bot.balance.text()));
  return Exit::ok;
}

std::string_view name_of(messages::KeySync result) {
  constexpr std::array<std::string_view, 5> names = {"set", "unchanged", "unknown", "dead",
                                                     "invalid"};
  return names.at(static_cast<std::size_t>(result));
}

/// Whether all of them are as the file says now.
bool show(Context& context, const messages::KeysSynced& synced) {
  bool is_all = true;
  for (const messages::KeySynced& key : synced.keys) {
    context.out.line(context.json()
                         ? messages::encode(key)
                         : fmt::format("{:<9}  {}", name_of(key.result), key.name.value));
    is_all = is_all &&
             (key.result == messages::KeySync::set || key.result == messages::KeySync::unchanged);
  }
  return is_all;
}

Result<std::vector<messages::BotKey>> read_keys(const std::string& file) {
  GUILD_TRY(std::string text, read_payload(file == "-" ? file : "@" + file));
  auto keys = parse_env_keys(text);
  wipe(text.data(), text.size());
  return keys;
}

Result<Exit> sync_keys(Context& context, const std::string& file) {
  GUILD_TRY(const auto keys, read_keys(file));
  GUILD_TRY(Session session, Session::open(context));
  bool is_all = true;
  for (std::size_t at = 0; at < keys.size(); at += keys_a_request) {
    messages::SyncKeys request;
    const auto end = std::min(keys.size(), at + keys_a_request);
    for (std::size_t i = at; i < end; ++i) request.keys.push_back(keys[i]);
    GUILD_TRY(const auto synced,
              session.ask_until_answered<messages::KeysSynced>("ledgerd/bot-sync-keys", request,
                                                               context.timeout_or(answer_limit)));
    is_all = show(context, synced) && is_all;
  }
  if (!is_all) context.out.say("some were not set: no such bot, a DEAD one, or not our key's form");
  return is_all ? Exit::ok : Exit::failed;
}

void add_end(Command& bot, std::string name, std::string help, std::string_view verb) {
  const auto handle = std::make_shared<messages::Handle>();
  bot.add(std::move(name), std::move(help))
      .takes("HANDLE", *handle, "whom")
      .runs([handle, verb](Context& context) { return end(context, verb, *handle); });
}

}  // namespace

void add_bot_lives(Command& bot) {
  const auto rotated = std::make_shared<messages::Handle>();
  bot.add("rotate", "a new key and secret, shown once; the old ones are refused from then on")
      .takes("HANDLE", *rotated, "whom")
      .runs([rotated](Context& context) {
        return renew(context, "ledgerd/bot-rotate", messages::ChangeBot{*rotated, {}});
      });
  add_end(bot, "retire", "end a bot; its balance stays, its keys are refused",
          "ledgerd/bot-retire");
  add_end(bot, "liquidate", "end a bot; its balance goes to the treasury", "ledgerd/bot-liquidate");

  struct Revival {
    messages::Handle handle;
    Amount amount;
  };
  const auto revival = std::make_shared<Revival>();
  bot.add("revive", "a DEAD bot lives again, with new credentials, shown once")
      .takes("HANDLE", revival->handle, "whom")
      .takes("AMOUNT", revival->amount, "what it is given, from the treasury")
      .runs([revival](Context& context) {
        return renew(context, "ledgerd/bot-revive",
                     messages::ReviveBot{revival->handle, revival->amount.money, {}});
      });

  const auto file = std::make_shared<std::string>();
  bot.add("sync-keys", "set bots' keys from a file such as .env.bots")
      .takes("FILE", *file, "HANDLE_API_KEY=... and HANDLE_API_SECRET=... lines; - for stdin")
      .runs([file](Context& context) { return sync_keys(context, *file); });
}

}  // namespace guild::cli
