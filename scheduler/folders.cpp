#include "scheduler/folders.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/text.hpp"

namespace guild::scheduler {
namespace {

namespace fs = std::filesystem;

bool is_inside(const fs::path& path, const fs::path& root) {
  const auto [root_end, path_at] =
      std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return root_end == root.end();
}

bool is_inside_any(const fs::path& path, const std::vector<std::string>& roots) {
  return std::ranges::any_of(roots, [&](const std::string& root) {
    std::error_code problem;
    const fs::path real = fs::canonical(root, problem);
    return !problem && is_inside(path, real);
  });
}

std::unexpected<Error> refuse(const std::string& directory, std::string_view why) {
  return fail(ErrorKind::invalid, "directory_invalid",
              fmt::format("directory {}: {}", guild::quoted(directory), why),
              "name an existing folder inside one of [scheduler] allowed_roots");
}

Result<void> make_folder(const fs::path& folder) {
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(system_error("make the folder " + folder.string(), errno));
}

Result<Fd> open_folder(const std::string& folder) {
  Fd fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(system_error("open the folder " + folder, errno));
  return fd;
}

}  // namespace

Result<void> Folders::make() const { return make_folder(work_); }

Result<void> Folders::check(const std::string& directory) const {
  if (directory.empty()) return {};
  GUILD_TRY([[maybe_unused]] const Fd folder, open_checked(directory));
  return {};
}

Result<Folders::Opened> Folders::open(const Uuid& task, const std::string& directory) const {
  Opened opened;
  opened.home = own(task).string();
  GUILD_CHECK(make_folder(opened.home));
  GUILD_TRY(opened.directory,
            directory.empty() ? open_folder(opened.home) : open_checked(directory));
  return opened;
}

void Folders::remove_if_empty(const Uuid& task) const { rmdir(own(task).c_str()); }

Result<Fd> Folders::open_checked(const std::string& directory) const {
  if (!directory.starts_with('/')) return refuse(directory, "not an absolute path");
  Fd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return refuse(directory, system_error("open it", errno).message);
  // The real path of what is open now, whatever the name will lead to later.
  std::error_code problem;
  const fs::path real = fs::read_symlink(fmt::format("/proc/self/fd/{}", fd.get()), problem);
  if (problem) return refuse(directory, problem.message());
  const std::vector<std::string> only_work{work_.string()};
  if (!is_inside_any(real, roots_.empty() ? only_work : roots_))
    return refuse(directory, "not inside an allowed root");
  if (is_inside_any(real, hidden_)) return refuse(directory, "it belongs to the suite itself");
  return fd;
}

}  // namespace guild::scheduler
