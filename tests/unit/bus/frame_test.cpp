#include "common/bus/frame.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "tests/unit/bus/frames_of_every_kind.hpp"

using namespace guild;
using namespace guild::bus;
using guild::bus::test::frames_of_every_kind;
using guild::bus::test::items_of;

namespace {

std::vector<Record> records_of(std::string_view frame) {
  std::vector<Record> records;
  FrameReader reader(frame);
  while (const auto record = reader.next()) records.push_back(*record);
  CHECK(reader.ok());
  return records;
}

Record only_record(const FrameWriter& writer) {
  const auto records = records_of(writer.frame());
  REQUIRE(records.size() == 1);
  return records[0];
}

std::vector<std::string> payloads_of(std::string_view items) {
  std::vector<std::string> payloads;
  ItemReader reader(items);
  while (const auto item = reader.next()) payloads.emplace_back(*item);
  CHECK(reader.ok());
  return payloads;
}

/// Reads a frame as a receiver would, body and items too. Answers how many records it had.
std::size_t read_all(std::string_view frame) {
  std::size_t count = 0;
  FrameReader reader(frame);
  while (const auto record = reader.next()) {
    ++count;
    const std::string_view body = record->body;
    read_hello(body), read_welcome(body), read_denied(body), read_gap(body), read_u32(body);
    read_request(body), read_request_delivery(body), read_reply(body), read_refused(body);
    if (const auto publish = read_publish(body)) count_items(publish->items);
    if (const auto deliver = read_deliver(body)) count_items(deliver->items);
  }
  return count;
}

}  // namespace

TEST_CASE("a frame of every kind is read to its last byte, with its kind") {
  for (const auto& frame : frames_of_every_kind()) {
    INFO(frame.name);
    const auto records = records_of(frame.bytes);
    REQUIRE_FALSE(records.empty());
    for (const Record& record : records) CHECK(record.kind == frame.kind);
  }
}

TEST_CASE("a frame cut at any byte is not ok, and its whole records are still read") {
  for (const auto& frame : frames_of_every_kind()) {
    std::vector<std::size_t> ends{0};
    for (const Record& record : records_of(frame.bytes))
      ends.push_back(
          static_cast<std::size_t>(record.body.data() + record.body.size() - frame.bytes.data()));
    for (std::size_t size = 0; size < frame.bytes.size(); ++size) {
      // A copy of exactly this size, so that a sanitizer sees a read past its end.
      const std::vector<char> cut(frame.bytes.begin(),
                                  frame.bytes.begin() + static_cast<std::ptrdiff_t>(size));
      FrameReader reader(std::string_view(cut.data(), cut.size()));
      std::size_t whole = 0;
      while (reader.next()) ++whole;
      const bool at_an_end = ends[whole] == size;
      INFO(frame.name << " cut to " << size);
      CHECK(reader.ok() == at_an_end);
      CHECK(ends[whole] <= size);
      CHECK_FALSE(reader.next().has_value());
    }
  }
}

TEST_CASE("no mutation of a frame makes reading it crash or run past its end") {
  std::mt19937_64 random(20'260'101);
  for (const auto& frame : frames_of_every_kind()) {
    for (int round = 0; round < 2'000; ++round) {
      std::vector<char> bytes(frame.bytes.begin(), frame.bytes.end());
      for (auto changes = 1 + random() % 8; changes > 0; --changes) {
        const std::size_t at = random() % bytes.size();
        switch (random() % 4) {
          case 0:
            bytes[at] = static_cast<char>(random());
            break;
          case 1:
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
            break;
          case 2:
            bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), '\xFF');
            break;
          default:
            if (bytes.size() > 1) bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
        }
      }
      CHECK(read_all({bytes.data(), bytes.size()}) <= bytes.size() / record_header_bytes);
    }
  }
}

