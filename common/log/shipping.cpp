#include "common/log/shipping.hpp"

#include <algorithm>

namespace guild::log {

ShippingState::ShippingState(ShippingLimits limits, Monotonic now)
    : limits_(limits),
      stopped_at_(now),
      heard_at_(now),
      patience_(limits.resend_after),
      probe_at_(now) {}

void ShippingState::set_session(std::optional<std::uint64_t> session, RecordBuffer& buffer,
                                Monotonic now) {
  if (session == session_) return;
  const bool could_send = may_send();
  session_ = session;
  // Who listens is known anew in each session.
  consumer_present_ = false;
  refused_ = false;
  start_over(buffer, 0, now);
  changed(could_send, now);
}

void ShippingState::set_consumer_present(bool present, RecordBuffer& buffer, Monotonic now) {
  if (present == consumer_present_) return;
  const bool could_send = may_send();
  consumer_present_ = present;
  if (present) {
    refused_ = false;
    start_over(buffer, 0, now);
  }
  changed(could_send, now);
}

void ShippingState::on_committed(const messages::LogsCommitted& committed, RecordBuffer& buffer,
                                 Monotonic now) {
  if (committed.boot != buffer.boot()) return;
  buffer.acknowledge(committed.seq);
  // Also one of what was acknowledged before: repetitions are being heard, and the rest will be.
  heard_at_ = now;
  if (probe_seq_ > 0 && committed.seq >= probe_seq_) {
    patience_ = std::clamp(3 * (now - probe_at_), limits_.resend_after, limits_.resend_after_max);
    probe_seq_ = 0;
  }
  if (committed.resend.value_or(false)) start_over(buffer, committed.seq + 1, now);
}

void ShippingState::on_refused(Monotonic now) {
  const bool could_send = may_send();
  refused_ = true;
  changed(could_send, now);
}

void ShippingState::on_time(RecordBuffer& buffer, Monotonic now) {
  if (!may_send() || buffer.sent_records() == 0) return;
  if (now - heard_at_ < patience_) return;
  start_over(buffer, 0, now);
  patience_ = std::min(patience_ * 2, limits_.resend_after_max);
}

const messages::LogRecord* ShippingState::next(RecordBuffer& buffer) {
  if (!may_send() || buffer.sent_bytes() >= limits_.window_bytes) return nullptr;
  return buffer.next();
}

void ShippingState::on_sent(RecordBuffer& buffer, Monotonic now) {
  if (buffer.sent_records() == 0) heard_at_ = now;
  if (probe_seq_ == 0) {
    probe_seq_ = buffer.next()->seq;
    probe_at_ = now;
  }
  buffer.mark_sent();
}

const messages::LogRecord* ShippingState::next_for_fallback(const RecordBuffer& buffer,
                                                            Monotonic now) const {
  if (may_send() || now - stopped_at_ < limits_.fallback_after) return nullptr;
  return buffer.first_after(fallback_seq_);
}

void ShippingState::changed(bool could_send, Monotonic now) {
  if (could_send && !may_send()) stopped_at_ = now;
}

void ShippingState::start_over(RecordBuffer& buffer, std::int64_t from, Monotonic now) {
  buffer.rewind_to(from);
  heard_at_ = now;
  probe_seq_ = 0;  // An acknowledgement could be for the first or for the second time it is sent.
}

}  // namespace guild::log
