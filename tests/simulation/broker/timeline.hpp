// Timeline: virtual time and what is to happen when. Things of the same moment happen in the order
// in which they were asked for.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "broker/wire.hpp"
#include "common/base/time.hpp"

namespace guild::simulation {

using Time = std::chrono::steady_clock::time_point;

class Timeline {
 public:
  Time now() const { return now_; }
  broker::Moment moment() const {
    return {Instant{wall_start + now_.time_since_epoch().count()}, now_};
  }

  void at(Time when, std::function<void()> action) {
    actions_.emplace(std::pair(std::max(when, now_), ++asked_), std::move(action));
  }
  void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }

  /// Lets time run to `end`.
  void run_until(Time end) {
    while (!actions_.empty() && actions_.begin()->first.first <= end) {
      auto next = actions_.extract(actions_.begin());
      now_ = next.key().first;
      next.mapped()();
    }
    now_ = end;
  }

 private:
  static constexpr std::int64_t wall_start = 1'700'000'000'000'000'000;

  Time now_{std::chrono::hours(1)};
  std::uint64_t asked_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> actions_;
};

}  // namespace guild::simulation
