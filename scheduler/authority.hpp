// Who may run and cancel tasks. Pure. A sender that the broker's list lets ask needs nothing more;
// the gateway is a carrier and never a licence, so what it forwards must hold the operator's token.
// Exec tasks are the operator's alone while workers run as the daemon's own user.
// Codes (kind denied): credential_required, credentials_invalid, not_permitted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/messages/principal.hpp"

namespace guild::scheduler {

class Authority {
 public:
  /// `operator_token_hash` is the SHA-256 of the operator's token.
  explicit Authority(const std::array<std::uint8_t, 32>& operator_token_hash)
      : operator_token_hash_(operator_token_hash) {}

  /// The principal to record: the sender, or "operator via gateway".
  Result<std::string> authorize(std::string_view sender,
                                const std::optional<messages::Credential>& credential) const;

 private:
  std::array<std::uint8_t, 32> operator_token_hash_;
};

}  // namespace guild::scheduler
