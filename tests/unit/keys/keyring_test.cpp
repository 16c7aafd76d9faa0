#include "keys/keyring.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <set>

#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "keys/files.hpp"
#include "keys/roles.hpp"
#include "tests/unit/base/scratch_folder.hpp"

using namespace guild;
namespace fs = std::filesystem;

namespace {

/// Every file under `folder` with its content.
std::map<std::string, std::string> content_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[entry.path().string()] = *read_file(entry.path(), 1U << 20U);
  return files;
}

mode_t mode_of(const fs::path& path) {
  struct stat found{};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777U;
}

void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

struct Keys {
  ScratchFolder scratch;
  fs::path dir = scratch / "keys";
  Keys() { REQUIRE(keys::init(dir)); }
};

template <class T>
void check_code(const Result<T>& result, std::string_view code) {
  REQUIRE_FALSE(result);
  INFO(result.error().text());
  CHECK(result.error().code == code);
}

}  // namespace

TEST_CASE("init makes what every daemon and role loads") {
  const Keys keys;
  const auto listed = keys::load_authorized_clients(keys.dir);
  REQUIRE(listed);
  std::map<std::string, keys::PublicKey> by_name;
  for (const auto& client : *listed) by_name[client.name] = client.public_key;
  const auto router = keys::load_router(keys.dir);
  REQUIRE(router);
  for (const std::string_view name : {"broker", "logconsumer", "ledgerd", "scheduler", "gateway",
                                      "operator", "viewer", "bench"}) {
    INFO(name);
    const auto client = keys::load_client(keys.dir, name);
    REQUIRE(client);
    CHECK(client->public_key == by_name.at(std::string(name)));
    CHECK(client->broker_public_key == router->public_key);
    CHECK(keys::check_files_of(keys.dir, name));
  }
  CHECK(listed->size() == 8);
}

TEST_CASE("the public half of every keypair is that of its secret half") {
  const Keys keys;
  std::array<std::uint8_t, 32> expected{};
  const auto router = keys::load_router(keys.dir);
  REQUIRE(crypto_scalarmult_base(expected.data(), router->secret_key.reveal().data()) == 0);
  CHECK(expected == router->public_key);
  const auto client = keys::load_client(keys.dir, "operator");
  REQUIRE(crypto_scalarmult_base(expected.data(), client->secret_key.reveal().data()) == 0);
  CHECK(expected == client->public_key);
  const auto signing = keys::load_signing(keys.dir);
  std::array<std::uint8_t, 64> expanded{};
  REQUIRE(crypto_sign_seed_keypair(expected.data(), expanded.data(),
                                   signing->seed.reveal().data()) == 0);
  CHECK(expected == signing->public_key);
}

TEST_CASE("each derived key is its own, and follows from the master key") {
  const Keys keys;
  const auto master = read_secret32(keys.dir / "master.key");
  REQUIRE(master);
  std::set<std::array<std::uint8_t, 32>> distinct = {master->reveal()};
  for (const std::string_view daemon : keys::daemons)
    distinct.insert(keys::load_database_key(keys.dir, daemon)->reveal());
  distinct.insert(keys::load_credentials_key(keys.dir)->reveal());
  CHECK(distinct.size() == 7);
  CHECK(keys::derive(*master, keys::SubKey::ledger_db_v1).reveal() ==
        keys::load_database_key(keys.dir, "ledgerd")->reveal());
}

TEST_CASE("a derived key never changes its value between versions of the program") {
  // Golden (BLAKE2b with salt and personal, checked against Python): were this to change, no
  // existing database could be opened.
  std::array<std::uint8_t, 32> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const Secret32 master(bytes);
  CHECK(to_hex(keys::derive(master, keys::SubKey::ledger_db_v1).reveal()) ==
        "05cb81628f13593a0c408bac9ae4ef6c47ddeeeea3b6edba0cded576e69e7563");
  CHECK(to_hex(keys::derive(master, keys::SubKey::bot_credentials_v1).reveal()) ==
        "a809e0795b053712360f68fec0bff51b9e364688462d5d5b247071a3f489e40d");
}

