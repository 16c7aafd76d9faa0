// OutgoingQueue: the runs that wait for one subscriber that is out of credit, in order of arrival.
// Two lanes: runs that must stay (under `block` and `disconnect`) and runs that may be dropped,
// oldest first, item by item, so that neither the messages nor the bytes exceed their limits. What
// was dropped leaves a gap: one notice per publisher session and topic, ahead of what remains of
// it. It keeps the rows' `queued` and `dropped` figures, and nothing else of the statistics. Bytes:
// what the items or payloads take, and a fixed charge for each entry's own memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "broker/limits.hpp"
#include "broker/traffic.hpp"
#include "broker/wire.hpp"

namespace guild::broker {

/// Consecutive items of one publisher on one topic, as they arrived. Views.
struct Run {
  SessionId publisher{};
  std::uint64_t sequence = 0;  ///< Of the first item.
  std::uint32_t count = 0;
  std::string_view topic, sender, items;
  std::int64_t time_ns = 0;
  std::uint32_t epoch = 0;
};

/// A run that outlives its frame; one copy serves all who wait for it.
class KeptRun {
 public:
  explicit KeptRun(const Run& run);
  Run view() const;

 private:
  Run run_;  // Its views are made anew by view().
  std::string text_;
};
using SharedRun = std::shared_ptr<const KeptRun>;

struct WaitingRun {
  SharedRun kept;
  Row* row = nullptr;
  std::uint64_t sequence = 0;  ///< Of the first item that is left.
  std::uint32_t count = 0;
  std::uint32_t offset = 0;  ///< Where its items begin.

  std::string_view items() const { return kept->view().items.substr(offset); }
};
struct WaitingGap {
  SessionId publisher{};
  std::string topic, sender;
  std::uint64_t first = 0, last = 0, count = 0;
};
using Waiting = std::variant<WaitingGap, WaitingRun>;

class OutgoingQueue {
 public:
  explicit OutgoingQueue(const Limits& limits) : limits_(&limits) {}

  OutgoingQueue(const OutgoingQueue&) = delete;
  OutgoingQueue& operator=(const OutgoingQueue&) = delete;

  bool empty() const { return kept_.empty() && droppable_.empty() && gaps_.empty(); }
  std::size_t messages() const { return messages_; }
  std::size_t bytes() const { return bytes_; }
  bool full() const {
    return messages_ > limits_->queue_messages_max || bytes_ > limits_->queue_bytes_max;
  }
  /// Past what publishers under policy `block` had credit for.
  bool overrun() const {
    return messages_ > limits_->queue_messages_max +
                           limits_->windows_past_block * limits_->window_messages ||
           bytes_ > limits_->queue_bytes_max + limits_->windows_past_block * limits_->window_bytes;
  }
  /// Publishers under policy `block` should pause, and may go on.
  bool crowded() const {
    return messages_ > limits_->block_messages || bytes_ > limits_->block_bytes;
  }
  bool relieved() const {
    return messages_ <= limits_->block_messages / 2 && bytes_ <= limits_->block_bytes / 2;
  }

  /// Whether `allowed(topic)` holds for all that waits.
  template <class Allowed>
  bool all_of(Allowed&& allowed) const {
    const auto run_is_allowed = [&](const Ordered<WaitingRun>& waiting) {
      return allowed(waiting.entry.kept->view().topic);
    };
    return std::ranges::all_of(kept_, run_is_allowed) &&
           std::ranges::all_of(droppable_, run_is_allowed) &&
           std::ranges::all_of(gaps_, [&](const Ordered<WaitingGap>& waiting) {
             return allowed(std::string_view(waiting.entry.topic));
           });
  }

  void keep(WaitingRun run);
  /// Drops the oldest until it fits, perhaps all of it. False: even the notices of loss are too
  /// many.
  bool keep_or_drop(WaitingRun run);
  /// The next in order; its row's `queued` is less by its count.
  std::optional<Waiting> take();
  /// The end: all that waits is lost.
  void lose_all(Loss loss);

 private:
  template <class Entry>
  struct Ordered {
    std::uint64_t order = 0;
    Entry entry;
  };
  struct GapKey {
    SessionId publisher{};
    std::string_view topic;  ///< The notice's own text.
    bool operator==(const GapKey&) const = default;
  };
  struct GapKeyHash {
    std::size_t operator()(const GapKey& key) const noexcept;
  };

  static std::size_t charge(const WaitingRun& run);
  void count_in(const WaitingRun& run);
  void count_out(const WaitingRun& run);
  void drop_oldest();
  void note_gap(std::uint64_t order, const WaitingRun& run, std::uint32_t count);
  Waiting take_gap();
  Waiting take_from(std::deque<Ordered<WaitingRun>>& lane);

  const Limits* limits_;
  std::deque<Ordered<WaitingRun>> kept_;
  std::deque<Ordered<WaitingRun>> droppable_;
  std::deque<Ordered<WaitingGap>> gaps_;
  std::unordered_map<GapKey, std::uint64_t, GapKeyHash> gap_at_;  // From the first gap ever.
  std::uint64_t gaps_taken_ = 0;
  std::uint64_t next_order_ = 0;
  std::size_t messages_ = 0, bytes_ = 0;
};

}  // namespace guild::broker
