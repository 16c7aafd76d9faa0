// The gateway as a service of its host: the server, the routes, and the port file.
// Owned by the host from start to drain. Failing to listen stops the start with the address and the
// cause; nothing is served before the host is ready.
#pragma once

#include <memory>

#include "common/host/host.hpp"

namespace guild::gateway {

/// Listens and answers. Writes the port to <home>/run/gateway.port. Refuses an address that is not
/// loopback (code address_not_loopback): this door has no TLS of its own, put a proxy in front.
Result<std::unique_ptr<host::Service>> start(host::Host& host);

}  // namespace guild::gateway
