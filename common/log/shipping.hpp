// ShippingState: decides when log records leave and when they are sent again. Pure: the session,
// the log consumer's presence, its acknowledgements and the time are told to it. Records leave
// while there is a session and the consumer is there, at most `window_bytes` of them
// unacknowledged. Everything unacknowledged is sent again after a new session, after the consumer
// came back, when it asks, and when nothing was acknowledged for `resend_after` (doubling to
// `resend_after_max`): what went to a session of the consumer that was already dead is told by
// nobody.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/base/time.hpp"
#include "common/log/buffer.hpp"
#include "common/messages/logs.hpp"

namespace guild::log {

using Monotonic = std::chrono::steady_clock::time_point;

struct ShippingLimits {
  Duration resend_after = std::chrono::seconds(2);
  Duration resend_after_max = std::chrono::seconds(30);
  Duration fallback_after = std::chrono::seconds(10);
  std::size_t window_bytes = 4U << 20U;
};

class ShippingState {
 public:
  ShippingState(ShippingLimits limits, Monotonic now);

  /// The client's present session, by a number that is new for each; nothing when there is none.
  void set_session(std::optional<std::uint64_t> session, RecordBuffer& buffer, Monotonic now);
  void set_consumer_present(bool present, RecordBuffer& buffer, Monotonic now);
  void on_committed(const messages::LogsCommitted& committed, RecordBuffer& buffer, Monotonic now);
  /// The broker does not let us publish records: none leave until a new session or a new presence.
  void on_refused(Monotonic now);

  /// Call now and then, with the time: sends again what was not acknowledged for too long.
  void on_time(RecordBuffer& buffer, Monotonic now);
  /// The record to send now, or null.
  const messages::LogRecord* next(RecordBuffer& buffer);
  void on_sent(RecordBuffer& buffer, Monotonic now);

  /// The next record that goes to stderr because none could leave for `fallback_after`; null: none.
  const messages::LogRecord* next_for_fallback(const RecordBuffer& buffer, Monotonic now) const;
  void on_fallback(std::int64_t seq) { fallback_seq_ = seq; }
  std::int64_t fallback_seq() const { return fallback_seq_; }

  bool may_send() const { return session_ && consumer_present_ && !refused_; }

 private:
  void changed(bool could_send, Monotonic now);
  void start_over(RecordBuffer& buffer, std::int64_t from, Monotonic now);

  ShippingLimits limits_;
  std::optional<std::uint64_t> session_;
  bool consumer_present_ = false;
  bool refused_ = false;
  Monotonic stopped_at_;  // When records could last leave.
  Monotonic heard_at_;    // The last acknowledgement, or the first send after there was nothing.
  Duration patience_;     // How long to wait for the next one.
  std::int64_t probe_seq_ = 0;  // Whose way is being timed; 0: none's.
  Monotonic probe_at_;
  std::int64_t fallback_seq_ = 0;
};

}  // namespace guild::log
