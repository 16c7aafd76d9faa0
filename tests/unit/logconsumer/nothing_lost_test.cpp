// The law of the log: producers that overflow, sessions that break, a consumer that dies with what
// it had not committed, acknowledgements that get lost. In the end every record is stored once, in
// order, or counted as lost; and lost are only those that a producer's buffer dropped.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <deque>
#include <map>

#include "common/log/buffer.hpp"
#include "common/log/shipping.hpp"
#include "logconsumer/intake.hpp"

namespace guild::logconsumer {
namespace {

/// The file: what write_batch makes of a batch, without SQL.
struct Disk {
  struct Stream {
    std::int64_t last_seq = 0, lost = 0;
    std::vector<std::int64_t> seqs;
  };
  std::map<std::string, Stream> streams;

  void write(const Batch& batch) {
    for (const Batch::Row& row : batch.rows) {
      Stream& stream = streams[batch.streams[row.stream].producer];
      if (row.record.seq <= stream.last_seq) continue;
      stream.lost += row.record.seq - stream.last_seq - 1;
      stream.last_seq = row.record.seq;
      stream.seqs.push_back(row.record.seq);
    }
  }
};

/// A producer with its own way to the consumer and back.
struct Producer {
  explicit Producer(std::string called, std::size_t records_max)
      : name(std::move(called)),
        buffer(Uuid::of_name(name), {records_max, 1U << 20U}),
        shipping({}, {}) {}

  std::string name;
  log::RecordBuffer buffer;
  log::ShippingState shipping;
  std::uint64_t session = 0;
  std::deque<messages::LogRecord> to_consumer;
  std::deque<messages::LogsCommitted> to_producer;
};

class World {
 public:
  explicit World(std::size_t buffer_max) {
    for (const char* name : {"ledgerd", "scheduler"}) producers_.emplace_back(name, buffer_max);
    limits_.pending_bytes_max = 5'000;
    limits_.batch_records_max = 4;
    limits_.streams_max = 2;
    intake_ = Intake(limits_);
  }

  void write(std::size_t who) { producers_[who].buffer.append({}); }

  void send(std::size_t who) {
    Producer& producer = producers_[who];
    for (int i = 0; i < 5; ++i) {
      const messages::LogRecord* record = producer.shipping.next(producer.buffer);
      if (record == nullptr) return;
      producer.to_consumer.push_back(*record);
      producer.shipping.on_sent(producer.buffer, now_);
    }
  }

  void deliver(std::size_t who) {
    Producer& producer = producers_[who];
    for (int i = 0; i < 4 && !producer.to_consumer.empty(); ++i) {
      messages::LogRecord record = producer.to_consumer.front();
      producer.to_consumer.pop_front();
      intake_.offer({producer.name, record.boot}, std::move(record));
    }
  }

  void commit(bool works = true) {
    if (!intake_.has_batch()) return;
    const auto batch = intake_.take_batch();
    if (!works) return intake_.undone();
    disk_.write(*batch);
    intake_.committed();
  }

  void acknowledge() {
    for (const Ack& ack : intake_.take_acks()) {
      for (Producer& producer : producers_) {
        if (producer.name == ack.producer) producer.to_producer.push_back(ack.committed);
      }
    }
  }

  void hear(std::size_t who) {
    Producer& producer = producers_[who];
    while (!producer.to_producer.empty()) {
      producer.shipping.on_committed(producer.to_producer.front(), producer.buffer, now_);
      producer.to_producer.pop_front();
    }
  }

  /// The producer's session breaks: what is under way in it is gone.
  void break_session(std::size_t who) {
    Producer& producer = producers_[who];
    producer.to_consumer.clear();
    producer.to_producer.clear();
    connect(producer);
  }

