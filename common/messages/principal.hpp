// Who a carried request is for. The gateway is a carrier and never a licence: what it forwards
// names the caller's own credential, and the daemon that owns the data verifies it itself. A
// request that comes straight over the bus from a client whom the list lets ask needs none.
#pragma once

#include <optional>

#include "common/messages/types.hpp"

namespace guild::messages {

/// The operator token alone, or a bot's key and secret, or a bot's token alone.
struct Credential {
  std::optional<Text<128>> operator_token;
  std::optional<Text<128>> api_key, api_secret;
  std::optional<Text<128>> token = {};  ///< As `ledgerd/token` gave it, for a while.
};
BOOST_DESCRIBE_STRUCT(Credential, (), (operator_token, api_key, api_secret, token))

}  // namespace guild::messages
