// Wakeup: the one descriptor of a Client. An epoll that is readable when a watched descriptor is,
// when the time set by `wake_at` has come, or after `raise`.
#pragma once

#include <chrono>
#include <optional>

#include "common/base/file.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/bus/attempts.hpp"

namespace guild::bus {

class Wakeup {
 public:
  static Result<Wakeup> make();

  int fd() const { return epoll_.get(); }
  /// Error: of the kernel, when it has no room.
  Result<void> watch(int fd);
  void forget(int fd);
  /// Whether this watched descriptor is readable now.
  bool is_ready(int fd) const;

  /// Readable until `lower`.
  void raise();
  void lower();
  /// Readable from `at` on, or at no time. It may wake early, once, for an older and earlier `at`.
  void wake_at(std::optional<Monotonic> at, Monotonic now);

 private:
  Wakeup(Fd epoll, Fd timer, Fd event);
  Fd epoll_, timer_, event_;
  bool raised_ = false;
  std::optional<Monotonic> timer_at_;
};

/// Waits until `fd` is readable or `until` has come; to the nanosecond, as poll(2) cannot.
void wait_readable(int fd, Monotonic until);

}  // namespace guild::bus
