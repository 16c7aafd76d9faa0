// Reader: a thread with a read-only connection of its own, so that long reads neither wait for
// writes nor delay them. Work is done in order. Bounded: submit refuses (reads_full) past
// `waiting_max`.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "common/storage/connection.hpp"

namespace guild::ledgerd {

class Reader {
 public:
  /// `stop` is requested when the reader is to end: whatever takes long should then give up.
  using Work = std::function<void(storage::Connection&, const std::stop_token& stop)>;

  /// low: it runs when no other thread wants to; on a full machine it comes later, not answers.
  enum class Haste { normal, low };

  Reader(std::unique_ptr<storage::Connection> connection, std::size_t waiting_max,
         Haste haste = Haste::normal);
  /// Asks what runs to stop, and waits for it; what waits is not begun.
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Thread-safe; `work` runs on the reader's thread.
  Result<void> submit(Work work);
  std::size_t waiting() const;
  /// Whatever runs, or is submitted from now on, is asked to give up.
  void request_stop() { thread_.request_stop(); }

 private:
  void run(const std::stop_token& stop);

  const std::unique_ptr<storage::Connection> connection_;
  const std::size_t waiting_max_;
  mutable std::mutex mutex_;
  std::condition_variable work_came_;
  std::deque<Work> works_;
  bool is_stopping_ = false;
  std::jthread thread_;  // Last: it uses the rest.
};

}  // namespace guild::ledgerd
