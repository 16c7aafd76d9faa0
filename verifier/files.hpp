// Small files: read whole up to a bound, and replaced so that after any crash there is either the
// old one or the new one, on disk. A Replacement holds the folder's lock from before the old file
// is read until the new one stands, so that two runs cannot overtake each other.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "verifier/result.hpp"

namespace guild::verifier {

/// Errors: `file_missing`, `file_too_large`, `file_unreadable`.
Result<std::string> read_file(const std::filesystem::path& file, std::size_t size_max);
/// The same, of stdin.
Result<std::string> read_stdin(std::size_t size_max);

/// An error of the machine about `file`, from errno.
Error error_about(const std::filesystem::path& file, std::string_view doing, int number);

/// The exclusive right, among runs of this program, to replace files of the folder that `file` is
/// in. Waits for it. Errors: `file_missing` when there is no such folder, `file_unreadable`.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::filesystem::path& file);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

  /// Writes `<file>.new`, syncs it, renames it over `file`, syncs the folder. Error:
  /// `file_unwritable`.
  Result<void> replace(const std::filesystem::path& file, std::string_view text) const;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace guild::verifier
