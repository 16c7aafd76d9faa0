// Which records are taken, which are turned away, and what their producers are told.
#include <catch2/catch.hpp>

#include "logconsumer/intake.hpp"

namespace guild::logconsumer {
namespace {

const StreamName ledgerd{"ledgerd", Uuid::of_name("a boot")};
const StreamName broker{"broker", Uuid::of_name("another boot")};

messages::LogRecord record(std::int64_t seq, bool oldest = false) {
  messages::LogRecord record;
  record.seq = seq;
  if (oldest) record.oldest = true;
  return record;
}

std::vector<std::int64_t> numbers(const Batch& batch) {
  std::vector<std::int64_t> all;
  for (const Batch::Row& row : batch.rows) all.push_back(row.record.seq);
  return all;
}

/// Writes what is there and answers the acks of it.
std::vector<Ack> commit(Intake& intake) {
  while (intake.has_batch()) {
    intake.take_batch();
    intake.committed();
  }
  return intake.take_acks();
}

TEST_CASE("records in order are taken, written and acknowledged once") {
  Intake intake({});
  for (std::int64_t seq = 1; seq <= 3; ++seq)
    CHECK(intake.offer(ledgerd, record(seq)) == Verdict::taken);
  CHECK(intake.take_acks().empty());
  REQUIRE(intake.has_batch());
  CHECK(numbers(*intake.take_batch()) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(intake.take_acks().empty());
  intake.committed();
  const auto acks = intake.take_acks();
  REQUIRE(acks.size() == 1);
  CHECK(acks[0].producer == "ledgerd");
  CHECK(acks[0].committed.boot == ledgerd.boot);
  CHECK(acks[0].committed.seq == 3);
  CHECK_FALSE(acks[0].committed.resend.has_value());
  CHECK(intake.take_acks().empty());
  CHECK(intake.pending_bytes() == 0);
}

TEST_CASE("a batch holds the records of many producers; each is told its own") {
  Intake intake({});
  intake.offer(ledgerd, record(1));
  intake.offer(broker, record(1));
  intake.offer(ledgerd, record(2));
  const auto batch = intake.take_batch();
  CHECK(batch->streams == std::vector<StreamName>{ledgerd, broker});
  CHECK(batch->rows[1].stream == 1);
  CHECK(batch->rows[2].stream == 0);
  intake.committed();
  CHECK(intake.take_acks().size() == 2);
}

TEST_CASE("what arrives while a batch is written goes into the next") {
  Intake intake({});
  intake.offer(ledgerd, record(1));
  intake.take_batch();
  intake.offer(ledgerd, record(2));
  intake.committed();
  CHECK(intake.take_acks().at(0).committed.seq == 1);
  CHECK(numbers(*intake.take_batch()) == std::vector<std::int64_t>{2});
}

TEST_CASE("a batch is bounded") {
  IntakeLimits limits;
  limits.batch_records_max = 2;
  Intake intake(limits);
  for (std::int64_t seq = 1; seq <= 5; ++seq) intake.offer(ledgerd, record(seq));
  CHECK(numbers(*intake.take_batch()) == std::vector<std::int64_t>{1, 2});
  intake.committed();
  CHECK(numbers(*intake.take_batch()) == std::vector<std::int64_t>{3, 4});
  intake.committed();
  CHECK(numbers(*intake.take_batch()) == std::vector<std::int64_t>{5});
}

TEST_CASE("a duplicate of what is on disk is acknowledged again, but not written") {
  Intake intake({});
  intake.offer(ledgerd, record(1));
  commit(intake);
  CHECK(intake.offer(ledgerd, record(1)) == Verdict::duplicate);
  CHECK_FALSE(intake.has_batch());
  CHECK(intake.take_acks().at(0).committed.seq == 1);
}

TEST_CASE("a duplicate of what is on the way waits for it") {
  Intake intake({});
  intake.offer(ledgerd, record(1));
  intake.take_batch();
  CHECK(intake.offer(ledgerd, record(1)) == Verdict::duplicate);
  CHECK(intake.take_acks().empty());
  intake.committed();
  CHECK(intake.take_acks().size() == 1);
}

TEST_CASE("what was on disk at the start is a duplicate") {
  Intake intake({});
  intake.restore(ledgerd, 7);
  CHECK(intake.offer(ledgerd, record(7)) == Verdict::duplicate);
  CHECK(intake.offer(ledgerd, record(8)) == Verdict::taken);
}

TEST_CASE("a record that skips some is not taken: they are asked for, once") {
  Intake intake({});
  intake.offer(ledgerd, record(1));
  commit(intake);
  CHECK(intake.offer(ledgerd, record(4)) == Verdict::early);
  CHECK(intake.offer(ledgerd, record(5)) == Verdict::early);
  const auto acks = intake.take_acks();
  REQUIRE(acks.size() == 1);
  CHECK(acks[0].committed.seq == 1);
  CHECK(acks[0].committed.resend == true);
  CHECK(intake.offer(ledgerd, record(6)) == Verdict::early);
  CHECK(intake.take_acks().empty());

  // They come; the next time something is skipped it is asked for again.
  CHECK(intake.offer(ledgerd, record(2)) == Verdict::taken);
  CHECK(intake.offer(ledgerd, record(9)) == Verdict::early);
  CHECK(intake.take_acks().at(0).committed.resend == true);
}

TEST_CASE("the oldest that its producer holds is taken, whatever is missing before it") {
  Intake intake({});
  CHECK(intake.offer(ledgerd, record(100, true)) == Verdict::taken);
  CHECK(intake.offer(ledgerd, record(101)) == Verdict::taken);
  CHECK(intake.offer(ledgerd, record(200, true)) == Verdict::taken);
  CHECK(intake.offer(ledgerd, record(150, true)) == Verdict::duplicate);
}

TEST_CASE("a failed write is forgotten, and everything is taken when it comes again") {
  Intake intake({});
  intake.offer(ledgerd, record(1));
  commit(intake);
  intake.offer(ledgerd, record(2));
  intake.take_batch();
  intake.offer(ledgerd, record(3));
  intake.undone();
  CHECK_FALSE(intake.has_batch());
  CHECK(intake.take_acks().empty());
  CHECK(intake.pending_bytes() == 0);
  CHECK(intake.offer(ledgerd, record(4)) == Verdict::early);
  CHECK(intake.offer(ledgerd, record(2)) == Verdict::taken);
  CHECK(commit(intake).at(0).committed.seq == 2);
}

TEST_CASE("a full intake turns records away and asks for them when half of it is free") {
  IntakeLimits limits;
  limits.pending_bytes_max = 4'000;
  limits.batch_records_max = 1;
  Intake intake(limits);
  std::int64_t seq = 1;
  while (intake.offer(ledgerd, record(seq)) == Verdict::taken) ++seq;
  REQUIRE(seq > 3);
  CHECK(intake.pending_bytes() <= limits.pending_bytes_max);
  CHECK(intake.take_acks().empty());

  intake.take_batch();
  intake.committed();
  auto acks = intake.take_acks();
  REQUIRE(acks.size() == 1);
  CHECK_FALSE(acks[0].committed.resend.has_value());  // Not half of it yet.

  acks = commit(intake);
  REQUIRE(acks.size() == 1);
  CHECK(acks[0].committed.seq == seq - 1);
  CHECK(acks[0].committed.resend == true);
  CHECK(intake.offer(ledgerd, record(seq)) == Verdict::taken);
}

TEST_CASE("a record larger than the whole bound is taken when nothing else is there") {
  IntakeLimits limits;
  limits.pending_bytes_max = 10;
  Intake intake(limits);
  CHECK(intake.offer(ledgerd, record(1)) == Verdict::taken);
  CHECK(intake.offer(ledgerd, record(2)) == Verdict::full);
  commit(intake);
  CHECK(intake.offer(ledgerd, record(2)) == Verdict::taken);
}

TEST_CASE("the streams remembered are bounded; those at work are never forgotten") {
  IntakeLimits limits;
  limits.streams_max = 100;
  Intake intake(limits);
  intake.offer(ledgerd, record(1));  // On the way all the time.
  intake.take_batch();
  for (int i = 0; i < 1'000; ++i) intake.restore({"guild", Uuid::of_name(std::to_string(i))}, 1);
  CHECK(intake.streams() <= 100);
  intake.committed();
  CHECK(intake.take_acks().size() == 1);
  CHECK(intake.offer(ledgerd, record(2)) == Verdict::taken);
}

TEST_CASE("verdicts are counted") {
  Intake intake({});
  intake.offer(ledgerd, record(1));
  intake.offer(ledgerd, record(1));
  intake.offer(ledgerd, record(3));
  CHECK(intake.counters().taken == 1);
  CHECK(intake.counters().duplicates == 1);
  CHECK(intake.counters().early == 1);
}

}  // namespace
}  // namespace guild::logconsumer
