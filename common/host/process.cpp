#include "common/host/process.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "common/base/file.hpp"

namespace guild::host {
namespace {

/// A connection each for the most sessions and HTTP clients that may be configured in practice.
constexpr rlim_t descriptors_wanted = 65'536;

}  // namespace

void prepare_process() {
  ::umask(077);
  std::signal(SIGPIPE, SIG_IGN);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = std::min(files.rlim_max, std::max(files.rlim_cur, descriptors_wanted));
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

Instant file_clock_now() {
  // The kernel stamps files with its coarse clock, a tick behind the fine one: by that one, a file
  // made just after us would look older than we are.
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return {static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec};
}

Result<void> ensure_private_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return fail(system_error("make the folder " + folder.string(), errno));
  struct stat found{};
  if (::stat(folder.c_str(), &found) != 0) return fail(system_error(folder.string(), errno));
  if (!S_ISDIR(found.st_mode))
    return fail(ErrorKind::failed, "not_a_folder", folder.string() + ": is not a folder",
                "move it away");
  if ((found.st_mode & 022U) == 0) return {};
  return fail(ErrorKind::denied, "folder_permissions",
              fmt::format("{}: mode {:04o} lets others write in it", folder.string(),
                          found.st_mode & 07777U),
              "run: chmod 700 " + folder.string());
}

ProcessFigures process_figures() {
  ProcessFigures figures;
  if (const auto statm = read_file("/proc/self/statm", 4'096)) {
    long total_pages = 0, resident_pages = 0;
    if (std::sscanf(statm->c_str(), "%ld %ld", &total_pages, &resident_pages) == 2)
      figures.rss_bytes = resident_pages * ::sysconf(_SC_PAGESIZE);
  }
  std::error_code problem;
  for (std::filesystem::directory_iterator at("/proc/self/fd", problem), end; !problem && at != end;
       at.increment(problem))
    ++figures.open_fds;
  if (figures.open_fds > 0) --figures.open_fds;  // The one that reads the folder.
  return figures;
}

}  // namespace guild::host
