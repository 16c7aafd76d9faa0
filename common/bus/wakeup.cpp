#include "common/bus/wakeup.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "common/base/assert.hpp"

namespace guild::bus {
namespace {

timespec to_timespec(Duration duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  timespec spec{};
  spec.tv_sec = seconds.count();
  spec.tv_nsec = (duration - seconds).count();
  return spec;
}

}  // namespace

Result<Wakeup> Wakeup::make() {
  Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail(system_error("make an epoll", errno));
  Fd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return fail(system_error("make a timer", errno));
  Fd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail(system_error("make an eventfd", errno));
  Wakeup wakeup(std::move(epoll), std::move(timer), std::move(event));
  GUILD_CHECK(wakeup.watch(wakeup.timer_.get()));
  GUILD_CHECK(wakeup.watch(wakeup.event_.get()));
  return wakeup;
}

Wakeup::Wakeup(Fd epoll, Fd timer, Fd event)
    : epoll_(std::move(epoll)), timer_(std::move(timer)), event_(std::move(event)) {}

Result<void> Wakeup::watch(int fd) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.fd = fd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &wanted) == 0) return {};
  return fail(system_error("watch a descriptor", errno));
}

void Wakeup::forget(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

bool Wakeup::is_ready(int fd) const {
  std::array<epoll_event, 4> ready{};
  const int count = epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), 0);
  for (int i = 0; i < count; ++i) {
    if (ready[static_cast<std::size_t>(i)].data.fd == fd) return true;
  }
  return false;
}

void Wakeup::raise() {
  if (std::exchange(raised_, true)) return;
  const std::uint64_t one = 1;
  GUILD_ASSERT(write(event_.get(), &one, sizeof one) == sizeof one);
}

void Wakeup::lower() {
  if (!std::exchange(raised_, false)) return;
  std::uint64_t count = 0;
  GUILD_ASSERT(read(event_.get(), &count, sizeof count) == sizeof count);
}

void Wakeup::wake_at(std::optional<Monotonic> at, Monotonic now) {
  const bool rung = timer_at_ && *timer_at_ <= now;
  if (!rung && timer_at_ && (!at || *timer_at_ <= *at)) return;  // Early is harmless, and cheaper.
  if (!rung && !at) return;
  itimerspec setting{};  // Zero disarms.
  if (at) setting.it_value = to_timespec(at->time_since_epoch());
  // Setting also takes back an expiry that nobody has read.
  GUILD_ASSERT(timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr) == 0);
  timer_at_ = at;
}

void wait_readable(int fd, Monotonic until) {
  const Duration left =
      std::max<Duration>(until - std::chrono::steady_clock::now(), Duration::zero());
  const timespec limit = to_timespec(left);
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  ppoll(&waiting, 1, &limit, nullptr);  // EINTR is one more look around for the caller.
}

}  // namespace guild::bus
