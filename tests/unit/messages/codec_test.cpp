// What the codec refuses, and how it says so: every rule of codec.hpp by example.
#include <catch2/catch.hpp>

#include "common/messages/broker.hpp"
#include "common/messages/codec.hpp"
#include "common/messages/ledgerd.hpp"
#include "common/messages/logs.hpp"
#include "common/messages/scheduler.hpp"
#include "common/messages/suite.hpp"

namespace guild::messages {
namespace {

const std::string id = "01890a5d-ac96-774b-bcce-b302099a8057";

std::string transfer_with(const std::string& field, const std::string& value) {
  std::string json = R"({"id":")" + id + R"(","debit":"world","credit":"bot/a","amount":"1.00")";
  return json + ",\"" + field + "\":" + value + "}";
}

template <class Message>
Error error_of(std::string_view json) {
  const auto decoded = decode<Message>(json);
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().kind == ErrorKind::invalid);
  return decoded.error();
}

TEST_CASE("a message is read field by field") {
  const auto transfer = decode<CreateTransfer>(transfer_with("reference", "\"rent\""));
  REQUIRE(transfer.has_value());
  CHECK(transfer->id.text() == id);
  CHECK(transfer->debit.value == "world");
  CHECK(transfer->credit.value == "bot/a");
  CHECK(transfer->amount == Money::of_units(Money::units_per_one));
  CHECK(transfer->reference.value == "rent");
  CHECK_FALSE(transfer->credential.has_value());
}

TEST_CASE("optional fields keep their defaults; null is the same as absent for std::optional") {
  const auto task =
      decode<SubmitTask>(R"({"id":")" + id + R"(","command":["true"],"credential":null})");
  REQUIRE(task.has_value());
  CHECK(task->priority == 2);
  CHECK(task->timeout == std::chrono::minutes(30));
  CHECK(task->orphan == OrphanPolicy::fail);
  CHECK_FALSE(task->credential.has_value());
  CHECK(decode<Nothing>("{}").has_value());
}

TEST_CASE("null is no value for a field that is not std::optional") {
  CHECK(error_of<CreateTransfer>(transfer_with("reference", "null")).code == "field_type");
}

TEST_CASE("a required field that is missing is named") {
  const Error error = error_of<GetBalance>("{}");
  CHECK(error.code == "field_missing");
  CHECK(error.message == "field account: it is required and not there");
}

TEST_CASE("an unknown field is refused with the nearest known one") {
  const Error near = error_of<CreateTransfer>(transfer_with("referense", "\"x\""));
  CHECK(near.code == "field_unknown");
  CHECK(near.message == "field referense: there is no such field");
  CHECK(near.next_step == "did you mean reference?");
  CHECK(error_of<GetBalance>(R"({"zzzzzzzz":1})").next_step == "known fields: account");
  CHECK(error_of<Nothing>(R"({"x":1})").next_step == "known fields: none");
}

TEST_CASE("the path of a nested field is told") {
  const Error error = error_of<LogsStats>(
      R"({"records":1,"lost":0,"duplicates":0,"refused":0,"producers":[{"producer":"p","boot":")" +
      id + R"(","last_seq":"x","records":0,"lost":0}]})");
  CHECK(error.code == "field_type");
  CHECK(error.message == "field producers[0].last_seq: expected an integer, got a string");
  CHECK(error_of<CreateTransfer>(transfer_with("credential", R"({"api_kei":"x"})")).message ==
        "field credential.api_kei: there is no such field");
}

TEST_CASE("a field that is there twice is refused, wherever it is") {
  const Error error = error_of<CreateTransfer>(transfer_with("debit", "\"treasury\""));
  CHECK(error.code == "field_value");
  CHECK(error.message == "field debit is there twice");
  const Error nested =
      error_of<CreateTransfer>(transfer_with("credential", R"({"api_key":"a","api_key":"b"})"));
  CHECK(nested.message == "field credential.api_key is there twice");
}

