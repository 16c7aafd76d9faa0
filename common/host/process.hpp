// This process: what it sets before anything else, the folders it needs, its own figures.
// Codes: folder_permissions (kind denied), not_a_folder. Sizes in bytes.
// Source: proc(5) for /proc/self/statm and /proc/self/fd.
#pragma once

#include <cstdint>
#include <filesystem>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/host/home.hpp"

namespace guild::host {

/// umask 077, no core dumps (they would hold keys), no death by SIGPIPE, 65,536 descriptors or as
/// many as the hard limit allows.
void prepare_process();

/// The wall clock that file times are taken from; compare file times with this one only.
Instant file_clock_now();

/// The folder, made 0700 when missing. One that others may write in is refused
/// (folder_permissions).
Result<void> ensure_private_folder(const std::filesystem::path& folder);

struct ProcessFigures {
  std::int64_t rss_bytes = 0;
  std::int64_t open_fds = 0;
};
/// From /proc/self; zeros where it cannot be read.
ProcessFigures process_figures();

}  // namespace guild::host
