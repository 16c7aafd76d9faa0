// A request as a test writes it.
#pragma once

#include <utility>
#include <vector>

#include "common/base/assert.hpp"
#include "gateway/http.hpp"

namespace guild::gateway::test {

inline Request request_with(std::vector<std::pair<std::string, std::string>> headers) {
  Request request;
  request.method = "GET";
  for (auto& [name, value] : headers) request.headers.emplace(name, value);
  return request;
}

inline Request request_for(std::string_view target) {
  Request request;
  request.method = "GET";
  GUILD_ASSERT(parse_target(target, request));
  return request;
}

}  // namespace guild::gateway::test
