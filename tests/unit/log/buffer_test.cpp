// Laws of the record buffer: numbers without gaps, bounds never passed, everything counted.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "common/log/buffer.hpp"

namespace guild::log {
namespace {

messages::LogRecord record_of(std::size_t message_bytes = 10) {
  messages::LogRecord record;
  record.message = std::string(message_bytes, 'x');
  return record;
}

RecordBuffer buffer_of(std::size_t records_max, std::size_t bytes_max = 1U << 20U) {
  return {Uuid::make(), {records_max, bytes_max}};
}

/// Sends all that is there; answers the numbers in order.
std::vector<std::int64_t> send_all(RecordBuffer& buffer) {
  std::vector<std::int64_t> sent;
  while (const messages::LogRecord* record = buffer.next()) {
    sent.push_back(record->seq);
    buffer.mark_sent();
  }
  return sent;
}

TEST_CASE("records are numbered from 1 under one boot") {
  RecordBuffer buffer = buffer_of(10);
  for (int i = 0; i < 3; ++i) buffer.append(record_of());
  for (std::int64_t seq = 1; seq <= 3; ++seq) {
    const messages::LogRecord* record = buffer.next();
    REQUIRE(record != nullptr);
    CHECK(record->seq == seq);
    CHECK(record->boot == buffer.boot());
    buffer.mark_sent();
  }
  CHECK(buffer.next() == nullptr);
}

TEST_CASE("a sent record stays until it is acknowledged") {
  RecordBuffer buffer = buffer_of(10);
  for (int i = 0; i < 3; ++i) buffer.append(record_of());
  CHECK(send_all(buffer) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(buffer.waiting() == 3);
  buffer.acknowledge(2);
  CHECK(buffer.waiting() == 1);
  buffer.rewind();
  CHECK(send_all(buffer) == std::vector<std::int64_t>{3});
  buffer.acknowledge(3);
  CHECK(buffer.waiting() == 0);
  CHECK(buffer.bytes() == 0);
  CHECK(buffer.sent_bytes() == 0);
}

TEST_CASE("overflow drops the oldest and counts it") {
  RecordBuffer buffer = buffer_of(3);
  for (int i = 0; i < 5; ++i) buffer.append(record_of());
  CHECK(buffer.dropped() == 2);
  CHECK(send_all(buffer) == std::vector<std::int64_t>{3, 4, 5});
}

TEST_CASE("bytes are bounded too, and a record too large for the buffer goes with the rest") {
  const std::size_t one = bytes_of(record_of());
  RecordBuffer buffer = buffer_of(100, 2 * one);
  for (int i = 0; i < 3; ++i) buffer.append(record_of());
  CHECK(buffer.waiting() == 2);
  buffer.append(record_of(10'000));
  CHECK(buffer.waiting() == 0);
  CHECK(buffer.dropped() == 4);
  buffer.append(record_of());
  CHECK(send_all(buffer) == std::vector<std::int64_t>{5});
}

TEST_CASE("only the oldest record held is marked so, as it is when it is sent") {
  RecordBuffer buffer = buffer_of(3);
  for (int i = 0; i < 3; ++i) buffer.append(record_of());
  CHECK(buffer.next()->oldest == true);
  buffer.mark_sent();
  CHECK_FALSE(buffer.next()->oldest.has_value());
  buffer.mark_sent();
  buffer.acknowledge(1);
  buffer.rewind();
  CHECK(buffer.next()->seq == 2);
  CHECK(buffer.next()->oldest == true);
}

TEST_CASE("a cursor that overflow overtakes goes on with the oldest that is left") {
  RecordBuffer buffer = buffer_of(2);
  buffer.append(record_of());
  buffer.next();
  buffer.mark_sent();
  for (int i = 0; i < 3; ++i) buffer.append(record_of());
  CHECK(buffer.sent_records() == 0);
  CHECK(buffer.sent_bytes() == 0);
  CHECK(send_all(buffer) == std::vector<std::int64_t>{3, 4});
}

TEST_CASE("an acknowledgement of what was never written acknowledges what was") {
  RecordBuffer buffer = buffer_of(10);
  buffer.append(record_of());
  buffer.acknowledge(1'000);
  CHECK(buffer.waiting() == 0);
  CHECK(buffer.acknowledged() == 1);
  buffer.append(record_of());
  CHECK(send_all(buffer) == std::vector<std::int64_t>{2});
}

TEST_CASE("the first record after a number") {
  RecordBuffer buffer = buffer_of(10);
  CHECK(buffer.first_after(0) == nullptr);
  for (int i = 0; i < 3; ++i) buffer.append(record_of());
  CHECK(buffer.first_after(0)->seq == 1);
  CHECK(buffer.first_after(2)->seq == 3);
  CHECK(buffer.first_after(3) == nullptr);
  buffer.acknowledge(1);
  CHECK(buffer.first_after(0)->seq == 2);
}

TEST_CASE("rewinding to a number sends from there") {
  RecordBuffer buffer = buffer_of(10);
  for (int i = 0; i < 5; ++i) buffer.append(record_of());
  send_all(buffer);
  buffer.rewind_to(4);
  CHECK(send_all(buffer) == std::vector<std::int64_t>{4, 5});
}

TEST_CASE("whatever happens, the bounds hold and every record is counted once") {
  CHECK(rc::check([] {
    const auto records_max = *rc::gen::inRange<std::size_t>(1, 20);
    const auto bytes_max = *rc::gen::inRange<std::size_t>(100, 20'000);
    RecordBuffer buffer = buffer_of(records_max, bytes_max);
    std::uint64_t appended = 0;
    std::int64_t sent_through = 0;
    const int steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
      switch (*rc::gen::inRange(0, 6)) {
        case 0:
          buffer.acknowledge(*rc::gen::inRange<std::int64_t>(0, 210));
          break;
        case 1:
          buffer.rewind();
          sent_through = 0;
          break;
        case 2:
        case 3:
          if (const messages::LogRecord* record = buffer.next()) {
            // In order, and nothing that is held is skipped.
            RC_ASSERT(record->seq > sent_through);
            RC_ASSERT(record->oldest.value_or(false) || record->seq == sent_through + 1);
            sent_through = record->seq;
            buffer.mark_sent();
          }
          break;
        default:
          buffer.append(record_of(*rc::gen::inRange<std::size_t>(0, 3'000)));
          ++appended;
      }
      RC_ASSERT(buffer.waiting() <= records_max);
      RC_ASSERT(buffer.bytes() <= bytes_max);
      RC_ASSERT(buffer.sent_bytes() <= buffer.bytes());
      RC_ASSERT(buffer.dropped() + buffer.acknowledged() + buffer.waiting() == appended);
      RC_ASSERT(buffer.last_seq() == static_cast<std::int64_t>(appended));
    }
  }));
}

}  // namespace
}  // namespace guild::log
