// How an attempt's end becomes a task's state. Pure. A signal's death is a failure with the
// signal's name, never a success; what we stopped ourselves is named by why, not by how the process
// took it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/messages/scheduler.hpp"
#include "scheduler/queue.hpp"

namespace guild::scheduler {

/// What became of the process of an attempt. Exactly one field says something.
struct AttemptReport {
  std::string not_started{};  ///< Why the command never ran: "sort: no such file or directory".
  std::optional<int> exit_code{};
  int signal = 0;
};

/// What is known of the task that decides how its attempt ends.
struct EndTerms {
  Duration timeout{};
  messages::OrphanPolicy orphan = messages::OrphanPolicy::fail;
  std::int64_t attempt = 1;
  std::string cancel_reason{};  ///< When it was cancelled.
};

struct End {
  messages::TaskState state = messages::TaskState::failed;  ///< `queued`: it is to run again.
  std::optional<std::int64_t> exit_code{};
  std::string signal{};
  std::string reason{};     ///< At most 256 bytes; empty after success.
  bool is_charged = false;  ///< The command ran and this was its attempt's last word.
};

/// A task whose scheduler went away while it ran is started again at most this often; past it,
/// whatever takes the scheduler down may well be the task.
inline constexpr std::int64_t requeued_attempts_max = 10;

End decide_end(const AttemptReport& report, Stop stop, const EndTerms& terms);
/// The end of an attempt that was running when the scheduler died.
End decide_orphan_end(const EndTerms& terms, bool was_cancelled);

/// "SIGKILL", "SIGRTMIN+3"; "signal 99" for what the system does not know.
std::string signal_name(int signal);
/// At most 256 bytes, no character split: what Task::reason holds.
std::string bounded_reason(std::string text);

}  // namespace guild::scheduler
