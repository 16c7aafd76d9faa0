#include "keys/keyring.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "common/base/assert.hpp"
#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "keys/files.hpp"
#include "keys/roles.hpp"

namespace guild::keys {
namespace {

namespace fs = std::filesystem;

struct DatabaseKey {
  std::string_view daemon;
  SubKey id;
};
constexpr DatabaseKey database_keys[] = {{"broker", SubKey::broker_db_v1},
                                         {"logconsumer", SubKey::logs_db_v1},
                                         {"ledgerd", SubKey::ledger_db_v1},
                                         {"scheduler", SubKey::scheduler_db_v1},
                                         {"gateway", SubKey::gateway_db_v1}};

/// Clients of a new home that are not daemons; each has the role of its name.
constexpr std::string_view people[] = {"operator", "viewer", "bench"};

struct KeyPair {
  PublicKey public_key{};
  Secret32 secret_key;
};

/// Runs `make(public, secret)`, a libsodium function that fills both.
template <class Make>
KeyPair made_by(const Make& make) {
  PublicKey public_key{};
  std::array<std::uint8_t, 32> secret_key{};
  GUILD_ASSERT(make(public_key.data(), secret_key.data()) == 0);
  const KeyPair pair{public_key, Secret32(secret_key)};
  wipe(secret_key.data(), secret_key.size());
  return pair;
}

/// Curve25519; what zmq_curve_keypair makes, without its Z85.
KeyPair make_curve_pair() { return made_by(crypto_box_keypair); }

/// Ed25519; the secret half is the seed, from which libsodium's longer form follows.
KeyPair make_signing_pair() {
  return made_by([](std::uint8_t* public_key, std::uint8_t* seed) {
    fill_random(seed, crypto_sign_SEEDBYTES);
    std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> expanded{};
    const int failed = crypto_sign_seed_keypair(public_key, expanded.data(), seed);
    wipe(expanded.data(), expanded.size());
    return failed;
  });
}

fs::path whole_path(const fs::path& keys_dir) {
  fs::path path = fs::absolute(keys_dir).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

Result<void> sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail(system_error("fsync " + folder.string(), errno));
  return {};
}

/// Key tools take turns: the lock is on the folder itself and goes with the descriptor.
Result<Fd> lock_folder(const fs::path& folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(system_error("open " + folder.string(), errno));
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail(system_error("lock " + folder.string(), errno));
  return fd;
}

Result<void> make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0)
    return fail(system_error("make the folder " + folder.string(), errno));
  return {};
}

Result<void> remove_tree(const fs::path& folder) {
  std::error_code problem;
  fs::remove_all(folder, problem);
  if (problem) return fail(system_error("remove " + folder.string(), problem.value()));
  return {};
}

/// Writes key files into a folder that is not yet in its place, and keeps the names they will have.
class Maker {
 public:
  Maker(fs::path making, fs::path place) : making_(std::move(making)), place_(std::move(place)) {}

  Result<void> folder(std::string_view name) { return make_folder(making_ / name); }

  Result<void> text(const fs::path& name, std::string_view text) {
    GUILD_CHECK(write_secret_text(making_ / name, text));
    files_.push_back(place_ / name);
    return {};
  }

  Result<void> secret(const fs::path& name, const Secret32& secret) {
    std::string hex = to_hex(secret.reveal());
    auto written = text(name, hex + "\n");
    wipe(hex.data(), hex.size());
    return written;
  }

  Result<void> public_key(const fs::path& name, const PublicKey& key) {
    return text(name, to_hex(key) + "\n");
  }

  Result<void> pair(const fs::path& secret_name, const fs::path& public_name, const KeyPair& pair) {
    GUILD_CHECK(secret(secret_name, pair.secret_key));
    return public_key(public_name, pair.public_key);
  }

  /// A client's own keypair and the broker's public key, in `folder`; answers its line on the list.
  Result<AuthorizedClient> client(const fs::path& folder, std::string_view role,
                                  std::string_view name, const PublicKey& broker) {
    GUILD_TRY(AuthorizedClient line, client_of_role(role, name));
    const KeyPair keys = make_curve_pair();
    GUILD_CHECK(pair(folder / bus_secret_name, folder / bus_public_name, keys));
    GUILD_CHECK(public_key(folder / broker_public_name, broker));
    line.public_key = keys.public_key;
    return line;
  }

  Made made() && { return {std::move(files_)}; }

