// Outbox: what a session has yet to send, packed into frames, and the credit that lets it go.
// Two lanes: control records (subscriptions, CREDIT, GOODBYE) need no credit and go first; data
// (PUBLISH, REQUEST, REPLY) waits its turn and for credit. Frames grow to `frame_bytes_target`, so
// a burst shares frames; the last one may be sent at any size, so a single record never waits.
// Owned by Session; pure. Limit: `bytes_max` of data, asked for by `fits` before anything is added.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "common/bus/frame.hpp"

namespace guild::bus {

class Outbox {
 public:
  /// Measured: 64 KiB frames carry 2.5 times what 8 KiB frames do (one CURVE box each).
  static constexpr std::size_t frame_bytes_target = 64U << 10U;

  explicit Outbox(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// A new connection: nothing queued, no credit. Answers how many published items were dropped.
  std::uint64_t reset();
  void grant(std::uint64_t bytes, std::uint32_t messages);

  void hello(const Hello& hello);
  void credit(std::uint64_t bytes, std::uint32_t messages);
  void control(Kind kind, std::uint64_t number, std::string_view topic = {});

  /// Whether a record of `record_bytes` still fits under the limit.
  bool fits(std::size_t record_bytes) const { return queued_bytes_ + record_bytes <= bytes_max_; }
  void publish(std::uint64_t sequence, std::string_view topic, bool ack_wanted,
               std::string_view payload);
  void request(std::uint64_t correlation, std::string_view served_name, std::uint32_t deadline_ms,
               std::string_view payload);
  void reply(std::uint64_t number, bool is_error, std::string_view payload);
  /// In the data lane, because it must not overtake its REQUEST.
  void cancel(std::uint64_t correlation);

  /// The frame to send now; empty when there is none, or none that credit allows.
  std::string_view next();
  /// The frame of `next` is on its way.
  void sent();

  /// Whether a frame is full and may go: then waiting packs no tighter.
  bool has_full_frame() const;
  bool empty() const { return control_.empty() && data_.empty(); }
  /// Bytes of data that may be added and sent without waiting for credit.
  std::size_t room() const {
    const std::int64_t bytes = credit_bytes_ - static_cast<std::int64_t>(queued_credit_bytes_);
    const std::int64_t messages = credit_messages_ - static_cast<std::int64_t>(queued_messages_);
    if (bytes <= 0 || messages <= 0 || queued_bytes_ >= bytes_max_) return 0;
    return std::min(static_cast<std::size_t>(bytes), bytes_max_ - queued_bytes_);
  }

 private:
  struct Batch {
    FrameWriter frame;
    std::size_t credit_bytes = 0, messages = 0, items = 0;
  };
  /// Full frames, then the open one. Emptied frames are kept for reuse.
  struct Lane {
    std::deque<Batch> full;
    Batch open;
    std::vector<FrameWriter> spare;

    bool empty() const { return full.empty() && open.frame.empty(); }
    Batch& front() { return full.empty() ? open : full.front(); }
    const Batch& front() const { return full.empty() ? open : full.front(); }
    Batch& open_for(std::size_t record_bytes);
    void pop();
    void recycle(FrameWriter frame);
    void clear();
  };
  template <class Write>
  void add_data(std::size_t record_bytes, bool is_item, Write write);
  bool has_credit_for(const Batch& batch) const;

  Lane control_, data_;
  Lane* sending_ = nullptr;
  std::size_t bytes_max_;
  std::size_t queued_bytes_ = 0, queued_messages_ = 0, queued_credit_bytes_ = 0;
  // Below zero by at most one frame.
  std::int64_t credit_bytes_ = 0, credit_messages_ = 0;
};

}  // namespace guild::bus
