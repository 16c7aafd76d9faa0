#include "gateway/guard.hpp"

#include <sodium.h>

#include <algorithm>

#include "common/base/secret.hpp"
#include "common/base/text.hpp"

namespace guild::gateway {

namespace {

constexpr std::string_view bearer = "Bearer ";
constexpr std::string_view basic = "Basic ";
constexpr std::string_view bot_token = "guild_token_";

// "127.0.0.1:8787" and "[::1]:8787" without the port.
std::string_view without_port(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return host;
  return host.substr(0, colon);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

std::unexpected<Error> malformed() {
  return fail(ErrorKind::denied, "credentials_invalid", "the Authorization header is malformed",
              "send 'Bearer <token>', or 'Basic' with a bot's key and secret");
}

Result<messages::Credential> bearer_credential(std::string_view token) {
  if (token.empty() || token.size() > 128) return malformed();
  messages::Credential credential;
  if (token.starts_with(bot_token))
    credential.token = std::string(token);
  else
    credential.operator_token = std::string(token);
  return credential;
}

Result<messages::Credential> bot_credential(std::string_view encoded) {
  std::string decoded(encoded.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(decoded.data()), decoded.size(),
                        encoded.data(), encoded.size(), nullptr, &size, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != encoded.data() + encoded.size())
    return malformed();
  decoded.resize(size);
  const std::size_t colon = decoded.find(':');
  if (colon == std::string::npos || colon == 0 || colon > 128 || size - colon - 1 > 128 ||
      colon + 1 == size || !is_utf8(decoded) || decoded.find('\0') != std::string::npos)
    return malformed();
  messages::Credential credential;
  credential.api_key = decoded.substr(0, colon);
  credential.api_secret = decoded.substr(colon + 1);
  wipe(decoded.data(), decoded.size());
  return credential;
}

}  // namespace

Result<void> check_source(const Request& request, const Allowed& allowed) {
  const auto host = request.header("host");
  if (!host ||
      std::ranges::find(allowed.hosts, lower(without_port(*host))) == allowed.hosts.end()) {
    return fail(ErrorKind::denied, "host_not_allowed",
                "this server does not answer for the host " + quoted(host.value_or("")),
                "use its own address, or add the name to [gateway] allowed_hosts");
  }
  if (request.headers.contains("origin")) {
    const auto origin = request.header("origin");
    if (!origin || std::ranges::find(allowed.origins, lower(*origin)) == allowed.origins.end()) {
      return fail(ErrorKind::denied, "origin_not_allowed",
                  "requests from the page " + quoted(origin.value_or("")) + " are not allowed",
                  "add it to [gateway] allowed_origins if it is yours");
    }
  }
  return {};
}

Result<messages::Credential> read_credential(const Request& request) {
  if (!request.headers.contains("authorization")) {
    return fail(ErrorKind::denied, "credential_missing", "this route needs a credential",
                "send 'Authorization: Bearer <token>', or a bot's key and secret as Basic");
  }
  const auto value = request.header("authorization");
  if (!value) return malformed();
  if (value->starts_with(bearer)) return bearer_credential(value->substr(bearer.size()));
  if (value->starts_with(basic)) return bot_credential(value->substr(basic.size()));
  return malformed();
}

}  // namespace guild::gateway