  /// The consumer dies and comes back with what is on disk. Its producers may not notice, when its
  /// old session ends only after the new one began: what they sent meanwhile went nowhere.
  void kill_consumer(bool noticed) {
    intake_ = Intake(limits_);
    for (const auto& [name, stream] : disk_.streams) {
      intake_.restore({name, Uuid::of_name(name)}, stream.last_seq);
    }
    for (Producer& producer : producers_) {
      producer.to_consumer.clear();
      producer.to_producer.clear();
      if (!noticed) continue;
      producer.shipping.set_consumer_present(false, producer.buffer, now_);
      producer.shipping.set_consumer_present(true, producer.buffer, now_);
    }
  }

  void lose_acks(std::size_t who) { producers_[who].to_producer.clear(); }

  void pass_time() {
    now_ += std::chrono::seconds(31);
    for (Producer& producer : producers_) producer.shipping.on_time(producer.buffer, now_);
  }

  /// Everything works from now on.
  void settle() {
    for (Producer& producer : producers_) {
      if (producer.session == 0) connect(producer);
    }
    for (int round = 0; round < 1'000 && !settled(); ++round) {
      pass_time();
      for (std::size_t who = 0; who < producers_.size(); ++who) {
        send(who);
        while (!producers_[who].to_consumer.empty()) deliver(who);
        while (intake_.has_batch()) commit();
        acknowledge();
        hear(who);
      }
    }
  }

  void check() const {
    for (const Producer& producer : producers_) {
      RC_ASSERT(producer.buffer.waiting() == 0U);
      const auto found = disk_.streams.find(producer.name);
      const Disk::Stream stream = found == disk_.streams.end() ? Disk::Stream{} : found->second;
      // Once each and in order; the rest is counted.
      for (std::size_t i = 1; i < stream.seqs.size(); ++i) {
        RC_ASSERT(stream.seqs[i] > stream.seqs[i - 1]);
      }
      const auto stored = static_cast<std::int64_t>(stream.seqs.size());
      RC_ASSERT(stored + stream.lost == producer.buffer.last_seq());
      RC_ASSERT(stream.lost <= static_cast<std::int64_t>(producer.buffer.dropped()));
    }
  }

 private:
  void connect(Producer& producer) {
    producer.shipping.set_session(++producer.session, producer.buffer, now_);
    producer.shipping.set_consumer_present(true, producer.buffer, now_);
  }

  bool settled() const {
    for (const Producer& producer : producers_) {
      if (producer.buffer.waiting() > 0) return false;
    }
    return true;
  }

  log::Monotonic now_{};
  IntakeLimits limits_;
  Intake intake_{{}};
  Disk disk_;
  std::vector<Producer> producers_;
};

void run_world(std::size_t buffer_max, bool with_overflow) {
  World world(buffer_max);
  const int steps = *rc::gen::inRange(0, 300);
  int written = 0;
  for (int i = 0; i < steps; ++i) {
    const std::size_t who = *rc::gen::inRange<std::size_t>(0, 2);
    switch (*rc::gen::inRange(0, 24)) {
      case 0:
        world.break_session(who);
        break;
      case 1:
        world.kill_consumer(*rc::gen::arbitrary<bool>());
        break;
      case 2:
        world.lose_acks(who);
        break;
      case 3:
        world.commit(false);
        break;
      case 4:
        world.pass_time();
        break;
      case 5:
      case 6:
      case 7:
      case 8:
        world.send(who);
        break;
      case 9:
      case 10:
      case 11:
      case 12:
        world.deliver(who);
        break;
      case 13:
      case 14:
        world.commit();
        break;
      case 15:
      case 16:
        world.acknowledge();
        break;
      case 17:
      case 18:
        world.hear(who);
        break;
      default:
        if (!with_overflow && written++ >= static_cast<int>(buffer_max)) break;
        world.write(who);
    }
  }
  // The last record tells of what overflow took before it.
  if (with_overflow) world.write(0), world.write(1);
  world.settle();
  world.check();
}

TEST_CASE("nothing is lost that a buffer still held, and nothing is stored twice") {
  CHECK(rc::check([] { run_world(1'000, false); }));
}

TEST_CASE("what overflow took is counted, to the record") {
  CHECK(rc::check([] { run_world(*rc::gen::inRange<std::size_t>(1, 10), true); }));
}

}  // namespace
}  // namespace guild::logconsumer