TEST_CASE("the daemons know the operator's token by its hash alone") {
  const Keys keys;
  const auto token = keys::load_operator_token(keys.dir);
  REQUIRE(token);
  CHECK(token->size() == 64);
  for (const std::string_view daemon : {"gateway", "ledgerd", "scheduler"})
    CHECK(*keys::load_operator_token_hash(keys.dir, daemon) == sha256(as_bytes(*token)));
  for (const auto& [name, content] : content_of(keys.dir))
    if (!name.ends_with("gateway.token")) CHECK(content.find(*token) == std::string::npos);
}

TEST_CASE("everything is 0700 and 0600, whatever the umask") {
  const mode_t before = ::umask(0);
  const Keys keys;
  ::umask(before);
  CHECK(mode_of(keys.dir) == 0700);
  for (const auto& entry : fs::recursive_directory_iterator(keys.dir)) {
    INFO(entry.path());
    CHECK(mode_of(entry.path()) == (entry.is_directory() ? 0700U : 0600U));
  }
}

TEST_CASE("init tells every file that it made, and nothing else is there") {
  ScratchFolder scratch;
  const auto made = keys::init(scratch / "keys");
  REQUIRE(made);
  std::set<std::string> told;
  for (const auto& path : made->files) told.insert(path.string());
  std::set<std::string> there;
  for (const auto& [name, content] : content_of(scratch.path())) there.insert(name);
  CHECK(told == there);
}

TEST_CASE("init never overwrites") {
  const Keys keys;
  const auto before = content_of(keys.dir);
  check_code(keys::init(keys.dir), "keys_exist");
  CHECK(content_of(keys.dir) == before);
  CHECK(keys.scratch.entries() == 1);

  ScratchFolder other;
  fs::create_directory(other / "keys");
  write(other / "keys/note.txt", "mine");
  check_code(keys::init(other / "keys"), "keys_exist");
  CHECK(content_of(other.path()).size() == 1);
}

TEST_CASE("init takes an empty folder, a missing parent, and what an interrupted init left") {
  ScratchFolder scratch;
  fs::create_directory(scratch / "keys");
  CHECK(keys::init(scratch / "keys"));

  fs::create_directories(scratch / "deep");
  fs::create_directories(scratch / "deep/er/.keys.making/broker");
  write(scratch / "deep/er/.keys.making/broker/bus.secret", "half");
  CHECK(keys::init(scratch / "deep/er/keys"));
  CHECK_FALSE(fs::exists(scratch / "deep/er/.keys.making"));
  CHECK(keys::load_client(scratch / "deep/er/keys", "broker"));

  CHECK(keys::init(scratch / "not/there/yet/keys/"));
  CHECK(keys::load_client(scratch / "not/there/yet/keys", "viewer"));
}

TEST_CASE("an init that fails leaves nothing") {
  ScratchFolder scratch;
  fs::create_directory(scratch / "home");
  write(scratch / "home/keys", "a file, not a folder");
  check_code(keys::init(scratch / "home/keys"), "keys_exist");
  write(scratch / "plain", "");
  CHECK_FALSE(keys::init(scratch / "plain/keys"));
  CHECK(content_of(scratch.path()).size() == 2);
}

TEST_CASE("add gives a client its keypair and its line") {
  const Keys keys;
  const auto made = keys::add(keys.dir, "seven", "bot");
  REQUIRE(made);
  CHECK(made->files.size() == 4);
  const auto client = keys::load_client(keys.dir, "seven");
  REQUIRE(client);
  const auto listed = keys::load_authorized_clients(keys.dir);
  REQUIRE(listed->size() == 9);
  auto expected = *keys::client_of_role("bot", "seven");
  expected.public_key = client->public_key;
  CHECK(listed->back() == expected);
  CHECK(keys::check_files_of(keys.dir, "seven"));
  CHECK(mode_of(keys.dir / "authorized_clients.toml") == 0600);
}

