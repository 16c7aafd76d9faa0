// Refusals as a user meets them: through the client library in a program of its own, and through
// the guild command with its exit codes.
#include "tests/integration/bus/refusal_row.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

/// A wrong key of the broker's shows after three broken handshakes.
constexpr auto wrong_server_key_limit = 2s;
constexpr std::int64_t handshakes_tried = 3;
/// A command is a process that has to start and to connect first; what the bus takes of it is
/// limited in the library's rows.
constexpr auto command_limit = 2s;
/// The broker looks at a changed list when the one who writes it is done.
const std::string large = "1048577";

Steady at(const Json& nanoseconds) {
  return Steady(std::chrono::nanoseconds(nanoseconds.get<std::int64_t>()));
}

std::string hex_file(const std::string& bytes) { return to_hex(bytes) + "\n"; }

/// The row's client with a folder in keys/, as the library wants it.
void give_folder(Stage& stage, const RawKeys& keys) {
  const auto folder = stage.home().keys() / stage.name();
  std::filesystem::create_directory(folder);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  for (const auto& [file, bytes] :
       {std::pair{"bus.public", keys.public_key}, std::pair{"bus.secret", keys.secret_key},
        std::pair{"broker.public", keys.server_key}}) {
    write_text(folder / file, hex_file(bytes));
    std::filesystem::permissions(
        folder / file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
}

RawKeys with_another_broker(Stage& stage) {
  RawKeys keys = stage.keys();
  keys.server_key = stage.strange_keys().public_key;
  return keys;
}

using KeysOf = std::function<RawKeys(Stage&)>;
const KeysOf listed = [](Stage& stage) { return stage.keys(); };
const KeysOf strange = [](Stage& stage) { return stage.strange_keys(); };

Process start_peer(Stage& stage, std::vector<std::string> words) {
  std::vector<std::string> argv = {program_path("typed_peer"), stage.endpoint(),
                                   stage.home().keys().string(), stage.name()};
  argv.insert(argv.end(), words.begin(), words.end());
  return Process::start(stage.home().command(argv), stage.home().capture("typed"));
}

Seen seen_by(Process& peer) {
  const Outcome outcome = peer.wait();
  const Json told = Json::parse(outcome.out);
  return {told.at("code"), at(told.at("acted_ns")), at(told.at("told_ns"))};
}

std::function<Seen(Stage&)> library(std::vector<std::string> words, KeysOf keys = listed) {
  return [words, keys](Stage& stage) {
    give_folder(stage, keys(stage));
    Process peer = start_peer(stage, words);
    return seen_by(peer);
  };
}

Seen library_is_revoked(Stage& stage) {
  give_folder(stage, stage.keys());
  Process peer = start_peer(stage, {"connect"});
  if (!peer.wait_for_err("ready")) return {};
  stage.write_list(stage.list_without_client());
  const auto acted_at = std::chrono::steady_clock::now();
  Seen seen = seen_by(peer);
  seen.acted_at = acted_at;
  return seen;
}

Seen library_loses_its_responder(Stage& stage) {
  auto responder = stage.join_helper();
  responder->ask(serve, "apps/goes");
  give_folder(stage, stage.keys());
  Process peer = start_peer(stage, {"request", "apps/goes", "60000", "1"});
  responder->expect(request_delivery);
  const auto acted_at = std::chrono::steady_clock::now();
  responder.reset();
  Seen seen = seen_by(peer);
  seen.acted_at = acted_at;
  return seen;
}

Seen library_waits_in_vain(Stage& stage) {
  const auto responder = stage.join_helper();
  responder->ask(serve, "apps/mute");
  give_folder(stage, stage.keys());
  Process peer = start_peer(stage, {"request", "apps/mute", "150", "1"});
  return seen_by(peer);
}

std::function<Seen(Stage&)> command(std::vector<std::string> words, KeysOf keys = listed) {
  return [words, keys](Stage& stage) {
    give_folder(stage, keys(stage));
    std::vector<std::string> all = {"--as", stage.name(), "--json", "bus"};
    all.insert(all.end(), words.begin(), words.end());
    const auto acted_at = std::chrono::steady_clock::now();
    const Outcome outcome = stage.home().guild(all);
    const auto told_at = std::chrono::steady_clock::now();
    const std::string exit = outcome.exit_code ? std::to_string(*outcome.exit_code) : "killed";
    const Json error = Json::parse(outcome.err, nullptr, false);
    const std::string code = error.is_object() ? error.value("code", "none") : outcome.err;
    return Seen{"exit " + exit + " " + code, acted_at, told_at};
  };
}

RefusalRow of_library(std::string name, std::vector<std::string> words, std::string code,
                      KeysOf keys = listed) {
  return {.name = "library: " + name,
          .act = library(words, std::move(keys)),
          .told = code,
          .reasons = {code},
          .operation = words[0]};
}

/// Refused by the library itself, or by nobody: the broker has no word in it.
RefusalRow quiet(std::string name, std::function<Seen(Stage&)> act, std::string code,
                 std::chrono::milliseconds grace = 0ms) {
  return {.name = "library: " + name,
          .act = std::move(act),
          .told = std::move(code),
          .reasons = {},
          .operation = {},
          .count = 0,
          .grace = grace};
}

RefusalRow of_command(std::string name, std::vector<std::string> words, std::string told,
                      std::string reason, std::string operation, KeysOf keys = listed) {
  RefusalRow row{.name = "guild: " + name,
                 .act = command(words, std::move(keys)),
                 .told = std::move(told),
                 .reasons = {reason},
                 .operation = std::move(operation),
                 .limit = command_limit};
  if (reason.empty()) {
    row.reasons.clear();
    row.count = 0;
  }
  return row;
}

RefusalRow at_the_door(RefusalRow row, std::string reason, Named named) {
  row.reasons = {std::move(reason)};
  row.operation = "connect";
  row.named = named;
  return row;
}

RefusalRow behind_another_broker(RefusalRow row) {
  row = at_the_door(std::move(row), "wrong_server_key", Named::nobody);
  row.count = handshakes_tried;
  row.limit = wrong_server_key_limit;
  return row;
}

}  // namespace

std::vector<RefusalRow> rows_of_users() {
  std::vector<RefusalRow> rows = {
      behind_another_broker(
          of_library("another broker's key", {"connect"}, "wrong_server_key", with_another_broker)),
      at_the_door(of_library("a key that is not listed", {"connect"}, "not_authorized", strange),
                  "key_unlisted", Named::stranger_key),
      of_library("publish elsewhere", {"publish", "homes/x", "1"}, "no_permission"),
      of_library("subscribe to all", {"subscribe", "**"}, "no_permission"),
      of_library("serve elsewhere", {"serve", "homes/svc"}, "no_permission"),
      of_library("watch elsewhere", {"watch", "homes/x"}, "no_permission"),
      of_library("request elsewhere", {"request", "homes/svc", "1000", "1"}, "no_permission"),
      of_library("publish on a reserved level", {"publish", "ledger/x", "1"}, "no_permission"),
      quiet("an invalid topic", library({"publish", "apps//x", "1"}), "topic_invalid"),
      quiet("an invalid pattern", library({"subscribe", "apps/**/x"}), "topic_invalid"),
      quiet("a payload over 1 MiB", library({"publish", "apps/x", large}), "payload_too_large"),
      quiet("a request over 1 MiB", library({"request", "apps/x", "1000", large}),
            "payload_too_large"),
      quiet("a deadline of 0", library({"request", "apps/x", "0", "1"}), "deadline_invalid"),
      quiet("a deadline over 10 min", library({"request", "apps/x", "600001", "1"}),
            "deadline_invalid"),
      quiet("nobody serves the name", library({"request", "apps/nobody", "1000", "1"}),
            "no_responder"),
      quiet("the responder leaves", library_loses_its_responder, "responder_gone"),
      quiet("the deadline passes", library_waits_in_vain, "timeout", 150ms),
      at_the_door(of_command("a key that is not listed", {"ping"}, "exit 4 not_authorized",
                             "key_unlisted", "connect", strange),
                  "key_unlisted", Named::stranger_key),
      of_command("publish elsewhere", {"pub", "homes/x", "hi"}, "exit 4 no_permission",
                 "no_permission", "publish"),
      of_command("subscribe to all", {"sub", "**"}, "exit 4 no_permission", "no_permission",
                 "subscribe"),
      of_command("request elsewhere", {"request", "homes/svc", "hi"}, "exit 4 no_permission",
                 "no_permission", "request"),
      of_command("an invalid topic", {"pub", "apps//x", "hi"}, "exit 2 topic_invalid", "", ""),
      of_command("nobody serves the name", {"request", "apps/nobody", "hi"}, "exit 1 no_responder",
                 "", ""),
      behind_another_broker(of_command("another broker's key", {"ping"}, "exit 4 wrong_server_key",
                                       "wrong_server_key", "connect", with_another_broker)),
  };
  RefusalRow revoked{.name = "library: taken off the list",
                     .act = library_is_revoked,
                     .told = "revoked",
                     .reasons = {"revoked"},
                     .operation = "frame"};
  rows.push_back(std::move(revoked));
  return rows;
}

}  // namespace guild::test
