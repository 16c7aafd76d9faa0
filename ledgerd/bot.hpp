// A bot as the book knows it, and what it keeps of a bot's credentials: keyed hashes, never the
// credentials themselves. Pure data; the handle is at most 64 bytes and the account is
// bot/<handle>.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/hash.hpp"
#include "common/base/time.hpp"
#include "common/messages/ledgerd.hpp"
#include "ledgerd/accounts.hpp"

namespace guild::ledgerd {

using messages::BotStatus;

struct BotRecord {
  std::string handle;
  AccountNumber account = 0;
  BotStatus status{};
  Instant created_at;
  std::int64_t grant_seq = 0;  ///< The posting of its GRANT.
  std::string time_zone = "UTC";
};

/// Keyed BLAKE2b hashes of an API key and its secret, found by the key's public prefix.
struct CredentialRecord {
  std::string key_id;
  std::string handle;
  Digest key_hash{}, secret_hash{};
  Instant created_at;
};

}  // namespace guild::ledgerd
