#include "scheduler/confinement.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>

namespace guild::scheduler {
namespace {

// The kernel's interface, written out: the headers of the machine we build on may be older than the
// kernel we run on, and libc wraps none of it.
constexpr long syscall_create_ruleset = 444, syscall_add_rule = 445, syscall_restrict_self = 446;
constexpr unsigned create_ruleset_version = 1;
constexpr int rule_path_beneath = 1;
constexpr std::uint64_t scope_signal = 1U << 1U;

constexpr std::uint64_t bit(unsigned number) { return std::uint64_t{1} << number; }
// execute, write_file, read_file; truncate; ioctl_dev: the rights that a rule on a file may name.
constexpr std::uint64_t file_rights = bit(0) | bit(1) | bit(2) | bit(14) | bit(15);

struct RulesetAttributes {
  std::uint64_t handled_fs, handled_net, scoped;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent_fd;
};

/// Every right on files that the ABI knows: 13 in the first, then refer, truncate, ioctl_dev.
std::uint64_t rights_of(int abi) {
  const unsigned count = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;
  return bit(count) - 1;
}
std::size_t attributes_size(int abi) { return abi >= 6 ? 24 : abi >= 4 ? 16 : 8; }

// Past it the rest of a folder stays out of reach, which is safe, and the start stays quick.
constexpr int folder_entries_max = 65'536;

class Hider {
 public:
  Hider(int ruleset, std::uint64_t rights, std::span<char* const> hidden)
      : ruleset_(ruleset), rights_(rights), hidden_(hidden) {}

  void allow_all_but_hidden() {
    path_[0] = '/';
    path_[1] = '\0';
    descend(1);
  }

 private:
  bool is_hidden() const {
    for (const char* path : hidden_)
      if (std::strcmp(path, path_) == 0) return true;
    return false;
  }
  /// Whether `path_` lies above something hidden: in /dev, the disks.
  bool leads_to_hidden() const {
    if (std::strcmp(path_, "/dev") == 0) return true;
    const std::size_t size = std::strlen(path_);
    for (const char* path : hidden_)
      if (std::strncmp(path, path_, size) == 0 && path[size] == '/') return true;
    return false;
  }

  /// `path_`, `size` long and ending in a slash, leads to something hidden.
  void descend(std::size_t size) {
    DIR* folder = opendir(path_);
    if (folder == nullptr) return descend_unseen(size);
    int left = folder_entries_max;
    for (const dirent* entry = readdir(folder); entry != nullptr && left > 0;
         entry = readdir(folder), --left) {
      if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
        visit(size, entry->d_name, std::strlen(entry->d_name));
    }
    closedir(folder);
  }

  /// The folder may be passed but not listed: only the way to what is hidden is known.
  void descend_unseen(std::size_t size) {
    for (const char* path : hidden_) {
      if (std::strncmp(path, path_, size) != 0) continue;
      const char* name = path + size;
      visit(size, name, std::strcspn(name, "/"));
    }
  }

  void visit(std::size_t size, const char* name, std::size_t name_size) {
    if (size + name_size + 2 > sizeof path_) return;
    std::memcpy(path_ + size, name, name_size);
    path_[size + name_size] = '\0';
    if (!is_hidden()) {
      if (leads_to_hidden()) {
        std::memcpy(path_ + size + name_size, "/", 2);
        descend(size + name_size + 1);
      } else {
        allow();
      }
    }
    path_[size] = '\0';
  }

  /// What cannot be opened or allowed stays out of reach.
  void allow() {
    const int fd = open(path_, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    struct stat status{};
    if (fstat(fd, &status) == 0 && !S_ISLNK(status.st_mode) && !S_ISBLK(status.st_mode)) {
      const std::uint64_t allowed = S_ISDIR(status.st_mode) ? rights_ : rights_ & file_rights;
      const PathBeneath rule{allowed, fd};
      syscall(syscall_add_rule, ruleset_, rule_path_beneath, &rule, 0);
    }
    close(fd);
  }

  int ruleset_;
  std::uint64_t rights_;
  std::span<char* const> hidden_;
  char path_[PATH_MAX]{};
};

}  // namespace

int landlock_abi() {
  const long abi = syscall(syscall_create_ruleset, nullptr, 0, create_ruleset_version);
  return abi < 1 ? 0 : static_cast<int>(abi);
}

int hide(std::span<char* const> hidden) {
  const int abi = landlock_abi();
  if (abi == 0) return EOPNOTSUPP;
  const RulesetAttributes attributes{rights_of(abi), 0, abi >= 6 ? scope_signal : 0};
  const long made = syscall(syscall_create_ruleset, &attributes, attributes_size(abi), 0);
  if (made < 0) return errno;
  const int ruleset = static_cast<int>(made);
  Hider(ruleset, attributes.handled_fs, hidden).allow_all_but_hidden();
  const int problem = syscall(syscall_restrict_self, ruleset, 0) == 0 ? 0 : errno;
  close(ruleset);
  return problem;
}

}  // namespace guild::scheduler
