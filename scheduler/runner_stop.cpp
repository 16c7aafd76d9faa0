// How tasks end before their time: cancelled, left over by an earlier scheduler, or drained.
#include <fmt/format.h>

#include <utility>

#include "scheduler/attempt.hpp"
#include "scheduler/leftovers.hpp"
#include "scheduler/runner.hpp"

namespace guild::scheduler {
namespace {

using namespace std::chrono_literals;
using messages::TaskState;

/// For killed processes of an earlier scheduler to be gone.
constexpr Duration leftovers_limit = 5s;

std::unexpected<Error> cannot_cancel(const messages::Task& task) {
  const std::string_view state = task.state == TaskState::succeeded ? "succeeded" : "failed";
  return fail(ErrorKind::conflict, "task_cannot_cancel",
              fmt::format("task {} has {} already", task.id.text(), state));
}

}  // namespace

// ---- Cancelled

void Runner::cancel(const Uuid& id, const std::string& reason, OnTask answer) {
  const auto place = queue_.place(id);
  if (!place) return cancel_absent(id, answer);
  switch (*place) {
    case Queue::Place::queued:
      return cancel_queued(id, reason, std::move(answer));
    case Queue::Place::running:
      return cancel_running(*queue_.running(id), reason, std::move(answer));
    case Queue::Place::starting:
    case Queue::Place::ending:
    case Queue::Place::leaving:
      break;
  }
  when_settled_.emplace(
      id, [this, id, reason, answer = std::move(answer)] { cancel(id, reason, answer); });
}

void Runner::cancel_queued(const Uuid& id, const std::string& reason, OnTask answer) {
  const auto last_attempt = queue_.begin_leave(id);
  if (!last_attempt) return answer(std::unexpected(last_attempt.error()));
  store_.cancel_queued(id, *last_attempt, reason, now(), [this, id, answer](Result<void> outcome) {
    if (!outcome && outcome.error().code == "lease_stale")
      return hooks_.fatal(outcome.error().while_doing("cancel a queued task"));
    if (outcome) {
      queue_.left(id);
      answer(shown(id));
      tell_changed(id);
    } else {
      queue_.leave_failed(id);
      answer(std::unexpected(std::move(outcome).error()));
      start_tasks();
    }
    settled(id);
  });
}

void Runner::cancel_running(const Lease& lease, const std::string& reason, OnTask answer) {
  store_.want_cancel(lease, reason, [this, lease, reason, answer](Result<void> outcome) {
    if (!outcome && outcome.error().code != "lease_stale")
      return answer(std::unexpected(std::move(outcome).error()));
    Attempt* attempt = find(lease);
    // It ended while the wish was being written: what there is to cancel now is another question.
    if (attempt == nullptr || attempt->end) return cancel(lease.task, reason, answer);
    if (!outcome) return hooks_.fatal(outcome.error().while_doing("cancel a running task"));
    if (attempt->terms.cancel_reason.empty()) attempt->terms.cancel_reason = reason;
    ask_to_stop(lease, Stop::cancelled);
    answer(shown(lease.task));
  });
}

void Runner::cancel_absent(const Uuid& id, const OnTask& answer) {
  auto task = shown(id);
  if (!task) return answer(std::move(task));
  switch (task->state) {
    case TaskState::cancelled:
      return answer(std::move(task));
    case TaskState::succeeded:
    case TaskState::failed:
      return answer(cannot_cancel(*task));
    case TaskState::queued:
    case TaskState::running:
      break;
  }
  answer(fail(ErrorKind::unavailable, "task_not_settled",
              fmt::format("task {} is being submitted just now", id.text()), "ask again"));
}

// ---- Left over

Result<Runner::Recovered> Runner::recover() {
  Recovered recovered;
  GUILD_TRY(boot_id_, read_boot_id());
  GUILD_TRY(const auto running, store_.all_running());
  std::vector<Leftover> leftovers;
  std::vector<Store::OrphanEnd> ends;
  for (const StoredTask& task : running) {
    leftovers.push_back({task.shown.id, task.process, task.boot_id});
    ends.push_back(
        {task.lease(), decide_orphan_end(task.end_terms(), task.cancel_reason.has_value())});
  }
  if (!leftovers.empty()) {
    GUILD_TRY(recovered.processes_killed, kill_leftovers(leftovers, boot_id_, leftovers_limit));
    GUILD_CHECK(store_.finish_all(ends, now()));
  }
  for (const StoredTask& task : running) {
    GUILD_TRY(auto now_is, store_.find(task.shown.id));
    if (now_is) recovered.ended.push_back(std::move(*now_is));
  }
  GUILD_TRY(const auto queued, store_.all_queued());
  for (const Waiting& task : queued) queue_.restore(task);
  recovered.queued = queued.size();
  return recovered;
}

// ---- Drained

void Runner::drain(Duration grace, Duration limit, std::function<void()> done) {
  drained_ = std::move(done);
  queue_.close(monotonic_now(), grace);
  std::vector<Lease> leases;
  for (const auto& [id, attempt] : attempts_) leases.push_back(attempt->lease);
  for (const Lease& lease : leases) {
    Attempt* attempt = find(lease);
    if (attempt == nullptr) continue;
    if (attempt->is_started)
      ask_to_stop(lease, Stop::shutdown);
    else
      advance(*attempt);
  }
  drain_timer_.expires_after(limit);
  drain_timer_.async_wait([this](boost::system::error_code problem) {
    if (!problem) finish_drain();
  });
  check_drained();
}

void Runner::check_drained() {
  if (drained_ && attempts_.empty()) finish_drain();
}

void Runner::finish_drain() {
  if (!drained_) return;
  for (auto* timer : {&drain_timer_, &due_timer_, &retry_timer_}) timer->cancel();
  store_.flush();
  std::exchange(drained_, {})();
}

}  // namespace guild::scheduler
