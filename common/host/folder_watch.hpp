// Tells of files in one folder, by inotify: those that appear, or whatever happens to any. It says
// that something changed, not what: the owner looks for itself, so an overflow of the kernel's
// queue loses nothing.
// Errors are system_error, at the start only. Source: inotify(7).
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/base/result.hpp"
#include "common/host/readable.hpp"

namespace guild::host {

/// changes: a file appears, was written, gets another mode, or goes.
enum class Watched { new_files, changes };

Result<std::unique_ptr<Readable>> watch_folder(boost::asio::io_context& loop,
                                               const std::filesystem::path& folder,
                                               std::function<void()> on_change,
                                               Watched watched = Watched::new_files);

}  // namespace guild::host
