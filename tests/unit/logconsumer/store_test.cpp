// The file: what is written once, what queries find, and what they say of what is missing.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "common/messages/codec.hpp"
#include "logconsumer/store.hpp"
#include "tests/unit/base/scratch_folder.hpp"

namespace guild::logconsumer {
namespace {

using messages::LogLevel;
using messages::LogRecord;
using messages::LogsPage;
using messages::LogsQuery;

LogRecord record(std::int64_t seq, std::string message = "m") {
  LogRecord record;
  record.time = {1'000'000'000 * seq};
  record.daemon = "ledgerd";
  record.module = "journal";
  record.function = "replay";
  record.file = "ledgerd/journal.cpp";
  record.line = 12;
  record.message = std::move(message);
  record.seq = seq;
  return record;
}

/// A file with the consumer's schema, and what its tests do with it.
class File {
 public:
  File() {
    storage::OpenOptions options;
    options.path = folder_ / "logs.db";
    options.key = Secret32::random();
    auto opened = storage::Connection::open(options);
    REQUIRE(opened.has_value());
    connection_ = std::move(*opened);
    REQUIRE(storage::migrate(*connection_, schema()).has_value());
  }

  Written write(const std::string& producer, std::string_view boot,
                std::vector<LogRecord> records) {
    Batch batch;
    batch.streams.push_back({producer, Uuid::of_name(boot)});
    for (LogRecord& each : records) {
      each.boot = Uuid::of_name(boot);
      batch.rows.push_back({0, std::move(each)});
    }
    return write(batch);
  }
  Written write(const Batch& batch) {
    Written written;
    const auto done =
        connection_->transaction([&](storage::Connection& connection) -> Result<void> {
          GUILD_TRY(const std::int64_t last_id, load_last_id(connection));
          GUILD_TRY(written, write_batch(connection, batch, last_id + 1));
          return {};
        });
    REQUIRE(done.has_value());
    return written;
  }
  LogsPage page(const LogsQuery& query = {}) {
    auto page = read_page(*connection_, query);
    REQUIRE(page.has_value());
    return std::move(*page);
  }
  messages::LogsStats stats() {
    auto stats = read_stats(*connection_);
    REQUIRE(stats.has_value());
    return std::move(*stats);
  }
  storage::Connection& connection() { return *connection_; }

 private:
  ScratchFolder folder_;
  std::unique_ptr<storage::Connection> connection_;
};

std::vector<std::string> texts(const LogsPage& page) {
  std::vector<std::string> all;
  for (const auto& stored : page.records) all.push_back(stored.record.message.value);
  return all;
}
using Texts = std::vector<std::string>;

TEST_CASE("a record comes back as it was") {
  File file;
  LogRecord written = record(1, "a \"message\"\n\xC3\xA4");
  written.level = LogLevel::error;
  written.daemon = "its own word";
  written.trace = "trace-1";
  written.extra.text = R"({"a":1})";
  written.oldest = true;
  file.write("ledgerd", "boot", {written});
  const LogsPage page = file.page();
  REQUIRE(page.records.size() == 1);
  const auto& stored = page.records[0];
  CHECK(stored.id == 1);
  CHECK(stored.producer == "ledgerd");
  CHECK(stored.lost_before == 0);
  written.oldest.reset();  // Of the way, not of the record.
  written.boot = Uuid::of_name("boot");
  CHECK(messages::encode(stored.record) == messages::encode(written));
  CHECK(page.last_id == 1);
}

TEST_CASE("what is there already is skipped, in the same batch and in a later one") {
  File file;
  const Written first = file.write("ledgerd", "boot", {record(1), record(2), record(2), record(1)});
  CHECK(first.records == 2);
  CHECK(first.skipped == 2);
  const Written again = file.write("ledgerd", "boot", {record(1), record(2), record(3, "new")});
  CHECK(again.records == 1);
  CHECK(again.skipped == 2);
  CHECK(texts(file.page()) == Texts{"m", "m", "new"});
}

TEST_CASE("the same numbers of another boot or another producer are other records") {
  File file;
  file.write("ledgerd", "boot", {record(1)});
  CHECK(file.write("ledgerd", "next boot", {record(1)}).records == 1);
  CHECK(file.write("broker", "boot", {record(1)}).records == 1);
}

TEST_CASE("what is missing is told before the record that came instead, and summed") {
  File file;
  const Written written = file.write("ledgerd", "boot", {record(3), record(4), record(10)});
  CHECK(written.lost == 7);
  const LogsPage page = file.page();
  CHECK(page.records[0].lost_before == 2);
  CHECK(page.records[1].lost_before == 0);
  CHECK(page.records[2].lost_before == 5);
  const auto stats = file.stats();
  CHECK(stats.records == 3);
  CHECK(stats.lost == 7);
  REQUIRE(stats.producers.size() == 1);
  CHECK(stats.producers[0].last_seq == 10);
  CHECK(stats.producers[0].lost == 7);
}

TEST_CASE("a life that ended without its last word is told at the next") {
  File file;
  LogRecord last = record(3);
  last.last = true;
  file.write("ledgerd", "first", {record(1), record(2)});
  file.write("ledgerd", "second", {record(1), record(2), last});
  file.write("ledgerd", "third", {record(1)});
  const LogsPage page = file.page();
  REQUIRE(page.records.size() == 6);
  CHECK_FALSE(page.records[0].unknown_after.has_value());
  CHECK(page.records[2].unknown_after == 2);  // The first was killed.
  CHECK_FALSE(page.records[3].unknown_after.has_value());
  CHECK_FALSE(page.records[5].unknown_after.has_value());  // The second said goodbye.
  CHECK(file.stats().producers[0].ended == false);
  CHECK(file.stats().producers[1].ended == true);
}

TEST_CASE("two lives at the same time are no killed one") {
  File file;
  file.write("bench", "one", {record(1)});
  file.write("bench", "two", {record(1)});
  file.write("bench", "one", {record(2)});
  for (const auto& stored : file.page().records) CHECK_FALSE(stored.unknown_after.has_value());
}

TEST_CASE("the high-water marks and the last id are found again") {
  File file;
  CHECK(load_last_id(file.connection()) == 0);
  file.write("ledgerd", "boot", {record(1), record(2)});
  file.write("broker", "boot", {record(5)});
  CHECK(load_last_id(file.connection()) == 3);
  std::vector<std::pair<std::string, std::int64_t>> marks;
  REQUIRE(load_streams(file.connection(), 10, [&](const StreamName& name, std::int64_t last_seq) {
            CHECK(name.boot == Uuid::of_name("boot"));
            marks.emplace_back(name.producer, last_seq);
          }).has_value());
  CHECK(marks == std::vector<std::pair<std::string, std::int64_t>>{{"broker", 5}, {"ledgerd", 2}});
}

/// Ten records of two producers with ever worse levels.
void fill(File& file) {
  const LogLevel levels[] = {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error,
                             LogLevel::critical};
  for (std::int64_t i = 1; i <= 10; ++i) {
    LogRecord each = record((i + 1) / 2, "message " + std::to_string(i));
    each.time = {i * 1'000};
    each.level = levels[(i - 1) / 2];
    if (i == 4) each.module = "net";
    if (i % 3 == 0) each.trace = "t-" + std::to_string(i % 2);
    file.write(i % 2 == 0 ? "ledgerd" : "broker", "boot", {each});
  }
}

TEST_CASE("filters apply before the limit, and the newest come oldest first") {
  File file;
  fill(file);
  LogsQuery query;
  query.limit = 2;
  CHECK(texts(file.page(query)) == Texts{"message 9", "message 10"});
  query.level = LogLevel::warn;
  query.daemon = Text<64>("broker");
  CHECK(texts(file.page(query)) == Texts{"message 7", "message 9"});
  query.level = LogLevel::critical;
  CHECK(texts(file.page(query)) == Texts{"message 9"});
}

TEST_CASE("each filter") {
  File file;
  fill(file);
  LogsQuery since;
  since.since = Instant{9'000};
  CHECK(texts(file.page(since)) == Texts{"message 9", "message 10"});
  LogsQuery until;
  until.until = Instant{2'000};
  CHECK(texts(file.page(until)) == Texts{"message 1"});
  LogsQuery module;
  module.module = Text<64>("net");
  CHECK(texts(file.page(module)) == Texts{"message 4"});
  LogsQuery trace;
  trace.trace = Text<64>("t-1");
  CHECK(texts(file.page(trace)) == Texts{"message 3", "message 9"});
  trace.limit = 1;
  CHECK(texts(file.page(trace)) == Texts{"message 9"});
  LogsQuery nothing;
  nothing.daemon = Text<64>("gateway");
  CHECK(file.page(nothing).records.empty());
}

TEST_CASE("grep takes its text letter by letter") {
  File file;
  file.write("ledgerd", "boot",
             {record(1, "100% done"), record(2, "100 done"), record(3, "a_b"), record(4, "axb"),
              record(5, "it's"), record(6, "Done")});
  const auto grep = [&file](const char* text) {
    LogsQuery query;
    query.grep = Text<256>(text);
    return texts(file.page(query));
  };
  CHECK(grep("100%") == Texts{"100% done"});
  CHECK(grep("a_b") == Texts{"a_b"});
  CHECK(grep("'") == Texts{"it's"});
  CHECK(grep("Done") == Texts{"Done"});
  CHECK(grep("*").empty());
}

TEST_CASE("pages follow each other without a gap or a repetition") {
  File file;
  fill(file);
  Texts all;
  LogsQuery query;
  query.after_id = 0;
  query.limit = 3;
  while (true) {
    const LogsPage page = file.page(query);
    if (page.records.empty()) break;
    for (const std::string& text : texts(page)) all.push_back(text);
    query.after_id = page.last_id;
  }
  REQUIRE(all.size() == 10);
  CHECK(all.front() == "message 1");
  CHECK(all.back() == "message 10");
}

TEST_CASE("asking again from last_id finds only what came since") {
  File file;
  LogsQuery query;
  query.grep = Text<256>("message");
  CHECK(file.page(query).last_id == 0);
  fill(file);
  file.write("broker", "boot", {record(6, "other")});
  const LogsPage page = file.page(query);
  CHECK(page.last_id == 11);  // Also past what did not match.
  query.after_id = page.last_id;
  CHECK(file.page(query).records.empty());
  CHECK(file.page(query).last_id == 11);
  file.write("broker", "boot", {record(7, "message 11")});
  CHECK(texts(file.page(query)) == Texts{"message 11"});
  query.after_id = 1'000;
  CHECK(file.page(query).last_id == 1'000);
}

TEST_CASE("a page stays below a payload's size, and the next goes on where it ended") {
  File file;
  std::vector<LogRecord> records;
  for (std::int64_t seq = 1; seq <= 400; ++seq)
    records.push_back(record(seq, std::string(10'000, '"')));
  file.write("ledgerd", "boot", std::move(records));
  LogsQuery query;
  query.limit = 1'000;
  const LogsPage newest = file.page(query);
  CHECK(messages::encode(newest).size() < 1'048'576);
  CHECK(newest.records.back().id == 400);
  CHECK(newest.records.size() > 10);

  query.after_id = 0;
  std::int64_t expected = 1;
  while (expected <= 400) {
    const LogsPage page = file.page(query);
    CHECK(messages::encode(page).size() < 1'048'576);
    REQUIRE_FALSE(page.records.empty());
    for (const auto& stored : page.records) CHECK(stored.id == expected++);
    query.after_id = page.last_id;
  }
}

TEST_CASE("a page of random records is what a plain search of them finds") {
  CHECK(rc::check([] {
    File file;
    std::vector<LogRecord> records;
    const auto count = *rc::gen::inRange<std::int64_t>(0, 40);
    for (std::int64_t seq = 1; seq <= count; ++seq) {
      LogRecord each = record(seq, *rc::gen::element<std::string>("ab", "b%", "a_c", ""));
      each.level = *rc::gen::element(LogLevel::debug, LogLevel::warn, LogLevel::error);
      each.time = {*rc::gen::inRange<std::int64_t>(0, 10)};
      records.push_back(each);
    }
    file.write("ledgerd", "boot", records);
    LogsQuery query;
    query.limit = *rc::gen::inRange<std::int64_t>(1, 20);
    if (*rc::gen::arbitrary<bool>()) query.level = LogLevel::warn;
    if (*rc::gen::arbitrary<bool>()) query.since = Instant{5};
    if (*rc::gen::arbitrary<bool>()) query.grep = Text<256>("b");

    std::vector<std::int64_t> expected;
    for (const LogRecord& each : records) {
      const bool matches = (!query.level || each.level >= *query.level) &&
                           (!query.since || each.time >= *query.since) &&
                           (!query.grep || each.message.value.find('b') != std::string::npos);
      if (matches) expected.push_back(each.seq);
    }
    const auto limit = static_cast<std::size_t>(query.limit.value);
    if (expected.size() > limit)
      expected.erase(expected.begin(), expected.end() - static_cast<std::ptrdiff_t>(limit));

    std::vector<std::int64_t> found;
    const LogsPage page = file.page(query);
    for (const auto& stored : page.records) found.push_back(stored.record.seq);
    RC_ASSERT(found == expected);
  }));
}

}  // namespace
}  // namespace guild::logconsumer
