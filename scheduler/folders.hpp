// Where a task works. Every task has a folder of its own, <home>/work/<task>, mode 0700, which is
// its HOME; a task that asks for a directory works there instead, if that lies inside an allowed
// root by its real path. Both are handed on as open descriptors, so that nothing swapped in between
// counts. Codes: directory_invalid, and system_error's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/file.hpp"
#include "common/base/result.hpp"
#include "common/base/uuid.hpp"

namespace guild::scheduler {

class Folders {
 public:
  /// `roots` empty: the work folder alone. What lies in a hidden folder is never allowed.
  Folders(std::filesystem::path work, std::vector<std::string> roots,
          std::vector<std::string> hidden)
      : work_(std::move(work)), roots_(std::move(roots)), hidden_(std::move(hidden)) {}

  /// Makes the work folder.
  Result<void> make() const;
  /// Whether a task may work in `directory`, as far as can be told now.
  Result<void> check(const std::string& directory) const;

  struct Opened {
    Fd directory;      ///< Where to run.
    std::string home;  ///< The task's own folder.
  };
  Result<Opened> open(const Uuid& task, const std::string& directory) const;
  /// Takes away the task's own folder when it left nothing in it.
  void remove_if_empty(const Uuid& task) const;

 private:
  std::filesystem::path own(const Uuid& task) const { return work_ / task.text(); }
  Result<Fd> open_checked(const std::string& directory) const;

  std::filesystem::path work_;
  std::vector<std::string> roots_, hidden_;
};

}  // namespace guild::scheduler