 private:
  fs::path making_, place_;
  std::vector<fs::path> files_;
};

std::string token_hash_text(std::string_view token) {
  return to_hex(sha256(as_bytes(token))) + "\n";
}

std::string make_token() {
  std::array<std::uint8_t, 32> bytes{};
  fill_random(bytes.data(), bytes.size());
  std::string token = to_hex(bytes);
  wipe(bytes.data(), bytes.size());
  return token;
}

Result<void> make_daemon_keys(Maker& maker, const Secret32& master, const KeyPair& router) {
  for (const auto& [daemon, id] : database_keys)
    GUILD_CHECK(maker.secret(fs::path(daemon) / database_key_name, derive(master, id)));
  GUILD_CHECK(maker.pair(fs::path("broker") / router_secret_name,
                         fs::path("broker") / router_public_name, router));
  const fs::path ledgerd("ledgerd");
  GUILD_CHECK(
      maker.secret(ledgerd / credentials_key_name, derive(master, SubKey::bot_credentials_v1)));
  return maker.pair(ledgerd / signing_secret_name, ledgerd / signing_public_name,
                    make_signing_pair());
}

Result<void> make_token_files(Maker& maker) {
  std::string token = make_token();
  auto made = [&]() -> Result<void> {
    GUILD_CHECK(maker.text(fs::path(token_holder) / token_name, token + "\n"));
    for (const std::string_view daemon : token_checkers)
      GUILD_CHECK(maker.text(fs::path(daemon) / token_hash_name, token_hash_text(token)));
    return {};
  }();
  wipe(token.data(), token.size());
  return made;
}

Result<void> make_home_keys(Maker& maker) {
  const Secret32 master = Secret32::random();
  GUILD_CHECK(maker.secret(master_file_name, master));
  const KeyPair router = make_curve_pair();
  std::vector<AuthorizedClient> clients;
  const auto make_client = [&](std::string_view name) -> Result<void> {
    GUILD_CHECK(maker.folder(name));
    GUILD_TRY(clients.emplace_back(), maker.client(name, name, name, router.public_key));
    return {};
  };
  for (const std::string_view name : daemons) GUILD_CHECK(make_client(name));
  for (const std::string_view name : people) GUILD_CHECK(make_client(name));
  GUILD_CHECK(make_daemon_keys(maker, master, router));
  GUILD_CHECK(make_token_files(maker));
  return maker.text(list_file_name, format_authorized_clients(clients));
}

std::unexpected<Error> keys_exist(const fs::path& keys_dir) {
  return fail(ErrorKind::conflict, "keys_exist",
              keys_dir.string() + ": there are files already; nothing was changed",
              "use these keys, or move the folder away and run it again");
}

Result<void> check_nothing_there(const fs::path& keys_dir) {
  std::error_code problem;
  const fs::file_status found = fs::symlink_status(keys_dir, problem);
  if (found.type() == fs::file_type::not_found) return {};
  if (problem) return fail(system_error(keys_dir.string(), problem.value()));
  const bool is_empty_folder = fs::is_directory(found) && fs::is_empty(keys_dir, problem);
  if (problem) return fail(system_error(keys_dir.string(), problem.value()));
  if (!is_empty_folder) return keys_exist(keys_dir);
  return {};
}

Result<void> make_missing_parents(const fs::path& folder) {
  std::error_code problem;
  if (fs::is_directory(folder, problem)) return {};
  if (folder.has_parent_path() && folder != folder.parent_path())
    GUILD_CHECK(make_missing_parents(folder.parent_path()));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(system_error("make the folder " + folder.string(), errno));
  return {};
}

Result<void> move_into_place(const fs::path& making, const fs::path& place) {
  GUILD_CHECK(sync_folder(making));
  // rename(2) takes the place of an empty folder only, so a race with another maker loses nothing.
  if (::rename(making.c_str(), place.c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) return keys_exist(place);
    return fail(system_error("put " + place.string() + " in place", errno));
  }
  return sync_folder(place.parent_path());
}

/// Builds a folder out of sight, then renames it to `place`: all of it is there, or nothing.
Result<Made> make_whole_folder(const fs::path& place,
                               const std::function<Result<void>(Maker&)>& fill) {
  const fs::path making = place.parent_path() / ("." + place.filename().string() + ".making");
  GUILD_CHECK(remove_tree(making));  // What an interrupted run left; the caller holds the lock.
  GUILD_CHECK(make_folder(making));
  Maker maker(making, place);
  auto made = fill(maker);
  if (made) made = move_into_place(making, place);
  if (!made) {
    (void)remove_tree(making);
    return fail(std::move(made).error());
  }
  return std::move(maker).made();
}

