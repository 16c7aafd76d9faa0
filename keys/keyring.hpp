// The keys folder of a home (DESIGN §3 "Keys"). Who reads what:
//   keys/master.key                     the key tools alone
//   keys/authorized_clients.toml        the broker (the explicit list), the key tools
//   keys/<client>/bus.secret, bus.public, broker.public     that client
//   keys/broker/…                       also router.secret, router.public: the static ROUTER
//   keypair keys/<daemon>/database.key          that daemon, and the CLI's reads
//   keys/ledgerd/signing.secret, signing.public             ledgerd (Ed25519 seed)
//   keys/ledgerd/credentials.key        ledgerd: keys the hashes of bot credentials
//   keys/operator/gateway.token         the operator;
//   keys/{gateway,ledgerd,scheduler}/operator.token.hash the SHA-256 of it
// All secrets are hex, 0600 in 0700 folders. Nothing is ever overwritten; nothing here prints a
// secret. database.key and credentials.key are derived from the master key, one versioned sub-key a
// file (crypto_kdf; the table is in files.hpp). The token's hash is the SHA-256 of its text, in
// hex. Key tools take turns by a lock on the folder; what one of them was interrupted in is never
// half there. Codes: keys_exist, keys_missing, name_taken, name_format, name_unknown,
// name_protected, role_unknown, list_invalid, list_full, secret_missing, secret_permissions,
// secret_format, files_left. Limits: 4,096 clients, 256 patterns in a field, a list of 4 MiB.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/secret.hpp"

namespace guild::keys {

using PublicKey = std::array<std::uint8_t, 32>;

/// One line of the explicit list. Anything not on it is refused by the broker.
struct AuthorizedClient {
  std::string name;
  PublicKey public_key{};
  std::string role;
  std::vector<std::string> publish, subscribe, request, serve;  ///< Topic patterns.
  bool operator==(const AuthorizedClient&) const = default;
};

/// Parses and checks the list: known fields only, unique names and keys, valid names, patterns and
/// roles. Error code list_invalid names the line's client and field.
Result<std::vector<AuthorizedClient>> parse_authorized_clients(std::string_view toml);
Result<std::vector<AuthorizedClient>> load_authorized_clients(
    const std::filesystem::path& keys_dir);
std::string format_authorized_clients(const std::vector<AuthorizedClient>& clients);

/// The role table (keys/roles.cpp): what a client of `role` called `name` may do. Code
/// role_unknown.
Result<AuthorizedClient> client_of_role(std::string_view role, std::string_view name);
std::vector<std::string_view> role_names();

/// One pattern of one field ("publish", "subscribe", "request", "serve") of a client's line.
struct Permission {
  std::string client;
  std::string field;
  std::string pattern;
  bool operator==(const Permission&) const = default;
};
/// What the client's role gives by today's role table and its line does not cover. Code
/// role_unknown.
Result<std::vector<Permission>> missing_permissions(const AuthorizedClient& client);

struct Made {
  std::vector<std::filesystem::path> files;  ///< In the order made.
};
/// Everything a home needs. Code keys_exist when any of it is there already; then nothing is
/// changed.
Result<Made> init(const std::filesystem::path& keys_dir);
/// A new keypair for `name` and its line on the list (replaced atomically; comments of one's own in
/// the list are not kept). `operator` with the role operator also gets a new gateway token.
Result<Made> add(const std::filesystem::path& keys_dir, std::string_view name,
                 std::string_view role);
/// Takes `name` off the list first, then removes its key files; also what an interrupted add or
/// revoke left. The suite's own daemons are refused. With `operator` the gateway token is retired:
/// gateway, ledgerd and scheduler refuse it from their next start on.
Result<void> revoke(const std::filesystem::path& keys_dir, std::string_view name);

/// Adds to the line of `name`, or of each of the suite's daemons when that is empty, what
/// `missing_permissions` says; takes nothing away. Answers what was added. Code name_unknown.
Result<std::vector<Permission>> extend(const std::filesystem::path& keys_dir,
                                       std::string_view name);

/// What a bus client needs; the fields of bus::Credentials.
struct ClientKeys {
  std::string name;
  PublicKey public_key{};
  Secret32 secret_key;
  PublicKey broker_public_key{};
};
Result<ClientKeys> load_client(const std::filesystem::path& keys_dir, std::string_view name);

struct RouterKeys {
  PublicKey public_key{};
  Secret32 secret_key;
};
Result<RouterKeys> load_router(const std::filesystem::path& keys_dir);
Result<Secret32> load_database_key(const std::filesystem::path& keys_dir, std::string_view daemon);
Result<Secret32> load_credentials_key(const std::filesystem::path& keys_dir);
/// Ed25519 seed and public key of the ledger's checkpoints.
struct SigningKeys {
  Secret32 seed;
  PublicKey public_key{};
};
Result<SigningKeys> load_signing(const std::filesystem::path& keys_dir);
Result<std::string> load_operator_token(const std::filesystem::path& keys_dir);
/// SHA-256 of the operator token, as `daemon` keeps it.
Result<std::array<std::uint8_t, 32>> load_operator_token_hash(const std::filesystem::path& keys_dir,
                                                              std::string_view daemon);

/// What `owner` (a daemon or a client) needs to start: its own files are there, its folder and the
/// keys folder are closed to others (0700), every file in it too (0600). Answers the first fault.
Result<void> check_files_of(const std::filesystem::path& keys_dir, std::string_view owner);

}  // namespace guild::keys
