#include "broker/outgoing_queue.hpp"

#include <algorithm>
#include <limits>

#include "common/base/assert.hpp"
#include "common/base/bytes.hpp"

namespace guild::broker {
namespace {

/// The memory of an entry beside its content, about.
constexpr std::size_t entry_charge = 96;
constexpr std::size_t item_header_bytes = 4;

constexpr std::uint64_t no_entry = std::numeric_limits<std::uint64_t>::max();

template <class Lane>
std::uint64_t order_of_front(const Lane& lane) {
  return lane.empty() ? no_entry : lane.front().order;
}

}  // namespace

KeptRun::KeptRun(const Run& run) : run_(run) {
  text_.reserve(run.topic.size() + run.sender.size() + run.items.size());
  text_.append(run.topic).append(run.sender).append(run.items);
}

Run KeptRun::view() const {
  Run run = run_;
  const std::string_view text = text_;
  run.topic = text.substr(0, run_.topic.size());
  run.sender = text.substr(run.topic.size(), run_.sender.size());
  run.items = text.substr(run.topic.size() + run.sender.size());
  return run;
}

std::size_t OutgoingQueue::GapKeyHash::operator()(const GapKey& key) const noexcept {
  const auto publisher = static_cast<std::uint64_t>(key.publisher);
  return std::hash<std::string_view>{}(key.topic) ^ (publisher * 0x9E3779B97F4A7C15U);
}

std::size_t OutgoingQueue::charge(const WaitingRun& run) {
  return entry_charge + run.items().size();
}

void OutgoingQueue::count_in(const WaitingRun& run) {
  messages_ += run.count;
  bytes_ += charge(run);
  run.row->queued += run.count;
}

void OutgoingQueue::count_out(const WaitingRun& run) {
  messages_ -= run.count;
  bytes_ -= charge(run);
  run.row->queued -= run.count;
}

void OutgoingQueue::keep(WaitingRun run) {
  count_in(run);
  kept_.push_back({++next_order_, std::move(run)});
}

bool OutgoingQueue::keep_or_drop(WaitingRun run) {
  count_in(run);
  droppable_.push_back({++next_order_, std::move(run)});
  while (full() && !droppable_.empty()) drop_oldest();
  return gaps_.size() <= limits_->gaps_max;
}

/// As many items of the oldest run as are too many, or all of it.
void OutgoingQueue::drop_oldest() {
  auto& [order, run] = droppable_.front();
  const std::size_t messages_over = messages_ - std::min(messages_, limits_->queue_messages_max);
  const std::size_t bytes_over = bytes_ - std::min(bytes_, limits_->queue_bytes_max);
  const std::string_view items = run.items();
  std::uint32_t count = 0;
  std::size_t size = 0;
  while (count < run.count && (count < messages_over || size < bytes_over)) {
    size += item_header_bytes + load_le<std::uint32_t>(items.data() + size);
    ++count;
  }
  count_out(run);
  note_gap(order, run, count);
  run.row->lose(count, Loss::dropped_oldest);
  if (count == run.count) {
    droppable_.pop_front();
    return;
  }
  run.sequence += count;
  run.count -= count;
  run.offset += static_cast<std::uint32_t>(size);
  count_in(run);
}

/// Joins the loss to the notice that waits for the same publisher and topic. Nothing droppable of
/// theirs can stand between: it would have been dropped before this.
void OutgoingQueue::note_gap(std::uint64_t order, const WaitingRun& run, std::uint32_t count) {
  const Run kept = run.kept->view();
  const std::uint64_t last = run.sequence + count - 1;
  if (const auto at = gap_at_.find({kept.publisher, kept.topic}); at != gap_at_.end()) {
    WaitingGap& gap = gaps_[at->second - gaps_taken_].entry;
    gap.last = last;
    gap.count += count;
    return;
  }
  gaps_.push_back({order, WaitingGap{kept.publisher, std::string(kept.topic),
                                     std::string(kept.sender), run.sequence, last, count}});
  // The text stays where it is until the notice is taken.
  gap_at_.emplace(GapKey{kept.publisher, gaps_.back().entry.topic}, gaps_taken_ + gaps_.size() - 1);
}

std::optional<Waiting> OutgoingQueue::take() {
  const std::uint64_t gap = order_of_front(gaps_), kept = order_of_front(kept_),
                      droppable = order_of_front(droppable_);
  if (gap == no_entry && kept == no_entry && droppable == no_entry) return {};
  // A gap has the order of a run that may still hold its later items: the gap comes first.
  if (gap <= kept && gap <= droppable) return take_gap();
  return take_from(kept < droppable ? kept_ : droppable_);
}

Waiting OutgoingQueue::take_gap() {
  WaitingGap& front = gaps_.front().entry;
  gap_at_.erase({front.publisher, front.topic});
  Waiting gap = std::move(front);
  gaps_.pop_front();
  ++gaps_taken_;
  return gap;
}

Waiting OutgoingQueue::take_from(std::deque<Ordered<WaitingRun>>& lane) {
  WaitingRun run = std::move(lane.front().entry);
  lane.pop_front();
  count_out(run);
  return run;
}

void OutgoingQueue::lose_all(Loss loss) {
  while (auto waiting = take()) {
    const auto* run = std::get_if<WaitingRun>(&*waiting);
    if (run != nullptr) run->row->lose(run->count, loss);
  }
}

}  // namespace guild::broker