Result<Fd> lock_keys(const fs::path& keys_dir) {
  std::error_code problem;
  if (!fs::exists(keys_dir / list_file_name, problem)) {
    return fail(ErrorKind::not_found, "keys_missing", keys_dir.string() + ": no keys there",
                "make them first: guild keys init");
  }
  return lock_folder(keys_dir);
}

Result<void> replace_token_hashes(const fs::path& keys_dir, std::string_view token) {
  for (const std::string_view daemon : token_checkers)
    GUILD_CHECK(replace_file(keys_dir / daemon / token_hash_name, token_hash_text(token)));
  return {};
}

bool is_daemon(std::string_view name) {
  return std::ranges::find(daemons, name) != std::end(daemons);
}

std::unexpected<Error> name_unknown(std::string_view name) {
  return fail(ErrorKind::not_found, "name_unknown", quoted(name) + " is not on the list",
              "guild keys list shows who is");
}

Result<void> check_addable(std::string_view name, std::string_view role_name) {
  GUILD_CHECK(client_of_role(role_name, name));  // The name's form and the role.
  if (is_daemon(name))
    return fail(ErrorKind::conflict, "name_taken", quoted(name) + " is the name of a daemon",
                "choose another name");
  if (find_role(role_name)->of_daemon)
    return fail(ErrorKind::invalid, "role_unknown",
                fmt::format("the role {} is the daemon's alone", role_name),
                "choose operator, viewer, bench, bot or client");
  return {};
}

bool is_listed(const std::vector<AuthorizedClient>& clients, std::string_view name) {
  return std::ranges::find(clients, name, &AuthorizedClient::name) != clients.end();
}

Result<void> check_free(const fs::path& keys_dir, const std::vector<AuthorizedClient>& clients,
                        std::string_view name) {
  if (is_listed(clients, name))
    return fail(ErrorKind::conflict, "name_taken", quoted(name) + " is on the list already",
                "choose another name, or revoke that one first");
  if (clients.size() >= clients_max)
    return fail(ErrorKind::exhausted, "list_full",
                fmt::format("the list has {} clients, as many as it may", clients.size()),
                "revoke one that is no longer needed");
  std::error_code problem;
  if (fs::exists(fs::symlink_status(keys_dir / name, problem)))
    return fail(ErrorKind::conflict, "name_taken",
                (keys_dir / name).string() + " is there, though " + quoted(name) + " is not listed",
                fmt::format("guild keys revoke {} removes what is left of it", name));
  return {};
}

Result<void> write_list(const fs::path& keys_dir, const std::vector<AuthorizedClient>& clients) {
  const std::string text = format_authorized_clients(clients);
  // What we write, the broker must be able to read.
  GUILD_CHECK(parse_authorized_clients(text));
  return replace_file(keys_dir / list_file_name, text);
}

bool holds_token(std::string_view name, std::string_view role) {
  return name == token_holder && role == token_holder;
}

/// The key files of a new client; its line is added to `clients`.
Result<Made> make_client_folder(const fs::path& keys_dir, std::string_view name,
                                std::string_view role, std::vector<AuthorizedClient>& clients) {
  GUILD_TRY(const PublicKey broker, load_broker_public(keys_dir));
  return make_whole_folder(keys_dir / name, [&](Maker& maker) -> Result<void> {
    GUILD_TRY(clients.emplace_back(), maker.client("", role, name, broker));
    if (!holds_token(name, role)) return {};
    std::string token = make_token();
    auto written = maker.text(token_name, token + "\n");
    wipe(token.data(), token.size());
    return written;
  });
}

/// From here on the new client, the last of `clients`, may connect.
Result<void> admit_client(const fs::path& keys_dir, std::string_view name,
                          const std::vector<AuthorizedClient>& clients) {
  if (holds_token(name, clients.back().role)) {
    GUILD_TRY(std::string token, load_operator_token(keys_dir));
    auto replaced = replace_token_hashes(keys_dir, token);
    wipe(token.data(), token.size());
    GUILD_CHECK(std::move(replaced));
  }
  return write_list(keys_dir, clients);
}

