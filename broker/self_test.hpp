// The broker's proof to itself, at every start and before anybody can reach it, that its door is
// shut: a random key and a connection without CURVE are refused, over a real socket. libzmq lets
// everyone in when the smallest part of its authentication is missing, and says nothing. Codes:
// self_test_failed (kind failed): the broker must not go on.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "keys/keyring.hpp"

namespace guild::broker {

/// Tries to get in at `endpoint`, where the broker's ROUTER listens. Takes 2 s at most.
Result<void> prove_door_is_shut(const std::string& endpoint, const keys::PublicKey& router_key);

}  // namespace guild::broker
