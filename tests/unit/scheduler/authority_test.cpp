#include "scheduler/authority.hpp"

#include <catch2/catch.hpp>

#include "common/base/hash.hpp"

using guild::messages::Credential;
using guild::scheduler::Authority;

namespace {

const Authority& authority() {
  static const Authority made(guild::sha256(guild::as_bytes("hunter2")));
  return made;
}

std::string refusal(std::string_view sender, const std::optional<Credential>& credential) {
  const auto answer = authority().authorize(sender, credential);
  if (answer) return "";
  CHECK(answer.error().kind == guild::ErrorKind::denied);
  CHECK(answer.error().text().find("hunter2") == std::string::npos);
  return answer.error().code;
}

Credential token(const char* text) {
  return {.operator_token = guild::Text<128>(text), .api_key = {}, .api_secret = {}};
}

}  // namespace

TEST_CASE("who may ask over the bus needs no more") {
  CHECK(authority().authorize("operator", std::nullopt) == "operator");
}

TEST_CASE("the gateway's caller shows the operator token") {
  CHECK(authority().authorize("gateway", token("hunter2")) == "operator via gateway");
  CHECK(refusal("gateway", std::nullopt) == "credential_required");
  CHECK(refusal("gateway", token("hunter3")) == "credentials_invalid");
  CHECK(refusal("gateway", token("")) == "credentials_invalid");
}

TEST_CASE("a bot's credential is refused by name") {
  const Credential bot{
      .operator_token = {}, .api_key = guild::Text<128>("k"), .api_secret = guild::Text<128>("s")};
  CHECK(refusal("gateway", bot) == "not_permitted");
}
