#include "cli/latencies.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "common/base/assert.hpp"

namespace guild::cli {

/// Below 2^5 a bucket is 1 ns wide; from there on each power of two has 2^5 buckets.
std::size_t Latencies::bucket_of(std::uint64_t ns) {
  const auto bits = static_cast<unsigned>(std::bit_width(ns));
  if (bits <= fine_bits) return ns;
  const unsigned shift = bits - fine_bits - 1;
  return ((static_cast<std::size_t>(shift) + 1) << fine_bits) + ((ns >> shift) - (1U << fine_bits));
}

std::uint64_t Latencies::end_of(std::size_t bucket) {
  const std::size_t fine = std::size_t{1} << fine_bits;
  if (bucket < fine) return bucket;
  const std::size_t shift = (bucket >> fine_bits) - 1;
  return ((std::uint64_t{fine + (bucket & (fine - 1))} + 1) << shift) - 1;
}

void Latencies::record(Duration took) {
  const std::int64_t ns = std::max<std::int64_t>(took.count(), 0);
  ++counts_[bucket_of(static_cast<std::uint64_t>(ns))];
  ++count_;
}

Duration Latencies::at(double share) const {
  const auto wanted = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_)));
  std::int64_t seen = 0;
  for (std::size_t bucket = 0; bucket < bucket_count && count_ > 0; ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted) return Duration(static_cast<std::int64_t>(end_of(bucket)));
  }
  return Duration::zero();
}

std::map<std::string, std::int64_t> Latencies::buckets() const {
  std::map<std::string, std::int64_t> sparse;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    if (counts_[bucket] > 0) sparse[std::to_string(bucket)] = counts_[bucket];
  }
  return sparse;
}

void Latencies::add(const std::map<std::string, std::int64_t>& buckets) {
  for (const auto& [name, count] : buckets) {
    std::size_t bucket = bucket_count;
    std::from_chars(name.data(), name.data() + name.size(), bucket);
    GUILD_ASSERT(bucket < bucket_count);  // Our own worker wrote it.
    counts_[bucket] += count;
    count_ += count;
  }
}

}  // namespace guild::cli
