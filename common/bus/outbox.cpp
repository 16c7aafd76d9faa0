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
    open.credit_bytes = open.messages = open.items = 0;
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
  std::uint64_t items = data_.open.items;
  for (const Batch& batch : data_.full) items += batch.items;
  control_.clear();
  data_.clear();
  sending_ = nullptr;
  queued_bytes_ = queued_messages_ = queued_credit_bytes_ = 0;
  credit_bytes_ = credit_messages_ = 0;
  return items;
}

void Outbox::grant(std::uint64_t bytes, std::uint32_t messages) {
  credit_bytes_ = add_without_overflow(credit_bytes_, bytes);
  credit_messages_ = add_without_overflow(credit_messages_, messages);
}

void Outbox::hello(const Hello& hello) { control_.open_for(record_overhead).frame.hello(hello); }

void Outbox::credit(std::uint64_t bytes, std::uint32_t messages) {
  control_.open_for(record_overhead).frame.credit(Kind::credit, bytes, messages);
}

void Outbox::control(Kind kind, std::uint64_t number, std::string_view topic) {
  control_.open_for(record_overhead + topic.size()).frame.plain(kind, number, topic);
}

template <class Write>
void Outbox::add_data(std::size_t record_bytes, bool is_item, Write write) {
  Batch& batch = data_.open_for(record_bytes);
  const std::size_t before = batch.frame.size();
  write(batch.frame);
  const std::size_t added = batch.frame.size() - before;
  batch.credit_bytes += added;
  batch.messages += 1;
  batch.items += is_item ? 1 : 0;
  queued_bytes_ += added;
  queued_credit_bytes_ += added;
  queued_messages_ += 1;
}

void Outbox::publish(std::uint64_t sequence, std::string_view topic, bool ack_wanted,
                     std::string_view payload) {
  add_data(record_overhead + topic.size() + payload.size(), true,
           [&](FrameWriter& frame) { frame.publish_item(sequence, topic, ack_wanted, payload); });
}

void Outbox::request(std::uint64_t correlation, std::string_view served_name,
                     std::uint32_t deadline_ms, std::string_view payload) {
  add_data(record_overhead + served_name.size() + payload.size(), false, [&](FrameWriter& frame) {
    frame.request(correlation, served_name, deadline_ms, payload);
  });
}

void Outbox::reply(std::uint64_t number, bool is_error, std::string_view payload) {
  add_data(record_overhead + payload.size(), false, [&](FrameWriter& frame) {
    frame.reply(Kind::reply, number, {}, {}, is_error, payload);
  });
}

void Outbox::cancel(std::uint64_t correlation) {
  Batch& batch = data_.open_for(record_overhead);
  batch.frame.plain(Kind::cancel, correlation);
  queued_bytes_ += record_header_bytes;
}

// ---- Out ---------------------------------------------------------------------------------------

bool Outbox::has_credit_for(const Batch& batch) const {
  return batch.messages == 0 || (credit_bytes_ > 0 && credit_messages_ > 0);
}

std::string_view Outbox::next() {
  sending_ = nullptr;
  if (!control_.empty())
    sending_ = &control_;
  else if (!data_.empty() && has_credit_for(data_.front()))
    sending_ = &data_;
  return sending_ == nullptr ? std::string_view{} : sending_->front().frame.frame();
}

void Outbox::sent() {
  GUILD_ASSERT(sending_ != nullptr && !sending_->empty());
  const Batch& batch = sending_->front();
  if (sending_ == &data_) {
    queued_bytes_ -= batch.frame.size();
    queued_messages_ -= batch.messages;
    queued_credit_bytes_ -= batch.credit_bytes;
    credit_bytes_ -= static_cast<std::int64_t>(batch.credit_bytes);
    credit_messages_ -= static_cast<std::int64_t>(batch.messages);
  }
  sending_->pop();
  sending_ = nullptr;
}

bool Outbox::has_full_frame() const {
  return !control_.full.empty() || (!data_.full.empty() && has_credit_for(data_.front()));
}

}  // namespace guild::bus
