// Who is calling, and from where. Pure: decides on headers alone.
// Host must name us (DNS rebinding), Origin when sent must be allowed (cross-site requests), and
// every route but /healthz needs a credential: `Authorization: Bearer <operator token>`, or for a
// bot `Authorization: Basic base64(<api key>:<api secret>)` or `Bearer <its token>`.
// Source: RFC 9110 §7.2, RFC 6454, RFC 6750, RFC 7617.
#pragma once

#include <string>
#include <vector>

#include "common/messages/principal.hpp"
#include "gateway/http.hpp"

namespace guild::gateway {

struct Allowed {
  std::vector<std::string> hosts;    ///< "127.0.0.1", "localhost", without port.
  std::vector<std::string> origins;  ///< "http://127.0.0.1:8787"
};

/// Codes host_not_allowed, origin_not_allowed.
Result<void> check_source(const Request& request, const Allowed& allowed);

/// Codes credential_missing, credentials_invalid (malformed).
Result<messages::Credential> read_credential(const Request& request);

}  // namespace guild::gateway
