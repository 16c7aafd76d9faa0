// Credentials: how bots and the operator prove who they are. A bot's API key is
// `guild_key_<16 hex: its id>_<64 hex>`, its secret `guild_secret_<64 hex>`; both carry 256 random
// bits, so that a fast keyed hash (BLAKE2b, under a key that is not in the database) is enough to
// keep them. Of the operator's token only the SHA-256 is known here. Pure but for the random bytes.
// One error for everything that is wrong (credentials_invalid), after the same work.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/hash.hpp"
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "common/messages/principal.hpp"
#include "ledgerd/bot.hpp"

namespace guild::ledgerd {

/// Who a request is for.
struct Principal {
  bool is_operator = false;
  std::string bot;  ///< Its handle, when it is a bot.

  bool operator==(const Principal&) const = default;
};

/// A new key and secret, shown once, and what is kept of them.
struct NewCredential {
  std::string api_key, api_secret;
  CredentialRecord record;
};

class Credentials {
 public:
  Credentials(const Secret32& hashing_key, const Digest& operator_token_hash)
      : hashing_key_(hashing_key), operator_token_hash_(operator_token_hash) {}

  NewCredential make(std::string_view handle, Instant now) const;
  /// What is kept of a key and secret that were made elsewhere. Code key_format: not in the form
  /// above.
  Result<CredentialRecord> record_of(std::string_view handle, std::string_view api_key,
                                     std::string_view api_secret, Instant now) const;
  void add(CredentialRecord record);
  /// The bot's keys no longer open anything.
  void remove_all_of(std::string_view handle);
  /// The same of a bot that died; `dead_with` still knows them.
  void bury(std::string_view handle);

  /// The operator's token alone, or a bot's key and secret, or a bot's token alone.
  Result<Principal> check(const messages::Credential& credential, Instant now) const;
  /// A bot's token, until then: `guild_token_<id of its key>_<expiry>_<MAC>`. Nothing is kept of
  /// it; it holds while the bot's key does. The credential is a bot's key and secret.
  Result<std::string> make_token(const messages::Credential& credential, Instant expires_at) const;
  /// The dead bot whose key and secret, or token, these were; empty for anything else.
  std::string dead_with(const messages::Credential& credential, Instant now) const;

 private:
  using ById = std::unordered_map<std::string, CredentialRecord>;

  Result<Principal> check_operator(std::string_view token) const;
  /// Of a bot among `known`.
  Result<Principal> check_any(const ById& known, const messages::Credential& credential,
                              Instant now) const;
  Result<Principal> check_token(const ById& known, std::string_view token, Instant now) const;
  Digest mac_of(const CredentialRecord& record, std::string_view signed_part) const;
  Result<Principal> check_bot(const ById& known, std::string_view api_key,
                              std::string_view api_secret) const;
  Digest hash(std::string_view what, std::string_view handle, std::string_view secret) const;

  Secret32 hashing_key_;
  Digest operator_token_hash_;
  ById by_id_, of_the_dead_;
};

}  // namespace guild::ledgerd
