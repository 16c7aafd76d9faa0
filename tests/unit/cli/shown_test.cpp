// How payloads, log lines and tasks are shown, and what of a task is refused before it is sent.
#include <catch2/catch.hpp>

#include "cli/logs.hpp"
#include "cli/output.hpp"
#include "cli/payload.hpp"
#include "cli/task.hpp"

using namespace guild;
using namespace guild::cli;

TEST_CASE("a payload is the text itself, or a file's content") {
  CHECK(read_payload("hello") == "hello");
  CHECK(read_payload("").value().empty());
  CHECK(read_payload("@/no/such/file").error().code == "file_missing");
  CHECK(read_payload(std::string(payload_bytes_max, 'x')));
  CHECK(read_payload(std::string(payload_bytes_max + 1, 'x')).error().code == "payload_too_large");
}

TEST_CASE("a delivered payload is shown as text where it is text, else in hex") {
  bus::Delivery delivery{"demo/a", "operator", 7, {}, 1, "h\xc3\xa9llo\n"};
  BusMessage message = message_of(delivery);
  CHECK(message.payload == "h\xc3\xa9llo\n");
  CHECK_FALSE(message.payload_hex);
  CHECK(line_of(message) == "demo/a operator 7 h\\xc3\\xa9llo\\n");
  delivery.payload = "\xff\x01";
  message = message_of(delivery);
  CHECK_FALSE(message.payload);
  CHECK(message.payload_hex == "ff01");
  CHECK(messages::encode(message) ==
        R"({"topic":"demo/a","sender":"operator","seq":7,"payload_hex":"ff01"})");
}

TEST_CASE("foreign text cannot steer a terminal, and keeps its lines") {
  CHECK(without_controls("a\x1b[2Jb\n\tc\r\n") == "a\\x1b[2Jb\n\tc\\r\n");
  CHECK(without_controls("") == "");
  CHECK(without_controls("\n\n") == "\n\n");
}

TEST_CASE("a log line is shown with who logged it, after what is missing before it") {
  messages::StoredLogRecord stored;
  stored.producer = "ledgerd";
  stored.record.daemon = "pretender";
  stored.record.module = "journal";
  stored.record.message = "replayed\n";
  auto lines = lines_of(stored);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("ledgerd/journal: replayed\\n") != std::string::npos);
  CHECK(lines[0].find("pretender") == std::string::npos);

  stored.lost_before = 3;
  stored.unknown_after = 41;
  lines = lines_of(stored);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "-- ledgerd ended without its last word: unknown loss after seq 41 --");
  CHECK(lines[1] == "-- 3 lines of ledgerd are lost here --");
}

namespace {

messages::Task ended_task(messages::TaskState state) {
  messages::Task task;
  task.state = state;
  task.started_at = Instant{0};
  task.ended_at = Instant{1'500'000'000};
  return task;
}

}  // namespace

TEST_CASE("a task's end is told with its cause and its booking") {
  using messages::TaskState;
  messages::Task task = ended_task(TaskState::succeeded);
  CHECK(summary_of(task) == "succeeded (1s500ms)");
  task.cost = Money::parse("0.25").value();
  task.bot = "demo";
  task.charged = true;
  CHECK(summary_of(task) == "succeeded (1s500ms); 0.25 booked to bot/demo");
  task.charged = false;
  task.charge_problem = "funds_short";
  CHECK(summary_of(task) == "succeeded (1s500ms); 0.25 NOT booked: funds_short");

  messages::Task failed = ended_task(TaskState::failed);
  failed.exit_code = 3;
  CHECK(summary_of(failed) == "failed: exit code 3 (1s500ms)");
  failed.exit_code.reset();
  failed.signal = "SIGKILL";
  CHECK(summary_of(failed) == "failed: ended by SIGKILL (1s500ms)");
  failed.reason = "ran too long";
  CHECK(summary_of(failed) == "failed: ran too long (1s500ms)");
  messages::Task running;
  running.state = TaskState::running;
  CHECK(summary_of(running) == "running");
}

TEST_CASE("a task that cannot be is refused before it is sent") {
  SubmitArguments arguments;
  arguments.command = {"true"};
  CHECK(submission_of(arguments));
  arguments.cost.money = Money::parse("0.01").value();
  CHECK(submission_of(arguments).error().code == "cost_without_bot");
  arguments.bot = "demo";
  CHECK(submission_of(arguments));
  arguments.command.assign(257, "x");
  CHECK(submission_of(arguments).error().code == "command_invalid");
  arguments.command = {std::string(4'001, 'x')};
  CHECK(submission_of(arguments).error().code == "text_too_long");
  arguments.command = {"\xff"};
  CHECK(submission_of(arguments).error().code == "text_invalid");
}

TEST_CASE("a task may cost nothing, but not less") {
  Cost cost;
  CHECK(read_value("0", cost));
  CHECK(read_value("0.25", cost));
  CHECK(cost.money.text() == "0.25");
  CHECK(read_value("-0.01", cost).error().code == "amount_negative");
  CHECK(read_value("0.123456789", cost).error().code == "money_places");
}
