// What a home's run folder tells of its daemons without asking them: who holds which lock, whom the
// supervisor gave up, which ready files are there. Looking changes nothing and takes no lock.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/host/home.hpp"

namespace guild::cli {

/// The process that holds an flock on the file with this inode, in the text of /proc/locks. Pure.
std::optional<std::int64_t> find_lock_holder(std::string_view proc_locks, std::uint64_t inode);

/// The process that has `daemon` locked in this home; nothing when it does not run. A daemon's lock
/// is not tried, because one that starts in that moment would be refused.
std::optional<std::int64_t> running_pid(const host::Home& home, std::string_view daemon);
/// Why the supervisor no longer restarts it.
std::optional<std::string> gave_up(const host::Home& home, std::string_view daemon);
bool has_ready_file(const host::Home& home, std::string_view daemon);

}  // namespace guild::cli
