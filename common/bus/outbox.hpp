// Outbox: what a session has yet to send, packed into frames, and the credit that lets it go.
// Three lanes: control records (subscriptions, CREDIT, GOODBYE) need no credit and go first;
// publishes and calls (REQUEST, REPLY, CANCEL) need it, and go in the order in which their frames
// were begun. The last quarter of the credit window is kept for calls: the broker holds back what
// was spent on PUBLISH while a subscriber cannot keep up, and a daemon must still be able to answer
// meanwhile. Frames grow to `frame_bytes_target`, so a burst shares frames; the last one may be
// sent at any size, so a single record never waits. Owned by Session; pure. Limit: `bytes_max` of
// publishes and calls, asked for by `fits` before anything is added.
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
  /// The window of WELCOME.
  void open_window(std::uint64_t bytes, std::uint32_t messages);
  /// More of it came back.
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
  /// Among the calls, because it must not overtake its REQUEST.
  void cancel(std::uint64_t correlation);

  /// The frame to send now; empty when there is none, or none that credit allows.
  std::string_view next();
  /// The frame of `next` is on its way.
  void sent();

  /// Whether a frame is full and may go: then waiting packs no tighter.
  bool has_full_frame() const;
  bool empty() const { return control_.empty() && publishes_.empty() && calls_.empty(); }
  /// Bytes that may be published and sent without waiting for credit.
  std::size_t room() const {
    const std::int64_t bytes = credit_.bytes - kept_.bytes - queued_.bytes;
    const std::int64_t messages = credit_.messages - kept_.messages - queued_.messages;
    if (bytes <= 0 || messages <= 0 || queued_bytes_ >= bytes_max_) return 0;
    return std::min(static_cast<std::size_t>(bytes), bytes_max_ - queued_bytes_);
  }

 private:
  struct Credit {
    std::int64_t bytes = 0, messages = 0;
  };
  struct Batch {
    FrameWriter frame;
    Credit cost;
    std::uint64_t begun = 0;  ///< Counts up over all lanes.
    std::uint64_t items = 0;
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
  Batch& add(Lane& lane, std::size_t record_bytes, Write write);
  bool may_go(const Lane& lane) const;

  Lane control_, publishes_, calls_;
  Lane* sending_ = nullptr;
  std::uint64_t batches_begun_ = 0;
  std::size_t bytes_max_;
  std::size_t queued_bytes_ = 0;  // Of publishes and calls, CANCELs too.
  Credit queued_;                 // What they will cost.
  Credit credit_;                 // Below zero by at most one frame.
  Credit kept_;                   // The quarter that publishes leave to calls.
};

}  // namespace guild::bus
