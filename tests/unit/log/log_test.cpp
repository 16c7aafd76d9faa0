// Logging as a daemon uses it, up to the buffer, and what stop leaves on stderr.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "common/base/file.hpp"
#include "common/log/log.hpp"
#include "common/log/process.hpp"
#include "common/messages/codec.hpp"

namespace guild::log {
namespace {

/// Everything written to stderr while it lives.
class CapturedStderr {
 public:
  CapturedStderr() : kept_(dup(STDERR_FILENO)) {
    int ends[2];
    REQUIRE(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    read_end_ = Fd(ends[0]);
    const Fd write_end(ends[1]);
    REQUIRE(dup2(write_end.get(), STDERR_FILENO) >= 0);
  }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;
  ~CapturedStderr() { dup2(kept_.get(), STDERR_FILENO); }

  std::string text() {
    std::string all;
    char some[4'096];
    while (true) {
      const ssize_t count = read(read_end_.get(), some, sizeof some);
      if (count <= 0) return all;
      all.append(some, static_cast<std::size_t>(count));
    }
  }

 private:
  Fd kept_;
  Fd read_end_;
};

/// A started log whose shipping the test does by hand.
class StartedLog {
 public:
  explicit StartedLog(Options options = {}) {
    options.process_name = "ledgerd";
    start(options);
    process_log()->set_session(1);
    process_log()->set_consumer_present(true);
  }
  StartedLog(const StartedLog&) = delete;
  StartedLog& operator=(const StartedLog&) = delete;
  ~StartedLog() { stop(); }

  std::vector<messages::LogRecord> take() {
    std::vector<messages::LogRecord> records;
    for (const auto& outgoing : process_log()->take_outgoing(1'000)) {
      const auto record = messages::decode<messages::LogRecord>(outgoing.payload);
      REQUIRE(record.has_value());
      CHECK(outgoing.topic == "logs/ledgerd/" + record->module.value);
      process_log()->on_committed({record->boot, record->seq, {}});
      records.push_back(*record);
    }
    return records;
  }
};

TEST_CASE("a line becomes a record") {
  StartedLog log;
  const Instant before = now();
  GUILD_LOG(info, "journal", "replayed {} postings", 7);
  GUILD_LOG_WITH(warn, "auth guard", (Extra{{"client", "bot-7"}, {"token", "s3cr3t"}}), "refused");
  const auto records = log.take();
  REQUIRE(records.size() == 2);
  CHECK(records[0].message.value == "replayed 7 postings");
  CHECK(records[0].level == messages::LogLevel::info);
  CHECK(records[0].daemon.value == "ledgerd");
  CHECK(records[0].module.value == "journal");
  CHECK(records[0].file.value == "log/log_test.cpp");
  CHECK(records[0].line > 0);
  CHECK(records[0].time >= before);
  CHECK(records[0].boot == boot_id());
  CHECK(records[0].seq == 1);
  CHECK(records[1].seq == 2);
  CHECK(records[1].module.value == "auth_guard");
  CHECK(records[1].extra.text == R"({"client":"bot-7","token":"[REDACTED]"})");
}

TEST_CASE("a level below the chosen one costs nothing and writes nothing") {
  Options options;
  options.level = Level::warn;
  StartedLog log(options);
  int evaluated = 0;
  GUILD_LOG(info, "m", "{}", ++evaluated);
  GUILD_LOG(error, "m", "{}", ++evaluated);
  CHECK(evaluated == 1);
  CHECK(log.take().size() == 1);
}

TEST_CASE("a record is always one that the log consumer takes, whatever was logged") {
  StartedLog log;
  write(Level::info, "\xFF/\n", {nullptr, 0, nullptr}, std::string(20'000, '\xFF'),
        {{"\xFF", "\xFF"}}, std::string_view("\0", 1));
  write(Level::info, "", {"", 0, ""}, "\xC3\xA4", {});
  const auto records = log.take();  // Decodes them.
  REQUIRE(records.size() == 2);
  CHECK(records[0].message.value.size() == 10'000);
  CHECK(records[1].message.value == "\xC3\xA4");
}

TEST_CASE("many threads write; every record has its own number") {
  StartedLog log;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int n = 0; n < 100; ++n) GUILD_LOG(info, "m", "{} {}", i, n);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto records = log.take();
  REQUIRE(records.size() == 400);
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK(records[i].seq == static_cast<std::int64_t>(i) + 1);
  }
}

TEST_CASE("the shipper is woken once for a burst, and again for the next") {
  StartedLog log;
  int woken = 0;
  process_log()->set_wake([&woken] { ++woken; });
  for (int i = 0; i < 3; ++i) GUILD_LOG(info, "m", "x");
  CHECK(woken == 1);
  process_log()->expect_wake();
  GUILD_LOG(info, "m", "x");
  CHECK(woken == 2);
  process_log()->set_wake({});
  log.take();
}

TEST_CASE("what did not leave after all is sent again") {
  StartedLog log;
  for (int i = 0; i < 3; ++i) GUILD_LOG(info, "m", "{}", i);
  const auto first = process_log()->take_outgoing(10);
  REQUIRE(first.size() == 3);
  process_log()->put_back_from(first[1].seq);
  CHECK(counters().shipped == 1);
  const auto again = process_log()->take_outgoing(10);
  REQUIRE(again.size() == 2);
  CHECK(again[0].seq == 2);
  process_log()->on_committed({boot_id(), 3, {}});
}

TEST_CASE("stop tells what was not acknowledged, in plain ASCII, and how much it was") {
  CapturedStderr captured;
  {
    StartedLog log;
    GUILD_LOG(info, "m", "kept");
    log.take();
    GUILD_LOG(error, "m", "left \xC3\xA4 behind");
  }
  const std::string text = captured.text();
  CHECK(text.find("kept") == std::string::npos);
  CHECK(text.find("[FALLBACK] ") == 0);
  CHECK(text.find("ERROR ledgerd/m: left \\xc3\\xa4 behind (log/log_test.cpp:") !=
        std::string::npos);
  CHECK(text.find("of 2 records, 1 were not acknowledged") != std::string::npos);
}

TEST_CASE("stop says nothing when everything was acknowledged") {
  CapturedStderr captured;
  {
    StartedLog log;
    GUILD_LOG(info, "m", "kept");
    log.take();
  }
  CHECK(captured.text().empty());
}

TEST_CASE("the last word ends a life that had anything to say") {
  StartedLog log;
  finish();
  CHECK(log.take().empty());
  GUILD_LOG(info, "m", "x");
  finish();
  const auto records = log.take();
  REQUIRE(records.size() == 2);
  CHECK_FALSE(records[0].last.has_value());
  CHECK(records[1].last == true);
}

TEST_CASE("without a log, what matters goes to stderr and the rest nowhere") {
  CapturedStderr captured;
  CHECK_FALSE(enabled(Level::info));
  GUILD_LOG(info, "m", "quiet");
  GUILD_LOG(error, "m", "loud");
  const std::string text = captured.text();
  CHECK(text.find("quiet") == std::string::npos);
  CHECK(text.find("loud") != std::string::npos);
}

TEST_CASE("stderr gets every record too when asked") {
  CapturedStderr captured;
  Options options;
  options.stderr_too = true;
  StartedLog log(options);
  GUILD_LOG(info, "m", "hello");
  log.take();
  const std::string text = captured.text();
  CHECK(text.find(" INFO ledgerd/m: hello (log/log_test.cpp:") != std::string::npos);
}

}  // namespace
}  // namespace guild::log
