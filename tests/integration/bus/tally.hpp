// Tally: what one peer process counts of itself, in a file that both it and the test map. It
// outlives the peer, however that ends. Counters only rise, over all of the peer's lives.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace guild::test {

/// The first has policy drop_oldest and the second block; the last one ends it all.
inline constexpr std::array<std::string_view, 4> tallied_topics = {"apps/loose", "bench/firm",
                                                                   "apps/loose/2", "apps/end"};
inline constexpr std::size_t end_topic = 3;

inline std::size_t index_of(std::string_view topic) {
  for (std::size_t i = 0; i < tallied_topics.size(); ++i)
    if (tallied_topics[i] == topic) return i;
  throw std::runtime_error("nobody publishes on " + std::string(topic));
}

using Counter = std::atomic<std::uint64_t>;
using ByTopic = std::array<Counter, tallied_topics.size()>;
static_assert(Counter::is_always_lock_free);

struct Tally {
  // A publisher: `sent` is counted before it is, `acked` after the broker has accepted it.
  ByTopic sent, acked;
  // A subscriber: `credited` is counted before CREDIT is sent, `confirmed` after the broker had it.
  ByTopic received, gap_items, credited, confirmed;
  Counter lives, lost_sessions;
  Counter faults;  ///< Items out of order, or twice.
};

class TallyFile {
 public:
  explicit TallyFile(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, sizeof(Tally)) != 0)
      throw std::runtime_error("cannot make " + path.string());
    // Fresh pages of a file are zeros, which is what fresh counters are.
    void* mapped = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (mapped == MAP_FAILED) throw std::runtime_error("cannot map " + path.string());
    tally_ = static_cast<Tally*>(mapped);
  }
  ~TallyFile() { ::munmap(tally_, sizeof(Tally)); }
  TallyFile(const TallyFile&) = delete;
  TallyFile& operator=(const TallyFile&) = delete;
  Tally& operator*() const { return *tally_; }
  Tally* operator->() const { return tally_; }

 private:
  Tally* tally_ = nullptr;
};

inline std::uint64_t total(const ByTopic& counters) {
  std::uint64_t sum = 0;
  for (const Counter& counter : counters) sum += counter;
  return sum;
}

}  // namespace guild::test
