#include "common/base/secret.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "common/base/assert.hpp"
#include "common/base/file.hpp"

namespace guild {
namespace {

constexpr mode_t others_read = 077;
constexpr mode_t others_write = 022;

std::unexpected<Error> loose(std::string message, std::string next_step) {
  return fail(ErrorKind::denied, "secret_permissions", std::move(message), std::move(next_step));
}

std::unexpected<Error> malformed(const std::filesystem::path& path, std::string_view what) {
  return fail(ErrorKind::invalid, "secret_format", fmt::format("{}: {}", path.string(), what),
              "restore the file from its backup, or make a new key");
}

std::unexpected<Error> not_opened(const std::filesystem::path& path, int error_number) {
  const std::string name = path.string();
  if (error_number == ENOENT || error_number == ENOTDIR) {
    return fail(ErrorKind::not_found, "secret_missing", name + ": no such secret file",
                "create the keys first (guild keys init), or check the path");
  }
  if (error_number == ELOOP) {
    return loose(name + ": is a symbolic link", "put the secret file itself there");
  }
  if (error_number == EACCES) {
    return loose(name + ": we may not open it", fmt::format("run: chown {} {}", geteuid(), name));
  }
  return fail(system_error(name, error_number));
}

Result<void> check_owner(const std::filesystem::path& path, const struct stat& found) {
  if (found.st_uid == geteuid() || found.st_uid == 0) return {};
  return loose(
      fmt::format("{}: belongs to user {}, we are user {}", path.string(), found.st_uid, geteuid()),
      fmt::format("run: chown {} {}", geteuid(), path.string()));
}

Result<void> check_folder(int fd, const std::filesystem::path& folder) {
  struct stat found{};
  if (::fstat(fd, &found) != 0) return fail(system_error(folder.string(), errno));
  GUILD_CHECK(check_owner(folder, found));
  if ((found.st_mode & others_write) == 0) return {};
  return loose(fmt::format("{}: mode {:04o} lets others write in the secrets' folder",
                           folder.string(), found.st_mode & 07777U),
               "run: chmod 700 " + folder.string());
}

Result<void> check_file(const struct stat& found, const std::filesystem::path& path) {
  if (!S_ISREG(found.st_mode)) {
    return loose(path.string() + ": is not a regular file", "put the secret file itself there");
  }
  GUILD_CHECK(check_owner(path, found));
  if ((found.st_mode & others_read) == 0) return {};
  return loose(
      fmt::format("{}: mode {:04o} lets others at the secret", path.string(),
                  found.st_mode & 07777U),
      "run: chmod 600 " + path.string() + ", and make a new key if others could have read it");
}

Result<Fd> open_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return not_opened(folder, errno);
  GUILD_CHECK(check_folder(fd.get(), folder));
  return fd;
}

// A growing string would leave unwiped copies behind, so the buffer has its full size from the
// start.
Result<std::string> read_bounded(int fd, std::size_t size, const std::filesystem::path& path) {
  std::string text(size + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = ::read(fd, text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    filled += static_cast<std::size_t>(count);
  }
  if (filled != size) {
    wipe(text.data(), text.size());
    return malformed(path, "changed or failed while it was read");
  }
  text.resize(size);
  return text;
}

void drop_line_end(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

Result<void> write_and_sync(int file, int folder, std::string_view text) {
  if (::fchmod(file, 0600) != 0) return fail(system_error("set the mode", errno));
  GUILD_CHECK(write_all(file, text));
  if (::fsync(file) != 0 || ::fsync(folder) != 0) return fail(system_error("fsync", errno));
  return {};
}

}  // namespace

void wipe(void* memory, std::size_t size) noexcept { sodium_memzero(memory, size); }

void fill_random(void* memory, std::size_t size) {
  static const bool started = sodium_init() >= 0;
  GUILD_ASSERT(started);
  randombytes_buf(memory, size);
}

Result<std::string> read_secret_text(const std::filesystem::path& path, std::size_t size_max) {
  GUILD_TRY(const Fd folder, open_folder(path));
  // O_NONBLOCK: a FIFO in the file's place must not hang us.
  const Fd file(::openat(folder.get(), path.filename().c_str(),
                         O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file) return not_opened(path, errno);
  struct stat found{};
  if (::fstat(file.get(), &found) != 0) return fail(system_error(path.string(), errno));
  GUILD_CHECK(check_file(found, path));
  const auto size = static_cast<std::size_t>(found.st_size);
  if (size > size_max) return malformed(path, fmt::format("is larger than {} bytes", size_max));
  GUILD_TRY(std::string text, read_bounded(file.get(), size, path));
  drop_line_end(text);
  if (text.empty()) return malformed(path, "is empty");
  return text;
}

Result<Secret32> read_secret32(const std::filesystem::path& path) {
  auto text = read_secret_text(path);
  if (!text) return fail(std::move(text).error());
  std::array<std::uint8_t, 32> bytes{};
  std::size_t size = 0;
  // libsodium's decoder takes a time that does not depend on the digits.
  const bool decoded = sodium_hex2bin(bytes.data(), bytes.size(), text->data(), text->size(),
                                      nullptr, &size, nullptr) == 0;
  wipe(text->data(), text->size());
  const Secret32 secret(bytes);
  wipe(bytes.data(), bytes.size());
  if (!decoded || size != bytes.size()) return malformed(path, "is not exactly 64 hex digits");
  return secret;
}

Result<void> write_secret_text(const std::filesystem::path& path, std::string_view text) {
  GUILD_TRY(const Fd folder, open_folder(path));
  const std::string name = path.filename().string();
  const Fd file(::openat(folder.get(), name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file && errno == EEXIST) {
    return fail(ErrorKind::conflict, "file_exists", path.string() + ": is already there",
                "move it away first; secrets are never overwritten");
  }
  if (!file) return fail(system_error("create " + path.string(), errno));
  if (auto written = write_and_sync(file.get(), folder.get(), text); !written) {
    ::unlinkat(folder.get(), name.c_str(), 0);
    return fail(std::move(written).error().while_doing("write " + path.string()));
  }
  return {};
}

}  // namespace guild
