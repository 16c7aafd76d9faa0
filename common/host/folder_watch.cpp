#include "common/host/folder_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace guild::host {
namespace {

void empty(int fd) {
  std::array<char, 4'096> events;
  while (::read(fd, events.data(), events.size()) > 0) {
  }
}

constexpr std::uint32_t events_of(Watched watched) {
  constexpr std::uint32_t appearing = IN_CREATE | IN_MOVED_TO;
  if (watched == Watched::new_files) return appearing;
  return appearing | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM;
}

}  // namespace

Result<std::unique_ptr<Readable>> watch_folder(boost::asio::io_context& loop,
                                               const std::filesystem::path& folder,
                                               std::function<void()> on_change, Watched watched) {
  Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) return fail(system_error("start inotify", errno));
  if (::inotify_add_watch(fd.get(), folder.c_str(), events_of(watched) | IN_ONLYDIR) < 0)
    return fail(system_error("watch the folder " + folder.string(), errno));
  const int number = fd.get();
  return std::make_unique<Readable>(loop, std::move(fd),
                                    [number, on_change = std::move(on_change)] {
                                      empty(number);
                                      on_change();
                                    });
}

}  // namespace guild::host
