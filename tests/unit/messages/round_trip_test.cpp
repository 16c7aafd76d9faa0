// Laws: what is encoded decodes to the same message; no bytes whatsoever make decode crash or
// throw.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "common/messages/broker.hpp"
#include "common/messages/ledgerd.hpp"
#include "common/messages/logs.hpp"
#include "common/messages/scheduler.hpp"
#include "common/messages/suite.hpp"

namespace guild::messages {
namespace {

/// Any characters but NUL, of one to four bytes each, at most `bytes_max` bytes.
rc::Gen<std::string> any_text(std::size_t bytes_max) {
  const auto character =
      rc::gen::element<std::string>("a", "z", "0", " ", "\"", "\\", "/", "\n", "\x01", "\x7F",
                                    "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(character),
                      [bytes_max](const std::vector<std::string>& characters) {
                        std::string text;
                        for (const std::string& next : characters) {
                          if (text.size() + next.size() > bytes_max) break;
                          text += next;
                        }
                        return text;
                      });
}

Uuid any_id() {
  Uuid id;
  for (auto& byte : id.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  return id;
}
Instant any_time() { return {*rc::gen::inRange<std::int64_t>(0, 9'200'000'000'000'000'000)}; }
Money any_money() { return Money::of_units(*rc::gen::arbitrary<std::int64_t>()); }
std::int64_t any_integer() { return *rc::gen::arbitrary<std::int64_t>(); }
bool any_bool() { return *rc::gen::arbitrary<bool>(); }
template <std::size_t Max>
Text<Max> any_bounded() {
  return *any_text(Max);
}

Credential any_credential() {
  Credential credential;
  if (any_bool()) credential.operator_token = any_bounded<128>();
  if (any_bool()) credential.api_key = any_bounded<128>();
  if (any_bool()) credential.api_secret = any_bounded<128>();
  return credential;
}

LogRecord any_record() {
  return {
      .time = any_time(),
      .level = *rc::gen::element(LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error,
                                 LogLevel::critical),
      .daemon = any_bounded<64>(),
      .module = any_bounded<64>(),
      .function = any_bounded<128>(),
      .file = any_bounded<256>(),
      .line = any_integer(),
      .message = any_bounded<10'000>(),
      .trace = any_bounded<64>(),
      .extra = {*rc::gen::element<std::string>("{}", R"({"a":1})", R"({"a":["x",{"b":2.50}]})")},
      .boot = any_id(),
      .seq = any_integer(),
      .oldest = any_bool() ? std::optional(any_bool()) : std::nullopt,
      .last = any_bool() ? std::optional(true) : std::nullopt};
}

/// encode is a function of the content alone and one to one, so equal texts are equal messages.
template <class Message>
void survives_the_wire(const Message& message) {
  const std::string json = encode(message);
  const auto back = decode<Message>(json);
  RC_ASSERT(back.has_value());
  RC_ASSERT(encode(*back) == json);
}

TEST_CASE("a log record survives the wire") {
  CHECK(rc::check([] {
    const LogRecord record = any_record();
    survives_the_wire(record);
    const auto back = decode<LogRecord>(encode(record));
    RC_ASSERT(back->time == record.time);
    RC_ASSERT(back->message == record.message);
    RC_ASSERT(back->seq == record.seq);
    RC_ASSERT(back->boot == record.boot);
    RC_ASSERT(back->extra == record.extra);
  }));
}

TEST_CASE("a page of log records survives the wire") {
  CHECK(rc::check([] {
    LogsPage page;
    const int count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < count; ++i) {
      page.records.push_back(
          {any_integer(), *any_text(64), any_record(), any_integer(), std::nullopt});
    }
    page.last_id = any_integer();
    survives_the_wire(page);
  }));
}

TEST_CASE("a transfer survives the wire, amount and all") {
  CHECK(rc::check([] {
    CreateTransfer transfer{any_id(),    any_bounded<80>(),  any_bounded<80>(),
                            any_money(), any_bounded<128>(), std::nullopt};
    if (any_bool()) transfer.credential = any_credential();
    survives_the_wire(transfer);
    RC_ASSERT(decode<CreateTransfer>(encode(transfer))->amount == transfer.amount);
  }));
}

TEST_CASE("a task survives the wire") {
  CHECK(rc::check([] {
    Task task;
    task.id = any_id();
    task.state = *rc::gen::element(TaskState::queued, TaskState::cancelled);
    const int arguments = *rc::gen::inRange(0, 5);
    for (int i = 0; i < arguments; ++i) task.command.push_back(any_bounded<4'000>());
    task.cost = any_money();
    task.charged = any_bool();
    if (any_bool()) task.exit_code = any_integer();
    if (any_bool()) task.started_at = any_time();
    task.submitted_at = any_time();
    survives_the_wire(task);
  }));
}

TEST_CASE("a duration survives the wire") {
  CHECK(rc::check([] {
    SubmitTask submit;
    submit.timeout = Duration{*rc::gen::inRange<std::int64_t>(0, 9'000'000'000'000'000'000)};
    RC_ASSERT(decode<SubmitTask>(encode(submit))->timeout == submit.timeout);
  }));
}

TEST_CASE("maps survive the wire") {
  CHECK(rc::check([] {
    Health health;
    health.daemon = *any_text(100);
    const int counters = *rc::gen::inRange(0, 5);
    for (int i = 0; i < counters; ++i) health.counters[*any_text(50)] = any_integer();
    survives_the_wire(health);
    RC_ASSERT(decode<Health>(encode(health))->counters == health.counters);
  }));
}

TEST_CASE("no mutation of a valid message makes decode do worse than refuse") {
  CHECK(rc::check([] {
    std::string json = encode(StoredLogRecord{1, "ledgerd", any_record(), 2, 3});
    const int changes = *rc::gen::inRange(1, 6);
    for (int i = 0; i < changes; ++i) {
      const std::size_t at = *rc::gen::inRange<std::size_t>(0, json.size());
      switch (*rc::gen::inRange(0, 3)) {
        case 0:
          json[at] = static_cast<char>(*rc::gen::inRange(0, 256));
          break;
        case 1:
          json.erase(at, *rc::gen::inRange<std::size_t>(1, 9));
          break;
        default:
          json.insert(at, json.substr(*rc::gen::inRange<std::size_t>(0, json.size()), 12));
      }
      if (json.empty()) break;
    }
    const auto decoded = decode<StoredLogRecord>(json);
    if (decoded) {
      survives_the_wire(*decoded);
    } else {
      RC_ASSERT(decoded.error().kind == ErrorKind::invalid);
      RC_ASSERT(!decoded.error().message.empty());
    }
  }));
}

TEST_CASE("random JSON-like bytes are refused or understood") {
  CHECK(rc::check([] {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("{}[]\",:0123456789.eE+-truefalsn\\u \x80\xC3\xFF")));
    const auto decoded = decode<LogsQuery>(text);
    if (decoded) survives_the_wire(*decoded);
  }));
}

}  // namespace
}  // namespace guild::messages
