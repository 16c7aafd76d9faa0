#include "scheduler/ending.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <utility>

#include "common/base/text.hpp"

namespace guild::scheduler {
namespace {

using messages::OrphanPolicy;
using messages::TaskState;

End end_as(TaskState state, std::string reason) {
  End end;
  end.state = state;
  end.reason = bounded_reason(std::move(reason));
  return end;
}

End interrupted(const EndTerms& terms, std::string reason) {
  if (terms.orphan == OrphanPolicy::fail) return end_as(TaskState::failed, std::move(reason));
  if (terms.attempt < requeued_attempts_max) return end_as(TaskState::queued, std::move(reason));
  return end_as(TaskState::failed,
                fmt::format("{}, in each of its {} attempts", reason, terms.attempt));
}

End by_itself(const AttemptReport& report) {
  if (report.signal != 0)
    return end_as(TaskState::failed, "killed by " + signal_name(report.signal));
  if (report.exit_code == 0) return end_as(TaskState::succeeded, {});
  return end_as(TaskState::failed,
                fmt::format("exited with code {}", report.exit_code.value_or(-1)));
}

End by_stop(const AttemptReport& report, Stop stop, const EndTerms& terms) {
  switch (stop) {
    case Stop::cancelled:
      return end_as(TaskState::cancelled, terms.cancel_reason);
    case Stop::timed_out:
      return end_as(TaskState::failed, "ran longer than its timeout of " + to_text(terms.timeout));
    case Stop::shutdown:
      return interrupted(terms, "the scheduler stopped");
    case Stop::none:
      break;
  }
  return by_itself(report);
}

}  // namespace

End decide_end(const AttemptReport& report, Stop stop, const EndTerms& terms) {
  const bool ran = report.not_started.empty();
  End end = ran || stop != Stop::none ? by_stop(report, stop, terms)
                                      : end_as(TaskState::failed, report.not_started);
  if (ran) {
    if (report.exit_code) end.exit_code = *report.exit_code;
    if (report.signal != 0) end.signal = signal_name(report.signal);
  }
  end.is_charged = ran && end.state != TaskState::queued;
  return end;
}

End decide_orphan_end(const EndTerms& terms, bool was_cancelled) {
  End end = was_cancelled ? end_as(TaskState::cancelled, terms.cancel_reason)
                          : interrupted(terms, "the scheduler died while it ran");
  end.is_charged = end.state != TaskState::queued;
  return end;
}

std::string signal_name(int signal) {
  if (const char* name = sigabbrev_np(signal)) return std::string("SIG") + name;
  if (signal >= SIGRTMIN && signal <= SIGRTMAX)
    return fmt::format("SIGRTMIN+{}", signal - SIGRTMIN);
  return fmt::format("signal {}", signal);
}

std::string bounded_reason(std::string text) {
  constexpr std::size_t reason_bytes_max = 256;
  text.resize(utf8_prefix(text, reason_bytes_max).size());
  return text;
}

}  // namespace guild::scheduler
