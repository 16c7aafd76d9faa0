// Mailbox: work for another thread, and the descriptor that wakes it. Posting never blocks on the
// reader; what is posted is the broker's own (a new list, a question for statistics), so it is few.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/file.hpp"
#include "common/base/result.hpp"

namespace guild::broker {

template <class Work>
class Mailbox {
 public:
  static Result<Mailbox> make() {
    Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) return fail(system_error("make an event descriptor", errno));
    return Mailbox(std::move(fd));
  }
  Mailbox(Mailbox&& other) noexcept : fd_(std::move(other.fd_)) {}  // Before anybody shares it.

  /// Readable when there is work.
  int fd() const { return fd_.get(); }

  void post(Work work) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(work));
    }
    wake();
  }
  void wake() {
    if (woken_.exchange(true)) return;
    const std::uint64_t one = 1;
    // Only a full counter can fail this, and then the reader is awake.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
  }
  bool woken() const { return woken_.load(std::memory_order_relaxed); }

  std::vector<Work> take() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(fd_.get(), &count, sizeof count);
    woken_.store(false);
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

 private:
  explicit Mailbox(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
  std::atomic<bool> woken_ = false;
  std::mutex mutex_;
  std::vector<Work> waiting_;
};

}  // namespace guild::broker
