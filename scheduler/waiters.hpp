// Waiters: who waits for a task, each until a time of its own. Bounded: at most `max` (code
// too_many_waiters). On the loop's thread alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <set>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"

namespace guild::scheduler {

class Waiters {
 public:
  /// Called once, when it happened or the time was up.
  enum class Why { happened, time_up };
  using Wake = std::function<void(Why)>;

  Waiters(boost::asio::io_context& loop, std::size_t max) : timer_(loop), max_(max) {}

  Result<void> add(const Uuid& task, Duration limit, Wake wake);
  /// It happened: wakes all of the task.
  void notify(const Uuid& task);
  /// Nobody waits for the task longer than `limit` from now.
  void shorten(const Uuid& task, Duration limit);
  std::size_t count() const { return waiters_.size(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiter {
    std::uint64_t number = 0;
    Clock::time_point until;
    Wake wake;
  };
  void arm();
  void wake_late();

  boost::asio::steady_timer timer_;
  std::size_t max_;
  std::uint64_t last_number_ = 0;
  std::multimap<Uuid, Waiter> waiters_;
  std::set<std::tuple<Clock::time_point, std::uint64_t, Uuid>> deadlines_;
};

}  // namespace guild::scheduler