TEST_CASE("add refuses, and then changes nothing") {
  const Keys keys;
  REQUIRE(keys::add(keys.dir, "seven", "bot"));
  fs::create_directory(keys.dir / "left-over");
  const auto before = content_of(keys.dir);
  check_code(keys::add(keys.dir, "seven", "bot"), "name_taken");
  check_code(keys::add(keys.dir, "ledgerd", "bot"), "name_taken");
  check_code(keys::add(keys.dir, "left-over", "bot"), "name_taken");
  check_code(keys::add(keys.dir, "eight", "ledgerd"), "role_unknown");
  check_code(keys::add(keys.dir, "eight", "emperor"), "role_unknown");
  check_code(keys::add(keys.dir, "../eight", "bot"), "name_format");
  check_code(keys::add(keys.scratch / "nowhere", "eight", "bot"), "keys_missing");
  CHECK(content_of(keys.dir) == before);
}

TEST_CASE("add onto a broken list changes nothing and names the fault") {
  const Keys keys;
  write(keys.dir / "authorized_clients.toml", "[[client]]\nname = 3\n");
  const auto before = content_of(keys.dir);
  const auto refused = keys::add(keys.dir, "seven", "bot");
  check_code(refused, "list_invalid");
  CHECK(refused.error().message.find("name: an integer") != std::string::npos);
  CHECK(content_of(keys.dir) == before);
}

TEST_CASE("extend adds what the role has come to allow, and takes nothing away") {
  const Keys keys;
  auto clients = keys::load_authorized_clients(keys.dir);
  REQUIRE(clients);
  const auto whole = *clients;
  for (auto& client : *clients) {
    if (client.name == "gateway") {
      std::erase(client.request, "ledgerd/token");
      std::erase(client.serve, "gateway/*");
      client.request.emplace_back("apps/mine");
    }
    if (client.name == "scheduler") client.request = {"ledgerd/*"};
    if (client.name == "viewer") client.subscribe.clear();
  }
  write(keys.dir / "authorized_clients.toml", keys::format_authorized_clients(*clients));

  const auto added = keys::extend(keys.dir, "");
  REQUIRE(added);
  CHECK(*added == std::vector<keys::Permission>{{"gateway", "request", "ledgerd/token"},
                                                {"gateway", "serve", "gateway/*"}});
  const auto after = keys::load_authorized_clients(keys.dir);
  REQUIRE(after);
  for (const auto& client : *after) {
    const auto missing = keys::missing_permissions(client);
    REQUIRE(missing);
    CHECK(missing->empty() == (client.name != "viewer"));
    if (client.name == "gateway") CHECK(keys::may_hear(client.request, "apps/mine"));
    if (client.name == "scheduler") CHECK(client.request == std::vector<std::string>{"ledgerd/*"});
  }

  const std::string before_none = *read_file(keys.dir / "authorized_clients.toml", 1U << 20U);
  CHECK(keys::extend(keys.dir, "")->empty());
  check_code(keys::extend(keys.dir, "nobody"), "name_unknown");
  CHECK(*read_file(keys.dir / "authorized_clients.toml", 1U << 20U) == before_none);

  CHECK(keys::extend(keys.dir, "viewer")->size() == 2);
  const auto finally = keys::load_authorized_clients(keys.dir);
  REQUIRE(finally);
  for (const auto& client : *finally) CHECK(keys::missing_permissions(client)->empty());
}

TEST_CASE("revoke takes the line and the files") {
  const Keys keys;
  const auto before = content_of(keys.dir);
  REQUIRE(keys::add(keys.dir, "seven", "bot"));
  REQUIRE(keys::revoke(keys.dir, "seven"));
  CHECK(content_of(keys.dir) == before);
  check_code(keys::load_client(keys.dir, "seven"), "secret_missing");
}

TEST_CASE("revoke refuses daemons and strangers") {
  const Keys keys;
  const auto before = content_of(keys.dir);
  check_code(keys::revoke(keys.dir, "broker"), "name_protected");
  check_code(keys::revoke(keys.dir, "nobody"), "name_unknown");
  check_code(keys::revoke(keys.dir, ".."), "name_format");
  CHECK(content_of(keys.dir) == before);
}

TEST_CASE("revoke finishes what an interrupted add or revoke left") {
  const Keys keys;
  const auto before = content_of(keys.dir);
  fs::create_directory(keys.dir / "half");
  write(keys.dir / "half/bus.secret", "00");
  CHECK(keys::revoke(keys.dir, "half"));
  CHECK(content_of(keys.dir) == before);
  CHECK_FALSE(fs::exists(keys.dir / "half"));
}

