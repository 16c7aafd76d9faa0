#include "common/base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/bytes.hpp"
#include "common/base/secret.hpp"

namespace guild {
namespace {

std::unexpected<Error> unreadable(const std::filesystem::path& path, int error_number) {
  Error error = system_error(path.string(), error_number);
  if (error_number == ENOENT) {
    error.kind = ErrorKind::not_found;
    error.code = "file_missing";
  } else if (error.kind == ErrorKind::failed) {
    error.code = "file_unreadable";
  }
  return fail(std::move(error));
}

std::unexpected<Error> too_large(const std::filesystem::path& path, std::size_t size_max) {
  return fail(ErrorKind::invalid, "file_too_large",
              path.string() + ": larger than the " + std::to_string(size_max) + " bytes allowed");
}

ssize_t read_some(int fd, char* to, std::size_t size) {
  ssize_t count = 0;
  do {
    count = ::read(fd, to, size);
  } while (count < 0 && errno == EINTR);
  return count;
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// In the same folder, because a rename is atomic only within one file system.
std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  std::array<std::uint8_t, 8> unique{};
  fill_random(unique.data(), unique.size());
  return folder_of(path) / fmt::format(".{}.{}.tmp", path.filename().string(), to_hex(unique));
}

Result<void> write_new_file(const std::filesystem::path& path, std::string_view text,
                            unsigned mode) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail(system_error("create " + path.string(), errno));
  if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) {
    return fail(system_error("set the mode of " + path.string(), errno));
  }
  GUILD_CHECK(write_all(file.get(), text));
  if (::fsync(file.get()) != 0) return fail(system_error("fsync " + path.string(), errno));
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) {
    return fail(system_error("fsync the folder " + folder.string(), errno));
  }
  return {};
}

Result<void> write_and_rename(const std::filesystem::path& temporary,
                              const std::filesystem::path& path, std::string_view text,
                              unsigned mode) {
  GUILD_CHECK(write_new_file(temporary, text, mode));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return fail(system_error("rename " + temporary.string(), errno));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t size_max) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return unreadable(path, errno);
  std::string content;
  std::array<char, 16'384> chunk;
  while (true) {
    const ssize_t count = read_some(file.get(), chunk.data(), chunk.size());
    if (count < 0) return unreadable(path, errno);
    if (count == 0) return content;
    const auto size = static_cast<std::size_t>(count);
    if (size > size_max - content.size()) return too_large(path, size_max);
    content.append(chunk.data(), size);
  }
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view text, unsigned mode) {
  const std::filesystem::path temporary = temporary_beside(path);
  if (auto replaced = write_and_rename(temporary, path, text, mode); !replaced) {
    ::unlink(temporary.c_str());
    return fail(std::move(replaced).error().while_doing("replace " + path.string()));
  }
  if (auto synced = sync_folder(folder_of(path)); !synced) {
    return fail(std::move(synced).error().while_doing("replace " + path.string()));
  }
  return {};
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno != EINTR) return fail(system_error("write", errno));
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(release());
}

}  // namespace guild
