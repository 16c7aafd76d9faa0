// When records leave, when they leave again, and when they go to stderr instead.
#include <catch2/catch.hpp>

#include "common/log/shipping.hpp"

namespace guild::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A producer with a clock of its own.
class Producer {
 public:
  explicit Producer(ShippingLimits limits = {}) : shipping_(limits, now_) {}

  void write(int count) {
    for (int i = 0; i < count; ++i) buffer_.append({});
  }
  void advance(Duration by) {
    now_ += by;
    shipping_.on_time(buffer_, now_);
  }
  void session(std::optional<std::uint64_t> number) {
    shipping_.set_session(number, buffer_, now_);
  }
  void consumer(bool present) { shipping_.set_consumer_present(present, buffer_, now_); }
  void connect() {
    session(1);
    consumer(true);
  }
  void refuse() { shipping_.on_refused(now_); }
  void commit(std::int64_t seq, std::optional<bool> resend = {}) {
    shipping_.on_committed({buffer_.boot(), seq, resend}, buffer_, now_);
  }
  void commit_of_another_boot(std::int64_t seq) {
    shipping_.on_committed({Uuid::make(), seq, {}}, buffer_, now_);
  }
  std::vector<std::int64_t> send() {
    std::vector<std::int64_t> sent;
    while (const messages::LogRecord* record = shipping_.next(buffer_)) {
      sent.push_back(record->seq);
      shipping_.on_sent(buffer_, now_);
    }
    return sent;
  }
  std::vector<std::int64_t> fall_back() {
    std::vector<std::int64_t> told;
    while (const messages::LogRecord* record = shipping_.next_for_fallback(buffer_, now_)) {
      told.push_back(record->seq);
      shipping_.on_fallback(record->seq);
    }
    return told;
  }
  std::size_t waiting() const { return buffer_.waiting(); }

 private:
  Monotonic now_{};
  RecordBuffer buffer_{Uuid::make(), {}};
  ShippingState shipping_;
};

using Numbers = std::vector<std::int64_t>;

TEST_CASE("records leave only with a session and with the consumer there") {
  Producer producer;
  producer.write(2);
  CHECK(producer.send().empty());
  producer.session(1);
  CHECK(producer.send().empty());
  producer.consumer(true);
  CHECK(producer.send() == Numbers{1, 2});
  producer.consumer(false);
  producer.write(1);
  CHECK(producer.send().empty());
}

TEST_CASE("a presence told before the session ended does not count in the next") {
  Producer producer;
  producer.write(1);
  producer.connect();
  producer.session(2);
  CHECK(producer.send().empty());
  producer.consumer(true);
  CHECK(producer.send() == Numbers{1});
}

TEST_CASE("everything unacknowledged is sent again, in order, after a new session") {
  Producer producer;
  producer.write(3);
  producer.connect();
  CHECK(producer.send() == Numbers{1, 2, 3});
  producer.commit(1);
  producer.session(std::nullopt);
  producer.write(1);
  producer.session(2);
  producer.consumer(true);
  CHECK(producer.send() == Numbers{2, 3, 4});
}

TEST_CASE("and after the consumer came back") {
  Producer producer;
  producer.write(2);
  producer.connect();
  producer.send();
  producer.consumer(false);
  producer.consumer(true);
  CHECK(producer.send() == Numbers{1, 2});
  producer.consumer(true);  // Told again without a change.
  CHECK(producer.send().empty());
}

TEST_CASE("and when the consumer asks, from where it asks") {
  Producer producer;
  producer.write(4);
  producer.connect();
  producer.send();
  producer.commit(2, true);
  CHECK(producer.send() == Numbers{3, 4});
}

TEST_CASE("and when nothing was acknowledged for two seconds, not a millisecond before") {
  Producer producer;
  producer.connect();
  producer.advance(seconds(100));
  producer.write(2);
  CHECK(producer.send() == Numbers{1, 2});
  producer.advance(milliseconds(1'999));
  CHECK(producer.send().empty());
  producer.advance(milliseconds(1));
  CHECK(producer.send() == Numbers{1, 2});
}

TEST_CASE("patience doubles in vain, up to its bound") {
  Producer producer;
  producer.write(2);
  producer.connect();
  producer.send();
  for (const int wait : {2, 4, 8, 16, 30, 30}) {
    producer.advance(seconds(wait) - milliseconds(1));
    CHECK(producer.send().empty());
    producer.advance(milliseconds(1));
    CHECK(producer.send() == Numbers{1, 2});
  }
}

TEST_CASE("patience is three times what a record takes to be acknowledged") {
  Producer producer;
  producer.write(3);
  producer.connect();
  producer.send();
  producer.advance(milliseconds(1'500));
  producer.commit(1);
  producer.advance(milliseconds(4'499));
  CHECK(producer.send().empty());
  producer.advance(milliseconds(1));
  CHECK(producer.send() == Numbers{2, 3});
}

TEST_CASE("an acknowledgement of what was acknowledged before restores no room, but patience") {
  Producer producer;
  producer.write(2);
  producer.connect();
  producer.send();
  producer.commit(1);
  for (int i = 0; i < 10; ++i) {
    producer.advance(milliseconds(1'999));
    CHECK(producer.send().empty());
    producer.commit(1);
  }
  producer.advance(seconds(2));
  CHECK(producer.send() == Numbers{2});
}

TEST_CASE("nothing is sent again while nothing is on its way") {
  Producer producer;
  producer.write(1);
  producer.connect();
  producer.send();
  producer.commit(1);
  producer.advance(seconds(100));
  CHECK(producer.send().empty());
}

TEST_CASE("an acknowledgement of another life changes nothing") {
  Producer producer;
  producer.write(2);
  producer.connect();
  producer.send();
  producer.commit_of_another_boot(2);
  CHECK(producer.waiting() == 2);
}

TEST_CASE("what is unacknowledged is bounded by the window") {
  ShippingLimits limits;
  limits.window_bytes = 1;
  Producer producer(limits);
  producer.write(3);
  producer.connect();
  CHECK(producer.send() == Numbers{1});
  producer.commit(1);
  CHECK(producer.send() == Numbers{2});
}

TEST_CASE("a refused producer waits for a new session or a new presence") {
  Producer producer;
  producer.write(1);
  producer.connect();
  producer.send();
  producer.refuse();
  producer.advance(seconds(100));
  CHECK(producer.send().empty());
  CHECK(producer.fall_back() == Numbers{1});
  producer.consumer(false);
  producer.consumer(true);
  CHECK(producer.send() == Numbers{1});
}

TEST_CASE("records go to stderr once, when none could leave for ten seconds") {
  Producer producer;
  producer.write(2);
  producer.advance(milliseconds(9'999));
  CHECK(producer.fall_back().empty());
  producer.advance(milliseconds(1));
  CHECK(producer.fall_back() == Numbers{1, 2});
  CHECK(producer.fall_back().empty());
  producer.write(1);
  CHECK(producer.fall_back() == Numbers{3});

  // Nothing is lost by that: they leave when they can.
  producer.connect();
  CHECK(producer.fall_back().empty());
  CHECK(producer.send() == Numbers{1, 2, 3});
}

TEST_CASE("the ten seconds begin when records can no longer leave") {
  Producer producer;
  producer.connect();
  producer.advance(seconds(100));
  producer.write(1);
  producer.consumer(false);
  producer.advance(milliseconds(9'999));
  CHECK(producer.fall_back().empty());
  producer.session(std::nullopt);  // Still the same time without a way out.
  producer.advance(milliseconds(1));
  CHECK(producer.fall_back() == Numbers{1});
}

}  // namespace
}  // namespace guild::log
