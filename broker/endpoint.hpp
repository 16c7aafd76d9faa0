// Where the broker listens. An ipc socket: nobody else may be listening there (libzmq would steal
// the path in silence), a stale file is removed, the new one is ours alone (0600). tcp: loopback
// only, since the bus is a matter of one machine. Codes: endpoint_invalid, endpoint_not_loopback,
// address_in_use, not_a_socket.
#pragma once

#include <string>

#include "broker/zmq_socket.hpp"
#include "common/base/result.hpp"

namespace guild::broker {

/// Whether the broker may listen there. Changes nothing.
Result<void> check_listen_endpoint(const std::string& endpoint);
/// Listens, having removed what a killed broker left.
Result<void> listen(ZmqSocket& socket, const std::string& endpoint);
/// Removes the file of an ipc socket; libzmq leaves it.
void remove_socket_file(const std::string& endpoint);
/// A place beside `endpoint`, of the same kind, for the self-test.
std::string self_test_endpoint(const std::string& endpoint);

}  // namespace guild::broker
