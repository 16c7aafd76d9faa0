#include "common/host/config.hpp"

#include <fmt/format.h>

#include "cli/answers.hpp"
#include "cli/context.hpp"
#include "cli/nouns.hpp"

namespace guild::cli {
namespace {

Result<Exit> show(Context& context) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const host::Settings settings, context.settings(home));
  if (context.json()) {
    context.out.line(messages::encode(settings));
  } else {
    context.out.raw(host::format_settings(settings));
  }
  return Exit::ok;
}

Result<Exit> check(Context& context) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const host::Settings settings, context.settings(home));
  GUILD_TRY(const std::string endpoint, host::bus_endpoint(home, settings));
  const std::string path = home.config().string();
  if (context.json()) {
    context.out.line(messages::encode(ConfigVerdict{path, true, endpoint}));
  } else {
    context.out.line(fmt::format("{}: sound; the bus is at {}", path, endpoint));
  }
  return Exit::ok;
}

Result<Exit> path(Context& context) {
  GUILD_TRY(const host::Home home, context.home());
  const std::string path = home.config().string();
  context.out.line(context.json() ? messages::encode(MadeFile{path}) : path);
  return Exit::ok;
}

}  // namespace

void add_config(Command& root) {
  Command& noun = root.add("config", "guild.toml and what the environment changes of it");
  noun.add("show", "every setting with its value, defaults included").runs(show);
  noun.add("check", "whether file and environment are sound").runs(check);
  noun.add("path", "where guild.toml is looked for").runs(path);
}

}  // namespace guild::cli
