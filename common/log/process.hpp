// ProcessLog: the one log of this process, shared by the threads that write records and the one
// that ships them. Private to this room. Every function takes its lock; none calls out while it
// holds it but the wake function, which must not log.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/log/buffer.hpp"
#include "common/log/shipper.hpp"
#include "common/log/shipping.hpp"

namespace guild::log {

class ProcessLog {
 public:
  explicit ProcessLog(const Options& options);

  void append(messages::LogRecord record);

  struct Outgoing {
    std::string topic, payload;
    std::int64_t seq = 0;
  };
  /// At most `count` records that may leave now, counted as sent.
  std::vector<Outgoing> take_outgoing(std::size_t count);
  /// Those from `seq` on did not leave after all.
  void put_back_from(std::int64_t seq);
  /// Lines for stderr of at most `count` records that cannot leave.
  std::vector<std::string> take_fallback(std::size_t count);
  /// Lines for all that is unacknowledged and was not told yet.
  std::vector<std::string> take_unacknowledged();

  void set_session(std::optional<std::uint64_t> session);
  void set_consumer_present(bool present);
  void on_committed(const messages::LogsCommitted& committed);
  void on_refused();
  void on_time();

  void set_wake(std::function<void()> wake);
  /// From now on the next record wakes the shipper again.
  void expect_wake() { woken_ = false; }
  bool drained() const;
  Counters counters() const;
  const Options& options() const { return options_; }
  const Uuid& boot() const { return boot_; }

 private:
  const Options options_;
  const Uuid boot_;
  mutable std::mutex mutex_;
  RecordBuffer buffer_;
  ShippingState shipping_;
  std::function<void()> wake_;
  std::atomic<bool> woken_ = false;
  std::uint64_t shipped_ = 0;
  std::uint64_t fallback_ = 0;
};

/// Null before start and after stop. What holds it may go on using it.
std::shared_ptr<ProcessLog> process_log();

/// One line to stderr in one write; a stderr that is gone is nobody's error.
void write_line(std::string_view line);

}  // namespace guild::log
