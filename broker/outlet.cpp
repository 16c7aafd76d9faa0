#include "broker/outlet.hpp"

#include <algorithm>

#include "common/base/assert.hpp"

namespace guild::broker {
namespace {

/// A record's header and fixed parts, and its topic and names at their longest.
constexpr std::size_t record_overhead_max = 400;

std::size_t record_bytes(const Run& run) { return record_overhead_max + run.items.size(); }

}  // namespace

void Outlet::open(std::uint32_t credit_messages, std::uint64_t credit_bytes) {
  credit_messages_ = std::min(credit_messages, room_->limits.in_flight_messages_max);
  credit_bytes_ =
      static_cast<std::int64_t>(std::min(credit_bytes, room_->limits.in_flight_bytes_max));
  kept_messages_ = credit_messages_ / 4;
  kept_bytes_ = credit_bytes_ / 4;
}

/// The frame in the making, with room for one record more.
bus::FrameWriter& Outlet::writer_for(std::size_t record_bytes) {
  if (writer_ && !writer_->empty() && writer_->size() + record_bytes > room_->limits.frame_target)
    send_frame();
  if (!writer_) {
    if (room_->spare.empty()) room_->spare.push_back(std::make_unique<bus::FrameWriter>());
    writer_ = std::move(room_->spare.back());
    room_->spare.pop_back();
  }
  if (!unflushed_) {
    unflushed_ = true;
    room_->unflushed.push_back(this);
  }
  return *writer_;
}

void Outlet::send_frame() {
  if (!writer_ || writer_->empty()) return;
  room_->wire.send({&session_, 1}, writer_->frame());
  ++room_->frames_out;
  writer_->clear();
}

void Outlet::ack(std::uint64_t first, std::uint32_t count) {
  if (ack_count_ != 0 && first != ack_last_ + 1) write_ack();
  ack_last_ = first + count - 1;
  ack_count_ += count;
  writer_for(0);  // So that the next flush finds us.
}

void Outlet::write_ack() {
  if (ack_count_ != 0) control().ack(ack_last_, ack_count_);
  ack_count_ = 0;
}

void Outlet::denied(std::uint64_t number, std::string_view topic, bus::Code code,
                    std::uint32_t count, std::string_view reason) {
  write_ack();
  control(record_overhead_max + reason.size()).denied(number, topic, code, count, reason);
}

void Outlet::refused(bus::Code code, std::string_view reason) {
  write_ack();
  control(record_overhead_max + reason.size()).refusal(bus::Kind::refused, 0, {}, code, reason);
  flush();
}

void Outlet::spend(Row* row, std::uint32_t messages, std::size_t bytes) {
  credit_messages_ -= messages;
  credit_bytes_ -= static_cast<std::int64_t>(bytes);
  in_flight_messages_ += messages;
  in_flight_bytes_ += bytes;
  if (row != nullptr) row->in_flight += messages;
  if (!in_flight_.empty() && in_flight_[in_flight_.size() - 1].row == row)
    in_flight_[in_flight_.size() - 1].messages += messages;
  else
    in_flight_.push_back({row, messages});
}

void Outlet::send_run(const Run& run, Row& row) {
  bus::FrameWriter& writer = writer_for(record_bytes(run));
  const std::size_t before = writer.size();
  writer.deliver_run(run.sequence, run.count, run.topic, run.sender, run.time_ns, run.epoch,
                     run.items);
  spend(&row, run.count, writer.size() - before);
}

void Outlet::account_shared(Row& row, std::uint32_t count, std::size_t record_bytes) {
  send_frame();
  spend(&row, count, record_bytes);
}

Outlet::Kept Outlet::queue_run(const SharedRun& kept, Row& row, Overflow overflow) {
  const Run run = kept->view();
  WaitingRun waiting{.kept = kept, .row = &row, .sequence = run.sequence, .count = run.count};
  if (overflow == Overflow::drop_oldest)
    return queue_.keep_or_drop(std::move(waiting)) ? Kept::fits : Kept::hopeless;
  queue_.keep(std::move(waiting));
  if (overflow == Overflow::disconnect) return queue_.full() ? Kept::hopeless : Kept::fits;
  return queue_.crowded() ? Kept::crowded : Kept::fits;
}

void Outlet::send_request(std::uint64_t number, std::string_view name, std::string_view sender,
                          std::uint32_t deadline_ms, std::uint32_t epoch,
                          std::string_view payload) {
  bus::FrameWriter& writer = writer_for(record_overhead_max + payload.size());
  const std::size_t before = writer.size();
  writer.request_delivery(number, name, sender, deadline_ms, epoch, payload);
  spend(nullptr, 1, writer.size() - before);
}

void Outlet::send_reply(std::uint64_t correlation, std::string_view name,
                        std::string_view responder, bool is_error, std::string_view payload) {
  bus::FrameWriter& writer = writer_for(record_overhead_max + payload.size());
  const std::size_t before = writer.size();
  writer.reply(bus::Kind::reply_delivery, correlation, name, responder, is_error, payload);
  spend(nullptr, 1, writer.size() - before);
}

void Outlet::send_taken(const Waiting& waiting) {
  if (const auto* run = std::get_if<WaitingRun>(&waiting)) {
    Run left = run->kept->view();
    left.sequence = run->sequence;
    left.count = run->count;
    left.items = run->items();
    send_run(left, *run->row);
    return;
  }
  const auto& gap = std::get<WaitingGap>(waiting);
  bus::FrameWriter& writer = writer_for(record_overhead_max);
  const std::size_t before = writer.size();
  writer.gap(gap.first, gap.topic, gap.sender,
             {.last = gap.last, .count = gap.count, .reason = bus::Code::dropped_oldest});
  spend(nullptr, 1, writer.size() - before);
}

bool Outlet::credit_returned(std::uint64_t bytes, std::uint32_t messages) {
  if (bytes > in_flight_bytes_ || messages > in_flight_messages_) return false;
  in_flight_bytes_ -= bytes;
  credit_bytes_ += static_cast<std::int64_t>(bytes);
  in_flight_messages_ -= messages;
  credit_messages_ += messages;
  for (std::uint64_t left = messages; left > 0;) {
    InFlight& oldest = in_flight_.front();
    const std::uint64_t processed = std::min(left, oldest.messages);
    if (oldest.row != nullptr) {
      oldest.row->in_flight -= processed;
      oldest.row->deliver(processed);
    }
    left -= processed;
    oldest.messages -= processed;
    if (oldest.messages == 0) in_flight_.pop_front();
  }
  return true;
}

void Outlet::flush() {
  write_ack();
  send_frame();
  if (writer_) room_->spare.push_back(std::move(writer_));
  unflushed_ = false;
}

void Outlet::end(Loss in_flight, Loss queued) {
  while (!in_flight_.empty()) {
    const InFlight sent = in_flight_.pop_front();
    if (sent.row == nullptr) continue;
    sent.row->in_flight -= sent.messages;
    sent.row->lose(sent.messages, in_flight);
  }
  in_flight_messages_ = in_flight_bytes_ = 0;
  queue_.lose_all(queued);
  calls_.clear();
  std::erase(room_->unflushed, this);
  if (writer_) {
    writer_->clear();
    room_->spare.push_back(std::move(writer_));
  }
  ended_ = true;
}

}  // namespace guild::broker