TEST_CASE("a header that promises more than there is, or more than is allowed, is broken") {
  FrameWriter writer;
  writer.plain(Kind::subscribe, 1, "a/b", {});
  std::string bytes(writer.frame());
  const auto broken = [](const std::string& frame) {
    FrameReader reader(frame);
    return !reader.next().has_value() && !reader.ok();
  };
  CHECK_FALSE(broken(bytes));
  SECTION("length under the header") { bytes[0] = 11; }
  SECTION("length past the end") { bytes[0] = static_cast<char>(bytes[0] + 1); }
  SECTION("length that would overflow") { bytes.replace(0, 4, "\xFF\xFF\xFF\xFF"); }
  SECTION("topic longer than the record") { bytes[5] = 4; }
  SECTION("topic over 250 bytes") {
    bytes = std::string("\x07\x01\0\0\x02\xFB\0\0", 8) + std::string(8 + 251, 'x');
  }
  SECTION("name over 64 bytes") {
    bytes = std::string("\x4D\0\0\0\x45\0\x41\0", 8) + std::string(8 + 65, 'x');
  }
  CHECK(broken(bytes));
}

TEST_CASE("items of one topic share a record while kind, topic, flag and sequence go on") {
  FrameWriter writer;
  writer.publish_item(1, "a/b", false, "one");
  writer.publish_item(2, "a/b", false, "");
  writer.publish_item(3, "a/b", true, "three");  // Another flag.
  writer.publish_item(4, "a/c", true, "four");   // Another topic.
  writer.publish_item(6, "a/c", true, "six");    // Not the next number.
  writer.request(1, "s/x", 10, "q");
  writer.publish_item(7, "a/c", true, "seven");  // Another record came between.
  writer.publish_item(8, "a/c", true, "eight");
  const auto records = records_of(writer.frame());
  REQUIRE(records.size() == 6);
  CHECK(payloads_of(read_publish(records[0].body)->items) == std::vector<std::string>{"one", ""});
  CHECK_FALSE(read_publish(records[0].body)->ack_wanted);
  CHECK(read_publish(records[1].body)->ack_wanted);
  CHECK(records[1].number == 3);
  CHECK(records[2].topic == "a/c");
  CHECK(records[3].number == 6);
  CHECK(payloads_of(read_publish(records[5].body)->items) ==
        std::vector<std::string>{"seven", "eight"});
}

TEST_CASE("delivered runs join while sender, time and epoch are the same") {
  FrameWriter writer;
  const std::string item = items_of({"x"});
  writer.deliver_run(1, 2, "a/b", "anna", 5, 1, items_of({"x", "y"}));
  writer.deliver_run(3, 1, "a/b", "anna", 5, 1, item);
  writer.deliver_run(4, 1, "a/b", "bert", 5, 1, item);
  writer.deliver_run(5, 1, "a/b", "bert", 6, 1, item);
  writer.deliver_run(6, 1, "a/b", "bert", 6, 2, item);
  writer.deliver_run(8, 1, "a/b", "bert", 6, 2, item);
  const auto records = records_of(writer.frame());
  REQUIRE(records.size() == 5);
  CHECK(count_items(read_deliver(records[0].body)->items) == 3U);
  CHECK(records[1].name == "bert");
  CHECK(read_deliver(records[2].body)->time_ns == 6);
  CHECK(read_deliver(records[3].body)->epoch == 2);
  CHECK(records[4].number == 8);
}

TEST_CASE("a cleared writer starts anew and opens no record of the old frame") {
  FrameWriter writer;
  writer.publish_item(1, "a/b", false, "one");
  writer.clear();
  CHECK(writer.empty());
  writer.publish_item(2, "a/b", false, "two");
  CHECK(only_record(writer).number == 2);
}

