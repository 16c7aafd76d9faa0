// What honest clients do on the bus while others misbehave: an echo pair, and a publisher with a
// subscriber that checks every message. Raw clients, so that nothing of the product is linked. A
// failure throws std::runtime_error in the thread that asks; one of the other end is told by
// `finish`.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/bus_home.hpp"

namespace guild::test {

using std::chrono::microseconds;

/// Times of round trips.
class Latencies {
 public:
  void add(std::chrono::nanoseconds time) { times_.push_back(time); }
  void add(const Latencies& others) {
    times_.insert(times_.end(), others.times_.begin(), others.times_.end());
  }
  std::size_t count() const { return times_.size(); }
  /// `part` of 0.5 is the median; 0 when there are none.
  microseconds percentile(double part) const;
  /// "12345 round trips, p50 80 us, p99 200 us, most 900 us"
  std::string text() const;

 private:
  std::vector<std::chrono::nanoseconds> times_;
};

/// Runs the honest other end of a pair, and keeps why it failed.
class OtherEnd {
 public:
  template <class Work>
  explicit OtherEnd(Work work)
      : thread_([this, work = std::move(work)]() mutable {
          try {
            work();
          } catch (const std::exception& failure) {
            failure_ = failure.what();
          }
        }) {}
  ~OtherEnd() {
    if (thread_.joinable()) thread_.join();
  }
  /// Waits for its end; throws what it threw.
  void finish();

 private:
  std::string failure_;
  std::thread thread_;  // Last: it writes to the rest.
};

/// One client asks, another answers with the same bytes, one question at a time.
class Echo {
 public:
  Echo(const BusHome& home, const std::string& asker, const std::string& responder,
       std::string name);
  /// One round trip; throws when the answer is missing or another's.
  void ask(Latencies& latencies);
  void finish();

 private:
  std::string name_;
  std::unique_ptr<RawClient> asker_;
  std::uint64_t asked_ = 0;
  std::optional<OtherEnd> responder_;
};

/// One client publishes numbers and wants them acknowledged; another demands each once, in order.
class AckedFlow {
 public:
  AckedFlow(const BusHome& home, const std::string& publisher, const std::string& subscriber,
            std::string topic);
  void publish(std::uint32_t count);
  /// Waits until all are acknowledged and were received.
  void finish();
  std::uint64_t published() const { return published_; }

 private:
  void take_acks(std::chrono::milliseconds limit);

  std::string topic_;
  std::unique_ptr<RawClient> publisher_;
  std::uint64_t published_ = 0, acknowledged_ = 0;
  std::optional<OtherEnd> subscriber_;
};

/// Resident memory of a process, in KiB, from /proc; 0 when it is gone.
std::uint64_t resident_kib(int pid);

}  // namespace guild::test
