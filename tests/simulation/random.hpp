// Random: what chance decides in a history. The same seed gives the same history with every
// compiler and library: the engine is specified to the bit, the ranges are our own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include "common/base/time.hpp"

namespace guild::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// 0 to `count` - 1.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }
  /// Both ends included.
  std::size_t between(std::size_t least, std::size_t most) {
    return least + below(most - least + 1);
  }
  Duration between(Duration least, Duration most) {
    return least + Duration{static_cast<std::int64_t>(
                       below(static_cast<std::size_t>((most - least).count()) + 1))};
  }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class Range>
  const auto& pick(const Range& range) {
    return range[below(std::size(range))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace guild::simulation
