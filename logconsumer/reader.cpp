#include "logconsumer/reader.hpp"

#include <utility>

#include <fmt/format.h>

namespace guild::logconsumer {

Reader::Reader(std::unique_ptr<storage::Connection> connection)
    : connection_(std::move(connection)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Reader::~Reader() {
  thread_.request_stop();
  thread_.join();
}

Result<void> Reader::submit(Read read) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= waiting_max) {
    return fail(ErrorKind::exhausted, "busy",
                fmt::format("{} searches of the log wait already", waiting_.size()),
                "ask again in a while");
  }
  waiting_.push_back(std::move(read));
  some_.notify_one();
  return {};
}

void Reader::run(const std::stop_token& stop) {
  while (true) {
    std::unique_lock lock(mutex_);
    if (!some_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
    if (stop.stop_requested()) return;
    const Read read = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    read(*connection_);
  }
}

}  // namespace guild::logconsumer
