#include "keys/keyring.hpp"

#include <algorithm>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/answers.hpp"
#include "cli/context.hpp"
#include "cli/nouns.hpp"
#include "cli/session.hpp"
#include "common/base/bytes.hpp"

namespace guild::cli {
namespace {

/// The broker looks at its list within a second; past this it has not taken the change.
constexpr Duration reload_limit = std::chrono::seconds(3);

void tell_made(Context& context, const keys::Made& made) {
  for (const auto& file : made.files) {
    context.out.line(context.json() ? messages::encode(MadeFile{file.string()}) : file.string());
  }
}

Result<Exit> init(Context& context) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const keys::Made made, keys::init(home.keys()));
  tell_made(context, made);
  context.out.say(fmt::format("made {} files in {}; every secret is for its owner alone",
                              made.files.size(), home.keys().string()));
  return Exit::ok;
}

struct AddArguments {
  std::string name, role;
};

bool is_unknown_yet(const Error& error) { return error.code == "not_authorized"; }

/// A session with the new key. The broker learns of the key by itself, and a refused session is
/// over, so each try is one of its own.
Result<Session> open_when_known(Context& context, const std::string& name) {
  const auto end = std::chrono::steady_clock::now() + reload_limit;
  auto pause = std::chrono::milliseconds(25);
  for (;;) {
    auto session = Session::open_as(context, name, reload_limit, Patience::none);
    if (session || !is_unknown_yet(session.error()) || std::chrono::steady_clock::now() >= end)
      return session;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(400));
  }
}

/// Proves that the new key works: the broker welcomes it.
Result<void> prove(Context& context, const std::string& name) {
  auto session = open_when_known(context, name);
  if (session) {
    context.out.say(fmt::format("the broker welcomed {}", name));
    return {};
  }
  if (is_broker_down(session.error())) {
    context.out.say(fmt::format("the broker is not running; it will know {} when it starts", name));
    return {};
  }
  return fail(std::move(session).error().while_doing(
      fmt::format("{} is on the list, but a first session with its key failed", name)));
}

Result<Exit> add(Context& context, const AddArguments& arguments) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const keys::Made made, keys::add(home.keys(), arguments.name, arguments.role));
  tell_made(context, made);
  GUILD_CHECK(prove(context, arguments.name));
  return Exit::ok;
}

Result<Exit> revoke(Context& context, const std::string& name) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_CHECK(keys::revoke(home.keys(), name));
  context.out.say(
      fmt::format("{} is off the list; a running broker ends its sessions within 1 s", name));
  return Exit::ok;
}

List<std::string, 256> as_list(const std::vector<std::string>& patterns) {
  return {patterns.begin(), patterns.end()};
}

Result<Exit> list(Context& context) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const auto clients, keys::load_authorized_clients(home.keys()));
  std::vector<Row> rows;
  for (const keys::AuthorizedClient& client : clients) {
    const KeyLine line{client.name,
                       client.role,
                       to_hex(client.public_key),
                       as_list(client.publish),
                       as_list(client.subscribe),
                       as_list(client.request),
                       as_list(client.serve)};
    if (context.json()) {
      context.out.line(messages::encode(line));
    } else {
      rows.push_back({line.name, line.role, line.public_key});
    }
  }
  if (!context.json()) context.out.table({{"NAME"}, {"ROLE"}, {"PUBLIC KEY"}}, rows);
  return Exit::ok;
}

Result<Exit> extend(Context& context, const std::string& name) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const auto added, keys::extend(home.keys(), name));
  std::vector<Row> rows;
  for (const keys::Permission& each : added) {
    if (context.json()) {
      context.out.line(messages::encode(KeyPermission{each.client, each.field, each.pattern}));
    } else {
      rows.push_back({each.client, each.field, each.pattern});
    }
  }
  if (!rows.empty()) context.out.table({{"NAME"}, {"MAY NOW"}, {"PATTERN"}}, rows);
  context.out.say(
      added.empty()
          ? "nothing to add: the list gives all that their roles do"
          : fmt::format("{} permissions added; a running broker knows within 1 s", added.size()));
  return Exit::ok;
}

}  // namespace

void add_keys(Command& root) {
  Command& noun = root.add("keys", "who may connect: keypairs and the list of clients");
  noun.add("init", "make all keys of a new home; never overwrites").runs(init);

  const auto adding = std::make_shared<AddArguments>();
  noun.add("add", "make a client's key and put it on the list")
      .takes("NAME", adding->name, "1 to 64 of a-z 0-9 - _, starting with a letter")
      .needs("--role", "ROLE", adding->role, "operator, viewer, bench, bot or client")
      .runs([adding](Context& context) { return add(context, *adding); });

  const auto revoked = std::make_shared<std::string>();
  noun.add("revoke", "take a client off the list and remove its key")
      .takes("NAME", *revoked, "whom")
      .runs([revoked](Context& context) { return revoke(context, *revoked); });

  const auto extended = std::make_shared<std::string>();
  noun.add("extend", "add to a client's line what its role has come to allow")
      .may_take("NAME", *extended, "whose line; the daemons' when left out")
      .runs([extended](Context& context) { return extend(context, *extended); });

  noun.add("list", "the clients that may connect").runs(list);
}

}  // namespace guild::cli
