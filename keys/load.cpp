#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/base/bytes.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "keys/files.hpp"
#include "keys/keyring.hpp"

namespace guild::keys {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t public_bytes_max = 1'024;

std::unexpected<Error> keys_missing(const fs::path& keys_dir) {
  return fail(ErrorKind::not_found, "keys_missing", keys_dir.string() + ": no keys there",
              "make them first: guild keys init");
}

Result<void> check_there(const fs::path& keys_dir) {
  std::error_code problem;
  if (!fs::is_directory(keys_dir, problem)) return keys_missing(keys_dir);
  return {};
}

Result<fs::path> folder_of(const fs::path& keys_dir, std::string_view owner) {
  // A name comes from a command line too; it must not lead out of the keys folder.
  GUILD_CHECK(check_name("client name", owner));
  GUILD_CHECK(check_there(keys_dir));
  return keys_dir / owner;
}

Result<Secret32> load_secret(const fs::path& keys_dir, std::string_view owner,
                             std::string_view file) {
  GUILD_TRY(const fs::path folder, folder_of(keys_dir, owner));
  return read_secret32(folder / file);
}

/// 32 bytes in hex, not secret: a public key or a hash.
Result<PublicKey> load_public(const fs::path& keys_dir, std::string_view owner,
                              std::string_view file) {
  GUILD_TRY(const fs::path folder, folder_of(keys_dir, owner));
  const fs::path path = folder / file;
  auto text = read_file(path, public_bytes_max);
  if (!text && text.error().code == "file_missing")
    return fail(ErrorKind::not_found, "secret_missing", path.string() + ": no such key file",
                "make the keys first (guild keys init), or check the name");
  if (!text) return fail(std::move(text).error());
  if (text->ends_with('\n')) text->pop_back();
  auto key = from_hex_exactly<32>(*text);
  if (!key)
    return fail(ErrorKind::invalid, "secret_format",
                path.string() + ": is not exactly 64 hex digits",
                "restore the file from its backup, or make a new key");
  return *key;
}

Result<void> check_closed(const fs::path& path, mode_t wanted, bool is_folder) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT)
      return fail(ErrorKind::not_found, "secret_missing", path.string() + ": is not there",
                  "restore it from its backup, or make the keys: guild keys init");
    return fail(system_error(path.string(), errno));
  }
  if (is_folder ? !S_ISDIR(found.st_mode) : !S_ISREG(found.st_mode))
    return fail(ErrorKind::denied, "secret_permissions",
                fmt::format("{}: is not a {}", path.string(), is_folder ? "folder" : "file"),
                "put the thing itself there, not a link");
  if ((found.st_mode & 077U) == 0) return {};
  return fail(
      ErrorKind::denied, "secret_permissions",
      fmt::format("{}: mode {:04o} lets others at secrets", path.string(), found.st_mode & 07777U),
      fmt::format("run: chmod {:o} {}", wanted, path.string()));
}

std::vector<std::string_view> files_of(std::string_view owner) {
  std::vector<std::string_view> files = {bus_secret_name, bus_public_name, broker_public_name};
  if (std::ranges::find(daemons, owner) != std::end(daemons)) files.push_back(database_key_name);
  if (std::ranges::find(token_checkers, owner) != std::end(token_checkers))
    files.push_back(token_hash_name);
  if (owner == "broker") files.insert(files.end(), {router_secret_name, router_public_name});
  if (owner == "ledgerd")
    files.insert(files.end(), {credentials_key_name, signing_secret_name, signing_public_name});
  return files;
}

Result<void> check_everything_closed(const fs::path& folder) {
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end;
       at.increment(problem))
    GUILD_CHECK(check_closed(at->path(), 0600, false));
  if (problem) return fail(system_error(folder.string(), problem.value()));
  return {};
}

}  // namespace

Result<PublicKey> load_broker_public(const fs::path& keys_dir) {
  return load_public(keys_dir, "broker", router_public_name);
}

Result<ClientKeys> load_client(const fs::path& keys_dir, std::string_view name) {
  ClientKeys keys;
  keys.name = name;
  GUILD_TRY(keys.secret_key, load_secret(keys_dir, name, bus_secret_name));
  GUILD_TRY(keys.public_key, load_public(keys_dir, name, bus_public_name));
  GUILD_TRY(keys.broker_public_key, load_public(keys_dir, name, broker_public_name));
  return keys;
}

Result<RouterKeys> load_router(const fs::path& keys_dir) {
  RouterKeys keys;
  GUILD_TRY(keys.secret_key, load_secret(keys_dir, "broker", router_secret_name));
  GUILD_TRY(keys.public_key, load_public(keys_dir, "broker", router_public_name));
  return keys;
}

Result<Secret32> load_database_key(const fs::path& keys_dir, std::string_view daemon) {
  return load_secret(keys_dir, daemon, database_key_name);
}

Result<Secret32> load_credentials_key(const fs::path& keys_dir) {
  return load_secret(keys_dir, "ledgerd", credentials_key_name);
}

Result<SigningKeys> load_signing(const fs::path& keys_dir) {
  SigningKeys keys;
  GUILD_TRY(keys.seed, load_secret(keys_dir, "ledgerd", signing_secret_name));
  GUILD_TRY(keys.public_key, load_public(keys_dir, "ledgerd", signing_public_name));
  return keys;
}

Result<std::string> load_operator_token(const fs::path& keys_dir) {
  GUILD_TRY(const fs::path folder, folder_of(keys_dir, token_holder));
  return read_secret_text(folder / token_name);
}

Result<std::array<std::uint8_t, 32>> load_operator_token_hash(const fs::path& keys_dir,
                                                              std::string_view daemon) {
  return load_public(keys_dir, daemon, token_hash_name);
}

Result<void> check_files_of(const fs::path& keys_dir, std::string_view owner) {
  GUILD_TRY(const fs::path folder, folder_of(keys_dir, owner));
  GUILD_CHECK(check_closed(keys_dir, 0700, true));
  GUILD_CHECK(check_closed(folder, 0700, true));
  for (const std::string_view file : files_of(owner))
    GUILD_CHECK(check_closed(folder / file, 0600, false));
  return check_everything_closed(folder);
}

}  // namespace guild::keys
