// Reader: one thread with a read-only connection of its own, so that a long search delays neither
// the writes nor the bus. It does one read after the other; past `waiting_max` it refuses (code
// busy).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "common/storage/connection.hpp"

namespace guild::logconsumer {

class Reader {
 public:
  /// Runs on the reader's thread.
  using Read = std::function<void(storage::Connection&)>;
  static constexpr std::size_t waiting_max = 256;

  explicit Reader(std::unique_ptr<storage::Connection> connection);
  /// Ends after the read that is going on; those that wait are dropped.
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<void> submit(Read read);

 private:
  void run(const std::stop_token& stop);

  std::unique_ptr<storage::Connection> connection_;
  std::mutex mutex_;
  std::condition_variable_any some_;
  std::deque<Read> waiting_;
  std::jthread thread_;
};

}  // namespace guild::logconsumer
