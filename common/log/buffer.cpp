#include "common/log/buffer.hpp"

#include "common/base/assert.hpp"

namespace guild::log {

std::size_t bytes_of(const messages::LogRecord& record) {
  return sizeof(record) + record.daemon.value.size() + record.module.value.size() +
         record.function.value.size() + record.file.value.size() + record.message.value.size() +
         record.trace.value.size() + record.extra.text.size();
}

RecordBuffer::RecordBuffer(Uuid boot, BufferLimits limits) : boot_(boot), limits_(limits) {}

void RecordBuffer::append(messages::LogRecord record) {
  record.boot = boot_;
  record.seq = next_seq_++;
  const std::size_t bytes = bytes_of(record);
  bytes_ += bytes;
  held_.push_back({std::move(record), bytes});
  while (held_.size() > limits_.records_max || bytes_ > limits_.bytes_max) {
    pop_oldest();
    ++dropped_;
  }
}

void RecordBuffer::acknowledge(std::int64_t seq) {
  while (!held_.empty() && held_.front().record.seq <= seq) {
    pop_oldest();
    ++acknowledged_;
  }
}

const messages::LogRecord* RecordBuffer::next() {
  if (sent_ == held_.size()) return nullptr;
  messages::LogRecord& record = held_[sent_].record;
  record.oldest = sent_ == 0 ? std::optional(true) : std::nullopt;
  return &record;
}

void RecordBuffer::mark_sent() {
  GUILD_ASSERT(sent_ < held_.size());
  sent_bytes_ += held_[sent_++].bytes;
}

void RecordBuffer::rewind_to(std::int64_t seq) {
  while (sent_ > 0 && held_[sent_ - 1].record.seq >= seq) sent_bytes_ -= held_[--sent_].bytes;
}

const messages::LogRecord* RecordBuffer::first_after(std::int64_t seq) const {
  if (held_.empty() || held_.back().record.seq <= seq) return nullptr;
  const std::int64_t skipped = std::max<std::int64_t>(0, seq - held_.front().record.seq + 1);
  return &held_[static_cast<std::size_t>(skipped)].record;
}

void RecordBuffer::pop_oldest() {
  bytes_ -= held_.front().bytes;
  if (sent_ > 0) {
    --sent_;
    sent_bytes_ -= held_.front().bytes;
  }
  held_.pop_front();
}

}  // namespace guild::log