TEST_CASE("fields come back as they went in") {
  FrameWriter writer;
  writer.hello({1, 2, 0xFFFF'FFFF, 0xFFFF'FFFF'FFFF'FFFF});
  const auto hello = read_hello(only_record(writer).body);
  REQUIRE(hello.has_value());
  CHECK(hello->version == 1);
  CHECK(hello->flags == 2);
  CHECK(hello->credit_messages == 0xFFFF'FFFF);
  CHECK(hello->credit_bytes == 0xFFFF'FFFF'FFFF'FFFF);

  writer.clear();
  writer.gap(3, "a/b", "anna", {.last = 9, .count = 5, .reason = Code::session_ended});
  const Record gap_record = only_record(writer);
  const auto gap = read_gap(gap_record.body);
  REQUIRE(gap.has_value());
  CHECK(gap_record.number == 3);
  CHECK(gap->last == 9);
  CHECK(gap->count == 5);
  CHECK(gap->reason == Code::session_ended);

  writer.clear();
  writer.request_delivery(9, "s/x", "anna", 600'000, 4, "payload");
  const Record request_record = only_record(writer);
  const auto request = read_request_delivery(request_record.body);
  REQUIRE(request.has_value());
  CHECK(request_record.name == "anna");
  CHECK(request->deadline_ms == 600'000);
  CHECK(request->epoch == 4);
  CHECK(request->payload == "payload");
}

TEST_CASE("a body of another size is nothing") {
  const std::string long_body(64, '\0');
  const auto sizes_read = [&](auto read) {
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size <= 50; ++size)
      if (read(std::string_view(long_body).substr(0, size))) sizes.push_back(size);
    return sizes;
  };
  CHECK(sizes_read(read_hello) == std::vector<std::size_t>{16});
  CHECK(sizes_read(read_welcome) == std::vector<std::size_t>{44});
  CHECK(sizes_read(read_gap) == std::vector<std::size_t>{17});
  CHECK(sizes_read(read_u32) == std::vector<std::size_t>{4});
  CHECK(sizes_read(read_publish).front() == 1);
  CHECK(sizes_read(read_deliver).front() == 12);
  CHECK(sizes_read(read_denied).front() == 5);
  CHECK(sizes_read(read_request).front() == 4);
  CHECK(sizes_read(read_request_delivery).front() == 8);
  CHECK(sizes_read(read_reply).front() == 1);
  CHECK(sizes_read(read_refused).front() == 1);
  CHECK_FALSE(read_reply("\x02").has_value());  // Neither ok nor error.
}

TEST_CASE("items are counted, and refused when empty, cut or too large") {
  CHECK(count_items(items_of({"", "a", "bc"})) == 3U);
  CHECK_FALSE(count_items("").has_value());
  CHECK_FALSE(count_items("\1\0\0").has_value());
  CHECK_FALSE(count_items(items_of({"a"}) + "x").has_value());
  CHECK_FALSE(count_items(std::string_view("\xFF\xFF\xFF\xFFx", 5)).has_value());
  CHECK(count_items(items_of({std::string(payload_bytes_max, 'x')})) == 1U);
  CHECK_FALSE(count_items(items_of({std::string(payload_bytes_max + 1, 'x')})).has_value());
}

TEST_CASE("every code has a name, a kind and a next step; an unknown one says so") {
  CHECK(to_string(Code::version_unsupported) == "version_unsupported");
  CHECK(to_string(Code::too_many) == "too_many");
  CHECK(to_string(Code::deadline_invalid) == "deadline_invalid");
  CHECK(to_string(Code::timeout) == "timeout");
  CHECK(to_string(Code::session_ended) == "session_ended");
  CHECK(to_error(Code::timeout, "").kind == ErrorKind::timeout);
  CHECK(to_error(Code::no_permission, "").kind == ErrorKind::denied);
  CHECK(to_error(Code::no_responder, "").kind == ErrorKind::unavailable);
  CHECK(to_error(Code::topic_invalid, "").kind == ErrorKind::invalid);
  CHECK(to_error(Code::too_many, "").kind == ErrorKind::exhausted);
  int known = 0;
  for (unsigned number = 0; number < 256; ++number) {
    const auto code = static_cast<Code>(number);
    const Error error = to_error(code, "");
    CHECK(error.code == to_string(code));
    CHECK_FALSE(error.message.empty());
    CHECK_FALSE(error.next_step.empty());
    known += error.code == "unknown_code" ? 0 : 1;
  }
  CHECK(known == 17);
  CHECK(to_error(Code::no_permission, "because\x1b[31m").message == "because\\x1b[31m");
}
