// Latencies: how long things took, in buckets that are at most 1/32 (3 %) wide, so that a million
// of them are counted in constant memory and those of several processes are added up. Pure.
// A value past 2^63 ns is our bug. Source: the log-linear buckets of HdrHistogram.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "common/base/time.hpp"

namespace guild::cli {

class Latencies {
 public:
  void record(Duration took);
  /// The upper end of the bucket that holds the value at `share` (0.5, 0.99) of all; 0 when empty.
  Duration at(double share) const;
  std::int64_t count() const { return count_; }

  /// Sparse: bucket number to count. What a worker process reports.
  std::map<std::string, std::int64_t> buckets() const;
  void add(const std::map<std::string, std::int64_t>& buckets);

 private:
  static constexpr unsigned fine_bits = 5;
  static constexpr std::size_t bucket_count = (64 - fine_bits) << fine_bits;
  static std::size_t bucket_of(std::uint64_t ns);
  static std::uint64_t end_of(std::size_t bucket);

  std::array<std::int64_t, bucket_count> counts_{};
  std::int64_t count_ = 0;
};

}  // namespace guild::cli
