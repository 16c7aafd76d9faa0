// RecordBuffer: a process's log records between being written and being on the log consumer's disk.
// Pure: no clock, no I/O, no threads. It numbers records from 1 under one boot id, holds at most
// `records_max` of them in at most `bytes_max` bytes, and drops the oldest, counted, for a new one.
// A cursor says what is to be sent next; `rewind` sends everything that is held again. The oldest
// one held is marked so when it is sent: it tells the consumer that what is missing before it is
// gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "common/messages/logs.hpp"

namespace guild::log {

struct BufferLimits {
  std::size_t records_max = 65'536;
  std::size_t bytes_max = 64U << 20U;  ///< As bytes_of counts.
};

/// What a record costs in memory, near enough.
std::size_t bytes_of(const messages::LogRecord& record);

class RecordBuffer {
 public:
  RecordBuffer(Uuid boot, BufferLimits limits);

  /// Numbers and keeps `record`; a record larger than the whole buffer empties it and goes too.
  void append(messages::LogRecord record);
  /// Everything up to `seq` is on disk. Numbers never given out are ignored.
  void acknowledge(std::int64_t seq);

  /// The record to send next, ready to be encoded; null when all were sent.
  const messages::LogRecord* next();
  /// The one that `next` answered is on its way.
  void mark_sent();
  /// Sends again from `seq` on, or from the oldest held after it.
  void rewind_to(std::int64_t seq);
  void rewind() { rewind_to(0); }

  /// The oldest record held with a number over `seq`; null when there is none.
  const messages::LogRecord* first_after(std::int64_t seq) const;

  const Uuid& boot() const { return boot_; }
  std::int64_t last_seq() const { return next_seq_ - 1; }
  std::size_t waiting() const { return held_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t sent_bytes() const { return sent_bytes_; }  ///< Sent and not acknowledged.
  std::size_t sent_records() const { return sent_; }      ///< Likewise.
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  struct Held {
    messages::LogRecord record;
    std::size_t bytes;
  };
  void pop_oldest();

  Uuid boot_;
  BufferLimits limits_;
  std::deque<Held> held_;  // Numbers without gaps; the first `sent_` of them were sent.
  std::int64_t next_seq_ = 1;
  std::size_t bytes_ = 0;
  std::size_t sent_ = 0;
  std::size_t sent_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace guild::log
