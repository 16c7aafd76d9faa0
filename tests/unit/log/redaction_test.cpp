// Which keys are secret, and that their values never get out.
#include <catch2/catch.hpp>

#include "common/log/redaction.hpp"

namespace guild::log {
namespace {

TEST_CASE("keys that name a secret, however they are written") {
  for (const char* key : {"password",
                          "Password",
                          "PASSWORD",
                          "db_password",
                          "userPassword",
                          "passwd",
                          "pwd",
                          "passphrase",
                          "token",
                          "access_token",
                          "X-Auth-Token",
                          "refreshToken",
                          "secret",
                          "client-secret",
                          "secrets",
                          "key",
                          "Key",
                          "KEY",
                          "keys",
                          "api_key",
                          "apiKey",
                          "apikey",
                          "API_KEY",
                          "APIKey",
                          "keyId",
                          "key_hash",
                          "master.key",
                          "auth",
                          "Authorization",
                          "oauth",
                          "authenticated_by",
                          "basicAuth",
                          "credential",
                          "credentials",
                          "session_cookie"}) {
    INFO(key);
    CHECK(is_secret_key(key));
  }
}

TEST_CASE("keys that name none") {
  for (const char* key : {"bot", "amount", "keyboard", "author", "authors", "keystroke", "path",
                          "passed", "seq", "", "account", "topic"}) {
    INFO(key);
    CHECK_FALSE(is_secret_key(key));
  }
}

TEST_CASE("extra values become JSON, and secret ones do not") {
  CHECK(to_json({}).text == "{}");
  CHECK(to_json({{"bot", "a\"b"}, {"api_key", "s3cr3t"}, {"n", "1"}}).text ==
        R"({"bot":"a\"b","api_key":"[REDACTED]","n":"1"})");
}

TEST_CASE("a key given twice is there once") {
  CHECK(to_json({{"a", "1"}, {"b", "2"}, {"a", "3"}}).text == R"({"b":"2","a":"3"})");
}

TEST_CASE("extra values are bounded, and what is left out is counted") {
  const std::string big(9'000, 'x');
  CHECK(to_json({{"a", "1"}, {"big", big}, {"b", "2"}}).text ==
        R"({"a":"1","b":"2","left_out":1})");
  CHECK(to_json({{"big", big}}).text == R"({"left_out":1})");
}

TEST_CASE("a JSON object is redacted at every level, and is otherwise the same") {
  CHECK(redact({R"({"a":1,"auth":{"user":"u"},"b":[{"token":"t","c":null},2.50],"d":"token"})"})
            .text ==
        R"({"a":1,"auth":"[REDACTED]","b":[{"token":"[REDACTED]","c":null},2.50],"d":"token"})");
}

TEST_CASE("what is no object, or too big, is replaced") {
  const std::string unreadable = R"({"unreadable":true})";
  CHECK(redact({"[1]"}).text == unreadable);
  CHECK(redact({"{"}).text == unreadable);
  CHECK(redact({R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}})"}).text == unreadable);
  CHECK(redact({"{\"a\":\"" + std::string(9'000, 'x') + "\"}"}).text == unreadable);
}

}  // namespace
}  // namespace guild::log