TEST_CASE("an amount is text, never a number") {
  for (const char* number : {"1", "1.5", "-3", "1e2", "9999999999999999999999"}) {
    const Error error = error_of<ChargeTask>(R"({"id":")" + id + R"(","bot":"a","task":")" + id +
                                             R"(","attempt":1,"amount":)" + number + "}");
    CHECK(error.code == "field_type");
    CHECK(error.message == "field amount: expected an amount as a string, got a number");
    CHECK_THAT(error.next_step, Catch::StartsWith("write amounts as text"));
  }
}

TEST_CASE("an amount that Money refuses is refused with its reason") {
  for (const char* text : {"1.123456789", "1e3", "nan", "", "+1", " 1", "99999999999999999999"}) {
    const Error error = error_of<ChargeTask>(R"({"id":")" + id + R"(","bot":"a","task":")" + id +
                                             R"(","attempt":1,"amount":")" + text + "\"}");
    CHECK(error.code == "field_value");
    CHECK_THAT(error.message, Catch::StartsWith("field amount: "));
  }
}

TEST_CASE("an integer is an integer, whole and within 64 bits") {
  const auto query = [](const std::string& value) { return "{\"after_id\":" + value + "}"; };
  for (const char* wrong : {"1.0", "1e3", "true", "\"1\"", "9223372036854775808",
                            "-9223372036854775809", "[1]", "{}"}) {
    CHECK(error_of<LogsQuery>(query(wrong)).code == "field_type");
  }
  for (const char* right : {"9223372036854775807", "-9223372036854775808", "0"}) {
    const auto decoded = decode<LogsQuery>(query(right));
    REQUIRE(decoded.has_value());
    CHECK(std::to_string(*decoded->after_id) == right);
  }
  CHECK(error_of<LogsQuery>(query("01")).code == "json_invalid");
}

TEST_CASE("a range is kept") {
  CHECK(error_of<LogsQuery>(R"({"limit":0})").code == "field_range");
  CHECK(error_of<LogsQuery>(R"({"limit":1001})").message ==
        "field limit: 1001 is not from 1 to 1000");
  CHECK(decode<LogsQuery>(R"({"limit":1000})")->limit == 1'000);
  CHECK(decode<LogsQuery>("{}")->limit == 100);
}

TEST_CASE("text is bounded in bytes, not in characters") {
  const std::string at_bound(80, 'a');
  CHECK(decode<GetBalance>("{\"account\":\"" + at_bound + "\"}").has_value());
  const Error over = error_of<GetBalance>("{\"account\":\"" + at_bound + "a\"}");
  CHECK(over.code == "field_too_long");
  CHECK(over.message == "field account: 81 bytes, at most 80");
  std::string umlauts;
  for (int i = 0; i < 41; ++i) umlauts += "\xC3\xA4";
  CHECK(error_of<GetBalance>("{\"account\":\"" + umlauts + "\"}").code == "field_too_long");
}

TEST_CASE("text holds no NUL and is valid UTF-8") {
  CHECK(error_of<GetBalance>(R"({"account":"a\u0000b"})").code == "field_value");
  CHECK(error_of<GetBalance>("{\"account\":\"a\xFF\"}").code == "json_invalid");
  CHECK(error_of<GetBalance>("{\"account\":\"\xC0\x80\"}").code == "json_invalid");
  CHECK(error_of<GetBalance>(R"({"account":"\ud800"})").code == "json_invalid");
  CHECK(decode<GetBalance>(R"({"account":"\ud83d\ude00"})")->account.value == "\xF0\x9F\x98\x80");
}

TEST_CASE("a list is bounded") {
  std::string command = "\"x\"";
  for (int i = 1; i < 256; ++i) command += ",\"x\"";
  const auto submit = [](const std::string& list) {
    return R"({"id":")" + id + R"(","command":[)" + list + "]}";
  };
  CHECK(decode<SubmitTask>(submit(command))->command.size() == 256);
  CHECK(error_of<SubmitTask>(submit(command + ",\"x\"")).code == "field_too_long");
  CHECK(error_of<SubmitTask>(submit("1")).message ==
        "field command[0]: expected a string, got an integer");
}

TEST_CASE("an enum is one of its names") {
  const Error error = error_of<LogsQuery>(R"({"level":"warm"})");
  CHECK(error.code == "field_value");
  CHECK(error.message == "field level: \"warm\" is not one of its values");
  CHECK(error.next_step == "did you mean warn?");
  CHECK(error_of<LogsQuery>(R"({"level":"x"})").next_step ==
        "use one of: debug, info, warn, error, critical");
  CHECK(error_of<LogsQuery>(R"({"level":2})").code == "field_type");
}

TEST_CASE("ids, times and durations are refused with their own reason") {
  CHECK(error_of<GetTask>(R"({"id":"7"})").code == "field_value");
  CHECK(error_of<LogsQuery>(R"({"since":"yesterday"})").code == "field_value");
  CHECK(error_of<SubmitTask>(R"({"id":")" + id + R"(","command":[],"timeout":30})").code ==
        "field_type");
  CHECK(error_of<SubmitTask>(R"({"id":")" + id + R"(","command":[],"timeout":"30"})").code ==
        "field_value");
}

TEST_CASE("the message itself must be an object") {
  for (const char* other : {"[]", "null", "1", "\"x\"", "true"}) {
    CHECK(error_of<GetBalance>(other).message.starts_with("the message: expected an object"));
  }
}

TEST_CASE("a free JSON object is kept whole, compact, and bounded") {
  LogRecord record;
  record.extra.text = R"({"a":[1,2.50,-0.1e3,"x\"y"],"b":{"c":null,"d":true}})";
  const auto back = decode<LogRecord>(encode(record));
  REQUIRE(back.has_value());
  CHECK(back->extra == record.extra);

  record.extra.text = R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}})";
  CHECK(decode<LogRecord>(encode(record)).has_value());
  record.extra.text = R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}})";
  CHECK(error_of<LogRecord>(encode(record)).message == "field extra: 9 levels, at most 8");
  record.extra.text = "{\"a\":\"" + std::string(65'536, 'x') + "\"}";
  CHECK(error_of<LogRecord>(encode(record)).code == "field_too_long");
}