Result<void> remove_client_files(const fs::path& folder) {
  for (const std::string_view name :
       {bus_secret_name, bus_public_name, broker_public_name, token_name}) {
    if (::unlink((folder / name).c_str()) != 0 && errno != ENOENT)
      return fail(system_error("remove " + (folder / name).string(), errno));
  }
  if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return sync_folder(folder.parent_path());
  if (errno != ENOTEMPTY && errno != EEXIST)
    return fail(system_error("remove " + folder.string(), errno));
  return fail(ErrorKind::failed, "files_left",
              folder.string() + ": the client is revoked, but the folder holds files not ours",
              "look at them and remove the folder");
}

/// The client's patterns of a field of Permission.
std::vector<std::string>& patterns_of(AuthorizedClient& client, std::string_view field) {
  if (field == "publish") return client.publish;
  if (field == "subscribe") return client.subscribe;
  if (field == "request") return client.request;
  GUILD_ASSERT(field == "serve");
  return client.serve;
}

}  // namespace

Secret32 derive(const Secret32& master, SubKey id) {
  std::array<std::uint8_t, 32> key{};
  GUILD_ASSERT(crypto_kdf_derive_from_key(key.data(), key.size(), static_cast<std::uint64_t>(id),
                                          "guildkey", master.reveal().data()) == 0);
  const Secret32 secret(key);
  wipe(key.data(), key.size());
  return secret;
}

Result<Made> init(const fs::path& given) {
  const fs::path keys_dir = whole_path(given);
  GUILD_CHECK(make_missing_parents(keys_dir.parent_path()));
  GUILD_TRY(const Fd lock, lock_folder(keys_dir.parent_path()));
  GUILD_CHECK(check_nothing_there(keys_dir));
  return make_whole_folder(keys_dir, make_home_keys);
}

Result<Made> add(const fs::path& given, std::string_view name, std::string_view role) {
  const fs::path keys_dir = whole_path(given);
  GUILD_CHECK(check_addable(name, role));
  GUILD_TRY(const Fd lock, lock_keys(keys_dir));
  GUILD_TRY(std::vector<AuthorizedClient> clients, load_authorized_clients(keys_dir));
  GUILD_CHECK(check_free(keys_dir, clients, name));
  GUILD_TRY(Made made, make_client_folder(keys_dir, name, role, clients));
  if (auto listed = admit_client(keys_dir, name, clients); !listed) {
    (void)remove_client_files(keys_dir / name);
    return fail(std::move(listed).error());
  }
  made.files.push_back(keys_dir / list_file_name);
  return made;
}

Result<void> revoke(const fs::path& given, std::string_view name) {
  const fs::path keys_dir = whole_path(given);
  GUILD_CHECK(check_name("client name", name));
  if (is_daemon(name))
    return fail(ErrorKind::denied, "name_protected",
                fmt::format("{} is a daemon of the suite and keeps its key", name),
                "stop the daemon if it should not run");
  GUILD_TRY(const Fd lock, lock_keys(keys_dir));
  GUILD_TRY(std::vector<AuthorizedClient> clients, load_authorized_clients(keys_dir));
  std::error_code problem;
  const bool has_files = fs::exists(fs::symlink_status(keys_dir / name, problem));
  if (!is_listed(clients, name) && !has_files) return name_unknown(name);
  if (std::erase_if(clients, [&](const auto& client) { return client.name == name; }) != 0)
    GUILD_CHECK(write_list(keys_dir, clients));
  // A token that nobody was ever given: the holder's opens nothing from the daemons' next start on.
  if (name == token_holder) GUILD_CHECK(replace_token_hashes(keys_dir, make_token()));
  return remove_client_files(keys_dir / name);
}

Result<std::vector<Permission>> extend(const fs::path& given, std::string_view name) {
  const fs::path keys_dir = whole_path(given);
  GUILD_TRY(const Fd lock, lock_keys(keys_dir));
  GUILD_TRY(std::vector<AuthorizedClient> clients, load_authorized_clients(keys_dir));
  if (!name.empty() && !is_listed(clients, name)) return name_unknown(name);
  std::vector<Permission> added;
  for (AuthorizedClient& client : clients) {
    if (name.empty() ? !is_daemon(client.name) : client.name != name) continue;
    GUILD_TRY(const std::vector<Permission> missing, missing_permissions(client));
    for (const Permission& each : missing) {
      patterns_of(client, each.field).push_back(each.pattern);
      added.push_back(each);
    }
  }
  if (!added.empty()) GUILD_CHECK(write_list(keys_dir, clients));
  return added;
}

}  // namespace guild::keys
