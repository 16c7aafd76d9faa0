// Small whole files: read with a bound, replace atomically (temp, fsync, rename, fsync the folder).
// For settings, keys and lists; databases are common/storage. A failure leaves the old content.
// Nothing here follows what is at the path into memory without a size that the caller names.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild {

/// The content, or file_missing, file_too_large, file_unreadable.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t size_max);
/// After success the file has exactly `text`, also after a power cut; before it, the old content.
Result<void> replace_file(const std::filesystem::path& path, std::string_view text,
                          unsigned mode = 0600);

/// Writes all of `text`, across short writes and signals. The error is system_error's.
Result<void> write_all(int fd, std::string_view text);

/// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset();

 private:
  int fd_ = -1;
};

}  // namespace guild
