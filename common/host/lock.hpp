// Lock: who holds it owns a daemon's data in a home (DESIGN rule 1). It is flock(2) on
// run/<daemon>.lock, which also holds the owner's pid in decimal; it goes with the process, however
// that ends, so a file that was left behind locks nobody out. The CLI takes the same lock when it
// is free. Code already_running (kind conflict) names the pid.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string_view>

#include "common/base/file.hpp"
#include "common/base/result.hpp"

namespace guild::host {

class Lock {
 public:
  static Result<Lock> take(const std::filesystem::path& path, std::string_view daemon);
  Lock(Lock&&) noexcept = default;
  Lock& operator=(Lock&&) = delete;
  /// Empties the file: no stale pid is left after an orderly end.
  ~Lock();

 private:
  explicit Lock(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

/// Whether the lock is held, and by whom; 0 when its holder has not written its pid yet. It looks
/// without disturbing: a taker that meets a look tries again.
std::optional<pid_t> lock_holder(const std::filesystem::path& path);

}  // namespace guild::host
