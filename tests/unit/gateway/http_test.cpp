#include "gateway/http.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/gateway/request.hpp"

using namespace guild;
using namespace guild::gateway;
using guild::gateway::test::request_for;

TEST_CASE("a target is split into decoded segments and parameters") {
  const Request request = request_for("/v1/bots/a%20b?limit=5&grep=x%3Dy");
  CHECK(request.segments == std::vector<std::string>{"v1", "bots", "a b"});
  CHECK(request.query.find("limit")->second == "5");
  CHECK(request.query.find("grep")->second == "x=y");
}

TEST_CASE("an encoded slash does not make a new segment") {
  CHECK(request_for("/v1/bots/a%2Fb").segments == std::vector<std::string>{"v1", "bots", "a/b"});
}

TEST_CASE("what is no path is refused") {
  for (const std::string_view target : {"", "v1", "http://evil/", "/a b", "/%zz", "/\x01"}) {
    INFO(target);
    Request request;
    const auto result = parse_target(target, request);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == "target_invalid");
  }
}

TEST_CASE("a failure of ours tells a caller nothing but that it was ours") {
  const Response response =
      problem({ErrorKind::failed, "io_error", "read /var/x/ledger.db: bad sector", "call"});
  CHECK(response.status == 500);
  CHECK(response.content_type == "application/problem+json");
  CHECK(response.body.find("Internal server error") != std::string::npos);
  CHECK(response.body.find("ledger.db") == std::string::npos);
  CHECK(response.body.find("io_error") == std::string::npos);
}

TEST_CASE("a caller's mistake is named, with the next step") {
  const Response response =
      problem({ErrorKind::funds, "funds_short", "the account has 1.00", "add funds"});
  CHECK(response.status == 402);
  CHECK(response.body.find("funds_short") != std::string::npos);
  CHECK(response.body.find("add funds") != std::string::npos);
}

TEST_CASE("each kind and each finer code has its status") {
  CHECK(http_status({ErrorKind::invalid, "x", "", ""}) == 400);
  CHECK(http_status({ErrorKind::not_found, "x", "", ""}) == 404);
  CHECK(http_status({ErrorKind::denied, "x", "", ""}) == 403);
  CHECK(http_status({ErrorKind::denied, "credentials_invalid", "", ""}) == 401);
  CHECK(http_status({ErrorKind::timeout, "x", "", ""}) == 504);
  CHECK(http_status({ErrorKind::conflict, "x", "", ""}) == 409);
  CHECK(http_status({ErrorKind::unavailable, "no_responder", "", ""}) == 503);
  CHECK(http_status({ErrorKind::invalid, "body_too_large", "", ""}) == 413);
  CHECK(http_status({ErrorKind::exhausted, "queue_full", "", ""}) == 429);
}

TEST_CASE("a 401 says which credentials are taken") {
  const Response response = problem({ErrorKind::denied, "credential_missing", "", ""});
  REQUIRE(response.headers.size() == 1);
  CHECK(response.headers[0].first == "WWW-Authenticate");
}
