// A task as the store holds it: what was asked for, and what has become of it. `shown` is what
// callers see; the rest is for the scheduler alone. Times are UTC, durations nanoseconds, bytes of
// output are numbered from 0. Plain values: nothing here fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/messages/scheduler.hpp"
#include "scheduler/ending.hpp"
#include "scheduler/output.hpp"
#include "scheduler/process.hpp"
#include "scheduler/queue.hpp"

namespace guild::scheduler {

struct NewTask {
  messages::SubmitTask asked;  ///< Without its credential.
  std::string submitted_by;
  Instant submitted_at;
};

struct StoredTask {
  std::int64_t seq = 0;
  messages::Task shown;
  std::string directory;
  Duration timeout{};
  std::int64_t output_bytes_max = 0;
  messages::OrphanPolicy orphan = messages::OrphanPolicy::fail;
  std::string trace;
  ProcessMark process;
  std::string boot_id;
  std::optional<std::string> cancel_reason;
  bool is_charge_pending = false;

  Lease lease() const { return {shown.id, shown.attempt}; }
  OutputBound output_bound() const { return {output_bytes_max}; }
  bool is_ended() const {
    return shown.state != messages::TaskState::queued &&
           shown.state != messages::TaskState::running;
  }
  EndTerms end_terms() const {
    return {.timeout = timeout,
            .orphan = orphan,
            .attempt = shown.attempt,
            .cancel_reason = cancel_reason.value_or("")};
  }
};

/// An attempt that is to be paid for.
struct PendingCharge {
  Lease lease;
  std::string bot;
  Money amount;
};

}  // namespace guild::scheduler
