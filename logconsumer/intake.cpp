#include "logconsumer/intake.hpp"

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"

namespace guild::logconsumer {
namespace {

std::size_t bytes_of(const messages::LogRecord& record) {
  return sizeof(Batch::Row) + record.daemon.value.size() + record.module.value.size() +
         record.function.value.size() + record.file.value.size() + record.message.value.size() +
         record.trace.value.size() + record.extra.text.size();
}

}  // namespace

void Intake::restore(const StreamName& name, std::int64_t last_seq) {
  Stream& stream = entry_of(name).second;
  stream.taken_seq = stream.committed_seq = last_seq;
}

Verdict Intake::offer(const StreamName& name, messages::LogRecord record) {
  GUILD_ASSERT(record.seq >= 1);
  Entry& entry = entry_of(name);
  Stream& stream = entry.second;
  const Verdict verdict = judge(stream, record);
  switch (verdict) {
    case Verdict::taken:
      ++counters_.taken;
      stream.taken_seq = record.seq;
      stream.resend_due = stream.resend_asked = false;
      take(name, std::move(record));
      break;
    case Verdict::duplicate:
      ++counters_.duplicates;
      // Its producer does not know yet. One that is on the way is acknowledged when it is there.
      if (record.seq > stream.committed_seq) break;
      stream.ack_due = true;
      make_due(entry);
      break;
    case Verdict::early:
      ++counters_.early;
      not_taken(entry);
      break;
    case Verdict::full:
      ++counters_.turned_away;
      not_taken(entry);
  }
  return verdict;
}

Verdict Intake::judge(const Stream& stream, const messages::LogRecord& record) const {
  if (record.seq <= stream.taken_seq) return Verdict::duplicate;
  const bool follows = record.seq == stream.taken_seq + 1;
  if (!follows && !record.oldest.value_or(false)) return Verdict::early;
  // An empty intake takes any record, so that the largest one cannot wait for ever.
  const bool fits = pending_bytes_ + bytes_of(record) <= limits_.pending_bytes_max;
  return fits || pending_bytes_ == 0 ? Verdict::taken : Verdict::full;
}

void Intake::not_taken(Entry& entry) {
  if (entry.second.resend_asked) return;
  entry.second.resend_due = true;
  make_due(entry);
}

void Intake::make_due(Entry& entry) {
  if (!std::exchange(entry.second.listed, true)) due_.push_back(&entry);
}

void Intake::take(const StreamName& name, messages::LogRecord record) {
  if (waiting_.empty() || waiting_.back().batch->rows.size() >= limits_.batch_records_max) {
    waiting_.emplace_back();
  }
  Filling& filling = waiting_.back();
  const auto [place, is_new] = filling.places.try_emplace(name, filling.batch->streams.size());
  if (is_new) filling.batch->streams.push_back(name);
  const std::size_t bytes = bytes_of(record);
  filling.bytes += bytes;
  pending_bytes_ += bytes;
  filling.batch->rows.push_back({place->second, std::move(record)});
}

std::shared_ptr<const Batch> Intake::take_batch() {
  GUILD_ASSERT(has_batch() && writing_.batch->rows.empty());
  writing_ = std::move(waiting_.front());
  waiting_.pop_front();
  return writing_.batch;
}

void Intake::committed() {
  const Batch& batch = *writing_.batch;
  std::vector<std::int64_t> last_seqs(batch.streams.size());
  for (const Batch::Row& row : batch.rows) last_seqs[row.stream] = row.record.seq;
  for (std::size_t i = 0; i < batch.streams.size(); ++i) {
    const auto entry = streams_.find(batch.streams[i]);
    GUILD_ASSERT(entry != streams_.end());
    entry->second.committed_seq = last_seqs[i];
    entry->second.ack_due = true;
    make_due(*entry);
  }
  pending_bytes_ -= writing_.bytes;
  writing_ = {};
}

void Intake::undone() {
  for (auto& [name, stream] : streams_) stream.taken_seq = stream.committed_seq;
  waiting_.clear();
  writing_ = {};
  pending_bytes_ = 0;
}

std::vector<Ack> Intake::take_acks() {
  const bool has_room = pending_bytes_ <= limits_.pending_bytes_max / 2;
  std::vector<Ack> acks;
  std::vector<Entry*> still_due;
  for (Entry* entry : due_) {
    Stream& stream = entry->second;
    const bool ask = stream.resend_due && has_room;
    if (ask) stream.resend_asked = true;
    if (ask || stream.ack_due) {
      acks.push_back(
          {entry->first.producer,
           {entry->first.boot, stream.committed_seq, ask ? std::optional(true) : std::nullopt}});
    }
    stream.ack_due = false;
    stream.resend_due = stream.resend_due && !ask;
    stream.listed = stream.resend_due;
    if (stream.listed) still_due.push_back(entry);
  }
  due_ = std::move(still_due);
  return acks;
}

Intake::Entry& Intake::entry_of(const StreamName& name) {
  auto entry = streams_.find(name);
  if (entry == streams_.end()) {
    if (streams_.size() >= limits_.streams_max) forget_some();
    entry = streams_.try_emplace(name).first;
  }
  entry->second.touched = ++clock_;
  return *entry;
}

/// The tenth that was not heard of for the longest; never one with something on the way.
void Intake::forget_some() {
  std::vector<std::uint64_t> ages;
  for (const auto& [name, stream] : streams_) ages.push_back(stream.touched);
  const auto tenth = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 10);
  std::nth_element(ages.begin(), tenth, ages.end());
  std::erase_if(streams_, [limit = *tenth](const Entry& entry) {
    const Stream& stream = entry.second;
    return stream.touched <= limit && !stream.listed && stream.taken_seq == stream.committed_seq;
  });
}

}  // namespace guild::logconsumer
