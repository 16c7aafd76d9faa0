// Child: another process of this same program, spoken to by lines: what it says comes from its
// stdout, what it is told goes to its stdin, its stderr is ours. It ends with us: it is killed and
// reaped when its Child goes, and a worker asks the kernel to kill it when we die.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/file.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace guild::cli {

class Child {
 public:
  /// This program again, with these arguments.
  static Result<Child> start(const std::vector<std::string>& arguments);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// Code child_gone when it no longer listens.
  Result<void> tell(std::string_view line);
  /// Its next line. Codes: timeout, child_gone when it ended without.
  Result<std::string> hear(Duration limit);

 private:
  Child(pid_t pid, Fd to, Fd from) : pid_(pid), to_(std::move(to)), from_(std::move(from)) {}

  pid_t pid_;
  Fd to_, from_;
  std::string unfinished_;
};

/// For the child: die when the parent does.
void die_with_parent();

}  // namespace guild::cli