TEST_CASE("what is encoded is JSON, whatever bytes a text holds") {
  Health health;
  health.daemon = std::string("a\xFF\x01\n\t\"\\\x7F\xC3\xA4", 10);
  const std::string json = encode(health);
  CHECK_THAT(json,
             Catch::StartsWith("{\"daemon\":\"a\xEF\xBF\xBD\\u0001\\n\\t\\\"\\\\\x7F\xC3\xA4\","));
  CHECK(decode<Health>(json)->daemon == "a\xEF\xBF\xBD\x01\n\t\"\\\x7F\xC3\xA4");
}

TEST_CASE("the wire forms") {
  LogsQuery query;
  query.since = Instant{1'767'322'985'678'000'000};
  query.level = LogLevel::warn;
  query.limit = 7;
  CHECK(encode(query) == R"({"since":"2026-01-02T03:03:05.678Z","level":"warn","limit":7})");
  CHECK(encode(Nothing{}) == "{}");
  CHECK(encode(Credential{}) == "{}");
  CHECK(encode(Balance{"treasury", Money::of_units(-50'000'000), {}, {}, {}, false}) ==
        R"({"account":"treasury","balance":"-0.50","held":"0.00","available":"0.00",)"
        R"("floor":"0.00","is_closed":false})");
}

TEST_CASE("an error crosses the wire and is the same error") {
  const Error error{ErrorKind::funds, "funds_short", "bot/a has 1.00,\nnot 2.00", "send less"};
  CHECK(decode_error(encode_error(error)) == error);
  const Error plain{ErrorKind::denied, "no_permission", "no", ""};
  CHECK(decode_error(encode_error(plain)) == plain);
}

TEST_CASE("an unreadable error is an error of its own") {
  CHECK(decode_error("not json").code == "error_malformed");
  CHECK(decode_error(R"({"kind":"funds"})").code == "error_malformed");
}

}  // namespace
}  // namespace guild::messages
