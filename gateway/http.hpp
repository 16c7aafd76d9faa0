// An HTTP request and response as the routes see them: no sockets, no Beast. Sizes are bounded by
// the server before a Request exists (header 16 KiB, body [gateway] body_bytes_max).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace guild::gateway {

struct Request {
  std::string method;                 ///< "GET"
  std::vector<std::string> segments;  ///< Of the path, percent-decoded: {"v1", "bots", "courier"}
  std::multimap<std::string, std::string> query;    ///< Decoded.
  std::multimap<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;

  /// The header's one value. Given twice it counts as absent: which one is meant is anybody's
  /// guess.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Splits an origin-form target ("/v1/bots?limit=5") into `request`'s segments and query.
/// Error code target_invalid.
Result<void> parse_target(std::string_view target, Request& request);

/// The RFC 9457 document for `error`. What is ours to mend (kind failed) says "Internal server
/// error" and nothing more; the caller logs the rest.
Response problem(const Error& error);
/// The HTTP status that an Error's kind and code mean.
unsigned http_status(const Error& error);

}  // namespace guild::gateway
