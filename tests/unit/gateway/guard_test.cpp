#include "gateway/guard.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/gateway/request.hpp"

using namespace guild;
using namespace guild::gateway;
using guild::gateway::test::request_with;

namespace {

const Allowed allowed{.hosts = {"127.0.0.1", "localhost", "[::1]"},
                      .origins = {"http://127.0.0.1:8787"}};

std::string source_code(std::vector<std::pair<std::string, std::string>> headers) {
  const auto result = check_source(request_with(std::move(headers)), allowed);
  return result ? "" : result.error().code;
}

std::string credential_code(const std::string& authorization) {
  const auto result = read_credential(request_with({{"authorization", authorization}}));
  return result ? "" : result.error().code;
}

}  // namespace

TEST_CASE("a request must name this host, with or without a port") {
  CHECK(source_code({{"host", "127.0.0.1:8787"}}).empty());
  CHECK(source_code({{"host", "LOCALHOST"}}).empty());
  CHECK(source_code({{"host", "[::1]:8787"}}).empty());
  CHECK(source_code({{"host", "evil.example"}}) == "host_not_allowed");
  CHECK(source_code({{"host", "127.0.0.1.evil.example"}}) == "host_not_allowed");
  CHECK(source_code({{"host", ""}}) == "host_not_allowed");
  CHECK(source_code({}) == "host_not_allowed");
}

TEST_CASE("two Host headers are as good as none") {
  CHECK(source_code({{"host", "localhost"}, {"host", "localhost"}}) == "host_not_allowed");
}

TEST_CASE("a page elsewhere may not call, a program without an Origin may") {
  CHECK(source_code({{"host", "localhost"}, {"origin", "http://127.0.0.1:8787"}}).empty());
  CHECK(source_code({{"host", "localhost"}, {"origin", "http://127.0.0.1:9999"}}) ==
        "origin_not_allowed");
  CHECK(source_code({{"host", "localhost"}, {"origin", "null"}}) == "origin_not_allowed");
  CHECK(
      source_code({{"host", "localhost"}, {"origin", "http://127.0.0.1:8787"}, {"origin", "x"}}) ==
      "origin_not_allowed");
}

TEST_CASE("an operator's token and a bot's key and secret are read") {
  const auto token = read_credential(request_with({{"authorization", "Bearer abc"}}));
  REQUIRE(token);
  CHECK(token->operator_token->value == "abc");
  CHECK_FALSE(token->api_key);

  const auto of_bot = read_credential(request_with({{"authorization", "Bearer guild_token_ab"}}));
  REQUIRE(of_bot);
  CHECK(of_bot->token->value == "guild_token_ab");
  CHECK_FALSE(of_bot->operator_token);

  // "key:secret:more" in base64: only the first colon parts them.
  const auto bot = read_credential(request_with({{"authorization", "Basic a2V5OnNlY3JldDptb3Jl"}}));
  REQUIRE(bot);
  CHECK(bot->api_key->value == "key");
  CHECK(bot->api_secret->value == "secret:more");
  CHECK_FALSE(bot->operator_token);
}

TEST_CASE("a missing credential and a malformed one are told apart") {
  CHECK(read_credential(request_with({})).error().code == "credential_missing");
  for (const std::string bad : {"", "Bearer ", "Bearer", "bearer abc", "Basic ", "Basic !!!!",
                                "Basic a2V5", "Basic OnNlY3JldA==", "Basic a2V5Og==", "Digest x"}) {
    INFO(bad);
    CHECK(credential_code(bad) == "credentials_invalid");
  }
  CHECK(credential_code("Bearer " + std::string(129, 'a')) == "credentials_invalid");
  CHECK(
      read_credential(request_with({{"authorization", "Bearer a"}, {"authorization", "Bearer a"}}))
          .error()
          .code == "credentials_invalid");
}

TEST_CASE("no error repeats the credential") {
  const auto result = read_credential(request_with({{"authorization", "Secretive hunter2"}}));
  REQUIRE_FALSE(result);
  CHECK(result.error().text().find("hunter2") == std::string::npos);
}
