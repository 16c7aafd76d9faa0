// Intake: decides which records are taken, in which order, and what is acknowledged. Pure.
// A record is taken when it is the next of its stream, or the oldest that its producer still holds;
// then what is missing before it is lost for good. A record that was taken before is a duplicate.
// Anything else came too early: what precedes it is still with its producer (it went to a dead
// session of ours, or came when we were full), who is asked to send again. So nothing is skipped
// that can still be had. The file decides the same once more (store.hpp); what is kept here only
// spares it the work, so that at most `streams_max` streams are remembered. Limits:
// `pending_bytes_max` of records that are not yet on disk; past it, records are turned away and
// asked for again once half of it is free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/messages/logs.hpp"
#include "logconsumer/batch.hpp"

namespace guild::logconsumer {

struct IntakeLimits {
  std::size_t batch_records_max = 8'192;
  std::size_t pending_bytes_max = 64U << 20U;
  std::size_t streams_max = 10'000;
};

enum class Verdict { taken, duplicate, early, full };

struct Ack {
  std::string producer;
  messages::LogsCommitted committed;
};

class Intake {
 public:
  explicit Intake(IntakeLimits limits) : limits_(limits) {}

  /// What the file holds, told at the start.
  void restore(const StreamName& name, std::int64_t last_seq);

  /// `record.seq` is at least 1.
  Verdict offer(const StreamName& name, messages::LogRecord record);

  bool has_batch() const { return !waiting_.empty(); }
  /// The oldest batch that waits; it must be `committed` or `undone` before the next is taken.
  std::shared_ptr<const Batch> take_batch();
  void committed();
  /// It is not on disk: it and everything behind it is forgotten, for its producers to send again.
  void undone();

  /// What producers are to be told now; each is told once.
  std::vector<Ack> take_acks();

  std::size_t pending_bytes() const { return pending_bytes_; }
  std::size_t streams() const { return streams_.size(); }

  struct Counters {
    std::int64_t taken = 0, duplicates = 0, early = 0, turned_away = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  struct NameHash {
    std::size_t operator()(const StreamName& name) const noexcept {
      return std::hash<std::string>{}(name.producer) ^ std::hash<Uuid>{}(name.boot);
    }
  };
  struct Stream {
    std::int64_t taken_seq = 0;      // Up to here it is on disk or on the way.
    std::int64_t committed_seq = 0;  // Up to here it is on disk.
    std::uint64_t touched = 0;       // When it was last heard of, in records.
    bool ack_due = false;
    bool resend_due = false;    // Something was not taken that must come again.
    bool resend_asked = false;  // And it was asked for since the last record that was taken.
    bool listed = false;        // In due_.
  };
  using Streams = std::unordered_map<StreamName, Stream, NameHash>;

  /// A batch that is being filled or waits its turn, with what is only needed here.
  struct Filling {
    std::shared_ptr<Batch> batch = std::make_shared<Batch>();
    std::unordered_map<StreamName, std::size_t, NameHash> places;
    std::size_t bytes = 0;
  };

  using Entry = Streams::value_type;  // Stays where it is while others come and go.
  Entry& entry_of(const StreamName& name);
  void forget_some();
  Verdict judge(const Stream& stream, const messages::LogRecord& record) const;
  void not_taken(Entry& entry);
  void make_due(Entry& entry);
  void take(const StreamName& name, messages::LogRecord record);

  IntakeLimits limits_;
  Streams streams_;
  std::deque<Filling> waiting_;
  Filling writing_;  // Empty when nothing is being written.
  std::size_t pending_bytes_ = 0;
  std::uint64_t clock_ = 0;
  std::vector<Entry*> due_;  // Streams whose producers are to be told something.
  Counters counters_;
};

}  // namespace guild::logconsumer
