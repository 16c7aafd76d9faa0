#include "ledgerd/reader.hpp"

#include <sys/resource.h>

#include <utility>

namespace guild::ledgerd {
namespace {

void give_way() {
  constexpr int last = 19;
  // Refused by nobody, and no harm if it were.
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, last));
}

}  // namespace

Reader::Reader(std::unique_ptr<storage::Connection> connection, std::size_t waiting_max,
               Haste haste)
    : connection_(std::move(connection)),
      waiting_max_(waiting_max),
      thread_([this, haste](const std::stop_token& stop) {
        if (haste == Haste::low) give_way();
        run(stop);
      }) {}

Reader::~Reader() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  thread_.request_stop();
  work_came_.notify_one();
  thread_.join();
}

Result<void> Reader::submit(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (works_.size() >= waiting_max_)
      return fail(ErrorKind::exhausted, "reads_full", "as many reads wait as may wait",
                  "ask again later");
    works_.push_back(std::move(work));
  }
  work_came_.notify_one();
  return {};
}

std::size_t Reader::waiting() const {
  const std::lock_guard lock(mutex_);
  return works_.size();
}

void Reader::run(const std::stop_token& stop) {
  while (true) {
    std::unique_lock lock(mutex_);
    work_came_.wait(lock, [this] { return is_stopping_ || !works_.empty(); });
    if (is_stopping_) return;
    const Work work = std::move(works_.front());
    works_.pop_front();
    lock.unlock();
    work(*connection_, stop);
  }
}

}  // namespace guild::ledgerd
