#include "common/host/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>

namespace guild::host {
namespace {

/// How often a taker tries while the file names nobody who lives: only a look (lock_holder), or a
/// holder that has not written its pid yet, can be in the way, and both last microseconds. There is
/// no event to wait for.
constexpr int tries_max = 100;
constexpr timespec between_tries{0, 1'000'000};

bool try_lock(int file, int operation) {
  int result = 0;
  do {
    result = ::flock(file, operation | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

pid_t pid_in(int file) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  pid_t pid = 0;
  if (size > 0) std::from_chars(text.data(), text.data() + size, pid);
  return pid > 0 ? pid : 0;
}

bool lives(pid_t pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM); }

Result<void> write_pid(int file) {
  if (::ftruncate(file, 0) != 0 || ::lseek(file, 0, SEEK_SET) != 0)
    return fail(system_error("write the pid", errno));
  return write_all(file, fmt::format("{}\n", ::getpid()));
}

std::unexpected<Error> already_running(const std::filesystem::path& path, std::string_view daemon,
                                       pid_t pid) {
  const std::string who = lives(pid) ? fmt::format("with pid {}", pid)
                                     : std::string("by a process that names itself not");
  return fail(ErrorKind::conflict, "already_running",
              fmt::format("{}: held {}: another {} runs in this home", path.string(), who, daemon),
              "use that one, or stop it first: scripts/run_system stop");
}

}  // namespace

Result<Lock> Lock::take(const std::filesystem::path& path, std::string_view daemon) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail(system_error("open " + path.string(), errno));
  bool locked = try_lock(file.get(), LOCK_EX);
  for (int i = 0; !locked && i < tries_max && !lives(pid_in(file.get())); ++i) {
    ::nanosleep(&between_tries, nullptr);
    locked = try_lock(file.get(), LOCK_EX);
  }
  if (!locked) return already_running(path, daemon, pid_in(file.get()));
  if (auto written = write_pid(file.get()); !written)
    return fail(std::move(written).error().while_doing("lock " + path.string()));
  return Lock(std::move(file));
}

Lock::~Lock() {
  // A file that cannot be emptied keeps a pid that no longer holds the lock; readers check the
  // lock.
  if (file_) [[maybe_unused]]
    const int failed = ::ftruncate(file_.get(), 0);
}

std::optional<pid_t> lock_holder(const std::filesystem::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file || try_lock(file.get(), LOCK_SH)) return {};
  return pid_in(file.get());
}

}  // namespace guild::host
