#include "verifier/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "verifier/text.hpp"

namespace guild::verifier {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Calls until no signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  while (true) {
    const auto answer = call();
    if (answer >= 0 || errno != EINTR) return answer;
  }
}

Result<std::string> read_all(int fd, const std::filesystem::path& name, std::size_t size_max) {
  std::string text;
  std::array<char, 16'384> piece;
  while (true) {
    const ssize_t size = uninterrupted([&] { return ::read(fd, piece.data(), piece.size()); });
    if (size < 0) return std::unexpected(error_about(name, "read", errno));
    if (size == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
    if (text.size() > size_max)
      return fail(Failure::refused, "file_too_large",
                  joined(name.string(), " has more than ", size_max, " bytes"),
                  "give the file that `guild ledger` wrote");
  }
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = uninterrupted([&] { return ::write(fd, text.data(), text.size()); });
    if (size < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

Error error_about(const std::filesystem::path& file, std::string_view doing, int number) {
  const std::string message =
      joined("cannot ", doing, " ", file.string(), ": ", std::strerror(number));
  if (number == ENOENT || number == ENOTDIR)
    return {.failure = Failure::missing,
            .code = "file_missing",
            .message = message,
            .next_step = "give the path of a file that is there"};
  return {.failure = Failure::machine,
          .code = doing == "write" ? "file_unwritable" : "file_unreadable",
          .message = message,
          .next_step = "look at the file, its permissions and its disk"};
}

Result<std::string> read_file(const std::filesystem::path& file, std::size_t size_max) {
  const Descriptor fd(uninterrupted([&] { return ::open(file.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (fd.get() < 0) return std::unexpected(error_about(file, "open", errno));
  return read_all(fd.get(), file, size_max);
}

Result<std::string> read_stdin(std::size_t size_max) {
  return read_all(STDIN_FILENO, "stdin", size_max);
}

Result<FolderLock> FolderLock::take(const std::filesystem::path& file) {
  const std::filesystem::path folder = folder_of(file);
  FolderLock lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.fd_ < 0) return std::unexpected(error_about(folder, "open", errno));
  if (uninterrupted([&] { return ::flock(lock.fd_, LOCK_EX); }) != 0)
    return std::unexpected(error_about(folder, "lock", errno));
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> FolderLock::replace(const std::filesystem::path& file, std::string_view text) const {
  std::filesystem::path fresh = file.filename();
  fresh += ".new";
  const auto failed = [&] { return std::unexpected(error_about(file, "write", errno)); };
  // What a run that was killed left behind; nobody else writes it while we have the lock.
  ::unlinkat(fd_, fresh.c_str(), 0);
  const Descriptor fd(
      ::openat(fd_, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (fd.get() < 0) return failed();
  if (!write_all(fd.get(), text) || ::fsync(fd.get()) != 0 ||
      ::renameat(fd_, fresh.c_str(), fd_, file.filename().c_str()) != 0) {
    const int number = errno;
    ::unlinkat(fd_, fresh.c_str(), 0);
    errno = number;
    return failed();
  }
  if (::fsync(fd_) != 0) return failed();
  return {};
}

}  // namespace guild::verifier
