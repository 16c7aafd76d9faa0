#include "tests/integration/bus/denial_watch.hpp"

#include <stdexcept>

namespace guild::test {

namespace {

/// The broker's second, and the way here of what it told.
constexpr std::chrono::milliseconds quiet_after{1'050};
/// How soon the end of the watch is noticed.
constexpr std::chrono::milliseconds look_every{50};

}  // namespace

DenialWatch::DenialWatch(std::unique_ptr<raw::RawClient> watcher) : watcher_(std::move(watcher)) {
  if (watcher_->ask(raw::subscribe, "bus/denied").kind != raw::done)
    throw std::runtime_error("this client may not hear bus/denied");
  thread_ = std::thread([this] { listen(); });
}

DenialWatch::~DenialWatch() {
  stopping_ = true;
  thread_.join();
}

void DenialWatch::listen() {
  while (!stopping_) {
    const auto record = watcher_->next_of(raw::deliver, look_every);
    const auto now = std::chrono::steady_clock::now();
    if (!record) continue;
    const std::lock_guard lock(mutex_);
    for (const std::string& item : record->items()) events_.push_back({Json::parse(item), now});
    came_.notify_all();
  }
}

std::size_t DenialWatch::count() const {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

void DenialWatch::wait_for_quiet(const std::function<bool(const Json&)>& fits) const {
  Steady end;
  {
    const std::lock_guard lock(mutex_);
    for (const DenialEvent& event : events_)
      if (fits(event.denial)) end = event.came_at + quiet_after;
  }
  std::this_thread::sleep_until(end);
}

std::string DenialWatch::text_since(std::size_t from) const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (; from < events_.size(); ++from) text += events_[from].denial.dump() + "\n";
  return text;
}

std::optional<DenialEvent> DenialWatch::wait(std::size_t from,
                                             const std::function<bool(const Json&)>& fits,
                                             std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  std::optional<DenialEvent> found;
  came_.wait_for(lock, limit, [&] {
    for (; !found && from < events_.size(); ++from)
      if (fits(events_[from].denial)) found = events_[from];
    return found.has_value();
  });
  return found;
}

}  // namespace guild::test
