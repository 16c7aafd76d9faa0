#include "broker/list_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "common/base/file.hpp"

namespace guild::broker {
namespace {

using namespace std::chrono_literals;

/// Revocation does not wait for more changes; what follows this closely is looked at together.
constexpr auto look_every = 20ms;

}  // namespace

Result<std::unique_ptr<ListWatch>> ListWatch::start(boost::asio::io_context& loop,
                                                    std::filesystem::path keys_dir, Clients current,
                                                    Found found) {
  Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) return fail(system_error("start inotify", errno));
  constexpr std::uint32_t changes = IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR;
  if (::inotify_add_watch(fd.get(), keys_dir.c_str(), changes) < 0)
    return fail(system_error("watch the folder " + keys_dir.string(), errno));
  std::unique_ptr<ListWatch> watch(
      new ListWatch(loop, std::move(keys_dir), std::move(current), std::move(found)));
  const int number = fd.get();
  watch->changes_ =
      std::make_unique<host::Readable>(loop, std::move(fd), [watch = watch.get(), number] {
        std::array<char, 4'096> events;
        while (::read(number, events.data(), events.size()) > 0) {
        }
        watch->look_soon();
      });
  // For a change between the reading of `current` and the watch.
  watch->look_soon();
  return watch;
}

ListWatch::ListWatch(boost::asio::io_context& loop, std::filesystem::path keys_dir, Clients current,
                     Found found)
    : keys_dir_(std::move(keys_dir)),
      current_(std::move(current)),
      found_(std::move(found)),
      timer_(loop) {}

void ListWatch::look_soon() {
  timer_.expires_at(looked_at_ + look_every);
  timer_.async_wait([this](const boost::system::error_code& problem) {
    if (!problem) look();
  });
}

void ListWatch::look() {
  looked_at_ = std::chrono::steady_clock::now();
  auto clients = keys::load_authorized_clients(keys_dir_);
  if (!clients) {
    was_invalid_ = true;
    return found_.invalid(clients.error());
  }
  // A list that was mended to what it was before is worth a word too.
  if (*clients == current_ && !was_invalid_) return;
  was_invalid_ = false;
  current_ = *clients;
  found_.changed(std::move(*clients));
}

}  // namespace guild::broker
