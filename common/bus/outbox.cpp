#include "common/bus/outbox.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/assert.hpp"

namespace guild::bus {
namespace {

/// What a record adds to a frame besides its topic and payload, at most.
constexpr std::size_t record_overhead = record_header_bytes + 8;

std::int64_t add_without_overflow(std::int64_t have, std::uint64_t more) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const auto left = static_cast<std::uint64_t>(most) -
                    static_cast<std::uint64_t>(std::max<std::int64_t>(have, 0));
  return more > left ? most : have + static_cast<std::int64_t>(more);
}

}  // namespace

// ---- Lanes -------------------------------------------------------------------------------------

Outbox::Batch& Outbox::Lane::open_for(std::size_t record_bytes) {
  if (!open.frame.empty() && open.frame.size() + record_bytes > frame_bytes_target) {
    full.push_back(std::exchange(open, Batch{}));
    if (!spare.empty()) {
      open.frame = std::move(spare.back());
      spare.pop_back();
    }
  }
  return open;
}

void Outbox::Lane::recycle(FrameWriter frame) {
  constexpr std::size_t spare_max = 8;
  if (spare.size() >= spare_max) return;
  frame.clear();
  spare.push_back(std::move(frame));
}

void Outbox::Lane::pop() {
  if (full.empty()) {
    open.frame.clear();
    open.cost = {};
    open.items = 0;
    return;
  }
  recycle(std::move(full.front().frame));
  full.pop_front();
}

void Outbox::Lane::clear() {
  while (!empty()) pop();
}

// ---- In ----------------------------------------------------------------------------------------

std::uint64_t Outbox::reset() {
  std::uint64_t items = publishes_.open.items;
  for (const Batch& batch : publishes_.full) items += batch.items;
  control_.clear();
  publishes_.clear();
  calls_.clear();
  sending_ = nullptr;
  queued_bytes_ = 0;
  queued_ = credit_ = kept_ = {};
  return items;
}

void Outbox::open_window(std::uint64_t bytes, std::uint32_t messages) {
  grant(bytes, messages);
  kept_ = {.bytes = credit_.bytes / 4, .messages = credit_.messages / 4};
}

void Outbox::grant(std::uint64_t bytes, std::uint32_t messages) {
  credit_.bytes = add_without_overflow(credit_.bytes, bytes);
  credit_.messages = add_without_overflow(credit_.messages, messages);
}

void Outbox::hello(const Hello& hello) { control_.open_for(record_overhead).frame.hello(hello); }

void Outbox::credit(std::uint64_t bytes, std::uint32_t messages) {
  control_.open_for(record_overhead).frame.credit(Kind::credit, bytes, messages);
}

void Outbox::control(Kind kind, std::uint64_t number, std::string_view topic) {
  control_.open_for(record_overhead + topic.size()).frame.plain(kind, number, topic);
}

template <class Write>
Outbox::Batch& Outbox::add(Lane& lane, std::size_t record_bytes, Write write) {
  Batch& batch = lane.open_for(record_bytes);
  const std::size_t before = batch.frame.size();
  if (before == 0) batch.begun = ++batches_begun_;
  write(batch.frame);
  const auto added = static_cast<std::int64_t>(batch.frame.size() - before);
  batch.cost.bytes += added;
  batch.cost.messages += 1;
  queued_bytes_ += static_cast<std::size_t>(added);
  queued_.bytes += added;
  queued_.messages += 1;
  return batch;
}

void Outbox::publish(std::uint64_t sequence, std::string_view topic, bool ack_wanted,
                     std::string_view payload) {
  const std::size_t record_bytes = record_overhead + topic.size() + payload.size();
  Batch& batch = add(publishes_, record_bytes, [&](FrameWriter& frame) {
    frame.publish_item(sequence, topic, ack_wanted, payload);
  });
  ++batch.items;
}

void Outbox::request(std::uint64_t correlation, std::string_view served_name,
                     std::uint32_t deadline_ms, std::string_view payload) {
  add(calls_, record_overhead + served_name.size() + payload.size(),
      [&](FrameWriter& frame) { frame.request(correlation, served_name, deadline_ms, payload); });
}

void Outbox::reply(std::uint64_t number, bool is_error, std::string_view payload) {
  add(calls_, record_overhead + payload.size(),
      [&](FrameWriter& frame) { frame.reply(Kind::reply, number, {}, {}, is_error, payload); });
}

void Outbox::cancel(std::uint64_t correlation) {
  Batch& batch = calls_.open_for(record_overhead);
  if (batch.frame.empty()) batch.begun = ++batches_begun_;
  batch.frame.plain(Kind::cancel, correlation);
  queued_bytes_ += record_header_bytes;
}

// ---- Out ---------------------------------------------------------------------------------------

bool Outbox::may_go(const Lane& lane) const {
  if (lane.empty()) return false;
  const Credit& cost = lane.front().cost;
  if (&lane == &control_ || cost.messages == 0) return true;
  if (credit_.bytes <= 0 || credit_.messages <= 0) return false;
  if (&lane == &calls_) return true;
  // A publish leaves the kept quarter whole. One that is larger than a quarter cannot promise that,
  // and goes from half the window on: the broker owes less than a quarter once it is idle.
  return credit_.bytes >= kept_.bytes + std::min(cost.bytes, kept_.bytes) &&
         credit_.messages >= kept_.messages + std::min(cost.messages, kept_.messages);
}

std::string_view Outbox::next() {
  sending_ = nullptr;
  if (may_go(control_)) {
    sending_ = &control_;
  } else {
    if (may_go(publishes_)) sending_ = &publishes_;
    if (may_go(calls_) && (sending_ == nullptr || calls_.front().begun < publishes_.front().begun))
      sending_ = &calls_;
  }
  return sending_ == nullptr ? std::string_view{} : sending_->front().frame.frame();
}

void Outbox::sent() {
  GUILD_ASSERT(sending_ != nullptr && !sending_->empty());
  const Batch& batch = sending_->front();
  if (sending_ != &control_) {
    queued_bytes_ -= batch.frame.size();
    queued_.bytes -= batch.cost.bytes;
    queued_.messages -= batch.cost.messages;
    credit_.bytes -= batch.cost.bytes;
    credit_.messages -= batch.cost.messages;
  }
  sending_->pop();
  sending_ = nullptr;
}

bool Outbox::has_full_frame() const {
  const auto full_and_free = [&](const Lane& lane) { return !lane.full.empty() && may_go(lane); };
  return full_and_free(control_) || full_and_free(publishes_) || full_and_free(calls_);
}

}  // namespace guild::bus
