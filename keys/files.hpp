// The names and bounds of the files in a keys folder, in one place for those that write them and
// those that read them. Private to keys/.
// Sizes in bytes; what is over a bound is refused by name, never cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "keys/keyring.hpp"

namespace guild::keys {

inline constexpr std::string_view list_file_name = "authorized_clients.toml";
inline constexpr std::size_t list_bytes_max = 4U << 20U;  ///< Holds clients_max of every role.
inline constexpr std::size_t clients_max = 4'096;
inline constexpr std::size_t patterns_max = 256;  ///< In one field of one client.

inline constexpr std::string_view master_file_name = "master.key";
inline constexpr std::string_view bus_secret_name = "bus.secret";
inline constexpr std::string_view bus_public_name = "bus.public";
inline constexpr std::string_view broker_public_name = "broker.public";
inline constexpr std::string_view router_secret_name = "router.secret";
inline constexpr std::string_view router_public_name = "router.public";
inline constexpr std::string_view database_key_name = "database.key";
inline constexpr std::string_view credentials_key_name = "credentials.key";
inline constexpr std::string_view signing_secret_name = "signing.secret";
inline constexpr std::string_view signing_public_name = "signing.public";
inline constexpr std::string_view token_name = "gateway.token";
inline constexpr std::string_view token_hash_name = "operator.token.hash";

inline constexpr std::string_view daemons[] = {"broker", "logconsumer", "ledgerd", "scheduler",
                                               "gateway"};
/// Who checks the operator's token.
inline constexpr std::string_view token_checkers[] = {"gateway", "ledgerd", "scheduler"};
/// The client that holds the operator's token.
inline constexpr std::string_view token_holder = "operator";

/// Sub-keys of the master key: crypto_kdf with the context "guildkey" and these ids. The high half
/// of an id says which file, the low half its version, which goes up when that one key is replaced
/// (rekey). Never reuse or renumber: the key of an existing file would change.
enum class SubKey : std::uint64_t {
  broker_db_v1 = 0x0001'0001,
  logs_db_v1 = 0x0002'0001,
  ledger_db_v1 = 0x0003'0001,
  scheduler_db_v1 = 0x0004'0001,
  gateway_db_v1 = 0x0005'0001,
  logs_index_db_v1 = 0x0006'0001,
  bot_credentials_v1 = 0x0101'0001,
};
Secret32 derive(const Secret32& master, SubKey id);

/// The public half of the ROUTER's keypair, as key tools read it.
Result<PublicKey> load_broker_public(const std::filesystem::path& keys_dir);

}  // namespace guild::keys
