#include "scheduler/authority.hpp"

#include "common/base/hash.hpp"

namespace guild::scheduler {

namespace {
constexpr std::string_view carrier = "gateway";
}

Result<std::string> Authority::authorize(
    std::string_view sender, const std::optional<messages::Credential>& credential) const {
  if (sender != carrier) return std::string(sender);
  if (!credential) {
    return fail(ErrorKind::denied, "credential_required",
                "the gateway forwarded this without its caller's credential",
                "send the operator token");
  }
  if (!credential->operator_token) {
    return fail(ErrorKind::denied, "not_permitted", "exec tasks are for the operator only",
                "send the operator token, not a bot's key");
  }
  const Digest given = sha256(as_bytes(credential->operator_token->view()));
  if (!equal_in_constant_time(given, operator_token_hash_)) {
    return fail(ErrorKind::denied, "credentials_invalid", "the credentials are not valid",
                "use the token in keys/operator/gateway.token");
  }
  return std::string("operator via gateway");
}

}  // namespace guild::scheduler
