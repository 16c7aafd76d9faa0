#include "scheduler/waiters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace guild::scheduler {

Result<void> Waiters::add(const Uuid& task, Duration limit, Wake wake) {
  if (waiters_.size() >= max_) {
    return fail(ErrorKind::exhausted, "too_many_waiters",
                fmt::format("{} requests wait for tasks already, as many as may", max_),
                "ask with show, or subscribe to tasks/<id>/*");
  }
  const Waiter waiter{++last_number_, Clock::now() + limit, std::move(wake)};
  deadlines_.emplace(waiter.until, waiter.number, task);
  waiters_.emplace(task, waiter);
  arm();
  return {};
}

void Waiters::notify(const Uuid& task) {
  const auto [first, last] = waiters_.equal_range(task);
  std::vector<Wake> woken;
  for (auto waiter = first; waiter != last; ++waiter) {
    deadlines_.erase({waiter->second.until, waiter->second.number, task});
    woken.push_back(std::move(waiter->second.wake));
  }
  waiters_.erase(first, last);
  arm();
  for (const Wake& wake : woken) wake(Why::happened);
}

void Waiters::shorten(const Uuid& task, Duration limit) {
  const auto until = Clock::now() + limit;
  const auto [first, last] = waiters_.equal_range(task);
  for (auto waiter = first; waiter != last; ++waiter) {
    if (waiter->second.until <= until) continue;
    deadlines_.erase({waiter->second.until, waiter->second.number, task});
    waiter->second.until = until;
    deadlines_.emplace(until, waiter->second.number, task);
  }
  arm();
}

void Waiters::arm() {
  if (deadlines_.empty()) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(std::get<0>(*deadlines_.begin()));
  timer_.async_wait([this](boost::system::error_code problem) {
    if (!problem) wake_late();
  });
}

void Waiters::wake_late() {
  std::vector<Wake> late;
  while (!deadlines_.empty() && std::get<0>(*deadlines_.begin()) <= Clock::now()) {
    const auto [until, due, task] = *deadlines_.begin();
    const auto [first, last] = waiters_.equal_range(task);
    const auto waiter = std::find_if(
        first, last, [number = due](const auto& one) { return one.second.number == number; });
    late.push_back(std::move(waiter->second.wake));
    waiters_.erase(waiter);
    deadlines_.erase(deadlines_.begin());
  }
  arm();
  for (const Wake& wake : late) wake(Why::time_up);
}

}  // namespace guild::scheduler
