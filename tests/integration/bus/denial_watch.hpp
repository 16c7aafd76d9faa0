// DenialWatch: hears what the broker tells on bus/denied, on a thread of its own, and notes when
// each event came: while the test waits for what a refused client is told, the event is timed all
// the same.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/raw_client.hpp"
#include "tests/support/json.hpp"

namespace guild::test {

using Steady = std::chrono::steady_clock::time_point;

struct DenialEvent {
  Json denial;
  Steady came_at;
};

class DenialWatch {
 public:
  /// `watcher` may hear bus/denied; it is used by the watch alone from here on.
  explicit DenialWatch(std::unique_ptr<raw::RawClient> watcher);
  ~DenialWatch();
  DenialWatch(const DenialWatch&) = delete;
  DenialWatch& operator=(const DenialWatch&) = delete;

  /// How many events have come; what comes after this is later.
  std::size_t count() const;
  /// What comes in the second after an event of the same kind the broker adds up and tells when
  /// that is over. Waits for that end, if an event that fits is so young; nothing else tells of it.
  void wait_for_quiet(const std::function<bool(const Json&)>& fits) const;
  /// The events from number `from` on, for a failed test to show.
  std::string text_since(std::size_t from) const;
  /// The first event from number `from` on that fits; nothing when none comes within `limit`.
  std::optional<DenialEvent> wait(std::size_t from, const std::function<bool(const Json&)>& fits,
                                  std::chrono::milliseconds limit);

 private:
  void listen();

  std::unique_ptr<raw::RawClient> watcher_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<DenialEvent> events_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace guild::test