TEST_CASE("revoke keeps files that are not the suite's, and says so") {
  const Keys keys;
  REQUIRE(keys::add(keys.dir, "seven", "bot"));
  write(keys.dir / "seven/notes", "mine");
  check_code(keys::revoke(keys.dir, "seven"), "files_left");
  CHECK(keys::load_authorized_clients(keys.dir)->size() == 8);
  CHECK_FALSE(fs::exists(keys.dir / "seven/bus.secret"));
  CHECK(fs::exists(keys.dir / "seven/notes"));
}

TEST_CASE("to revoke the operator retires the token; a new operator gets a new one") {
  const Keys keys;
  const auto old_token = keys::load_operator_token(keys.dir);
  REQUIRE(keys::revoke(keys.dir, "operator"));
  CHECK(*keys::load_operator_token_hash(keys.dir, "gateway") != sha256(as_bytes(*old_token)));
  check_code(keys::load_operator_token(keys.dir), "secret_missing");

  REQUIRE(keys::add(keys.dir, "operator", "operator"));
  const auto new_token = keys::load_operator_token(keys.dir);
  REQUIRE(new_token);
  CHECK(*new_token != *old_token);
  for (const std::string_view daemon : keys::token_checkers)
    CHECK(*keys::load_operator_token_hash(keys.dir, daemon) == sha256(as_bytes(*new_token)));
}

TEST_CASE("another operator holds no token") {
  const Keys keys;
  const auto token = keys::load_operator_token(keys.dir);
  REQUIRE(keys::add(keys.dir, "alice", "operator"));
  CHECK_FALSE(fs::exists(keys.dir / "alice/gateway.token"));
  CHECK(*keys::load_operator_token(keys.dir) == *token);
}

TEST_CASE("a secret that others may read is refused") {
  const Keys keys;
  fs::permissions(keys.dir / "ledgerd/database.key", fs::perms(0644));
  check_code(keys::load_database_key(keys.dir, "ledgerd"), "secret_permissions");
  check_code(keys::check_files_of(keys.dir, "ledgerd"), "secret_permissions");
  CHECK(keys::check_files_of(keys.dir, "broker"));
}

TEST_CASE("a folder that others may enter is refused") {
  const Keys keys;
  fs::permissions(keys.dir / "ledgerd", fs::perms(0755));
  check_code(keys::check_files_of(keys.dir, "ledgerd"), "secret_permissions");
  fs::permissions(keys.dir / "ledgerd", fs::perms(0700));
  fs::permissions(keys.dir, fs::perms(0750));
  check_code(keys::check_files_of(keys.dir, "ledgerd"), "secret_permissions");
}

TEST_CASE("a list that others may write is refused") {
  const Keys keys;
  fs::permissions(keys.dir / "authorized_clients.toml", fs::perms(0660));
  check_code(keys::load_authorized_clients(keys.dir), "secret_permissions");
  fs::remove(keys.dir / "authorized_clients.toml");
  check_code(keys::load_authorized_clients(keys.dir), "keys_missing");
}

TEST_CASE("missing and malformed key files say which") {
  const Keys keys;
  fs::remove(keys.dir / "gateway/bus.public");
  check_code(keys::load_client(keys.dir, "gateway"), "secret_missing");
  check_code(keys::check_files_of(keys.dir, "gateway"), "secret_missing");
  write(keys.dir / "viewer/bus.public", "zz");
  const auto malformed = keys::load_client(keys.dir, "viewer");
  check_code(malformed, "secret_format");
  CHECK(malformed.error().message.find("viewer/bus.public") != std::string::npos);
  check_code(keys::load_client(keys.scratch / "nowhere", "viewer"), "keys_missing");
  check_code(keys::load_client(keys.dir, "../keys/viewer"), "name_format");
}

TEST_CASE("no error tells a secret") {
  const Keys keys;
  const std::string secret = read_secret_text(keys.dir / "viewer/bus.secret").value();
  write(keys.dir / "viewer/bus.secret", secret + "ff");
  const auto refused = keys::load_client(keys.dir, "viewer");
  check_code(refused, "secret_format");
  CHECK(refused.error().text().find(secret.substr(0, 8)) == std::string::npos);
}
