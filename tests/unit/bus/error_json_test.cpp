#include "common/bus/error_json.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::bus;

TEST_CASE("an error comes back as it was sent") {
  for (const ErrorKind kind : {ErrorKind::failed, ErrorKind::invalid, ErrorKind::not_found,
                               ErrorKind::denied, ErrorKind::timeout, ErrorKind::funds,
                               ErrorKind::conflict, ErrorKind::exhausted, ErrorKind::unavailable}) {
    const Error error{kind, "funds_short", "only \"3.00\" left, \xE2\x82\xAC", "earn more"};
    CHECK(decode_error(encode_error(error)) == error);
  }
  CHECK(encode_error({ErrorKind::funds, "funds_short", "a", ""}) ==
        R"({"code":"funds_short","kind":"funds","message":"a","next_step":""})");
}

TEST_CASE("junk in place of an error becomes one that says so") {
  const std::string deep(100'000, '[');
  for (const std::string& junk : {
           std::string(),
           std::string("not json"),
           std::string("[]"),
           std::string("null"),
           deep,
           std::string(R"({"kind":"failed","code":"x"})"),
           std::string(R"({"kind":1,"code":"x","message":"m"})"),
           std::string(R"({"kind":"failed","code":"","message":"m"})"),
           std::string(R"({"kind":"failed","code":"Not Snake","message":"m"})"),
           std::string(R"({"kind":"failed","code":")") + std::string(65, 'x') +
               R"(","message":"m"})",
           std::string("{\"kind\":\"failed\",\"code\":\"x\",\"message\":\"\xFF\"}"),
           R"({"kind":"failed","code":"x","message":")" + std::string(70'000, 'm') + "\"}",
       }) {
    const Error error = decode_error(junk);
    INFO(junk.substr(0, 80));
    CHECK(error.code == "unreadable_error");
    CHECK(error.kind == ErrorKind::failed);
    CHECK(error.message.size() < 1'000);
  }
}

TEST_CASE("what another client wrote cannot move a terminal's cursor, or fill it") {
  const Error error = decode_error(
      R"({"kind":"what","code":"x","message":"\u001b[2Jgone","next_step":"a\nb","more":[1]})");
  CHECK(error.kind == ErrorKind::failed);  // A kind that we do not know.
  CHECK(error.message == "\\x1b[2Jgone");
  CHECK(error.next_step == "a\\nb");
  const Error long_one = decode_error(
      encode_error({ErrorKind::failed, "x", std::string(100'000, 'm'), std::string(100'000, 'n')}));
  CHECK(long_one.message.size() == 4'096);
}

TEST_CASE("bytes that are no UTF-8 are replaced, never thrown over") {
  const Error error = decode_error(encode_error({ErrorKind::failed, "x",
                                                 "a\xFF"
                                                 "b",
                                                 ""}));
  CHECK(error.message ==
        "a\xEF\xBF\xBD"
        "b");
}
