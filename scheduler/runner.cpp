#include "scheduler/runner.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

#include "common/base/assert.hpp"
#include "scheduler/attempt.hpp"
#include "scheduler/environment.hpp"

namespace guild::scheduler {
namespace {

using namespace std::chrono_literals;
using messages::TaskState;

constexpr auto retry_pause = 1s;
/// What is read of an attempt's output while its last piece is being written; then its pipe fills.
constexpr std::size_t output_waiting_max = 262'144;

}  // namespace

Runner::Runner(boost::asio::io_context& loop, Store& store, Workers& workers,
               const Folders& folders, Queue::Limits limits, RunnerHooks hooks)
    : loop_(loop),
      store_(store),
      workers_(workers),
      folders_(folders),
      queue_(limits),
      hooks_(std::move(hooks)),
      due_timer_(loop),
      retry_timer_(loop),
      drain_timer_(loop) {}

Runner::~Runner() = default;

void Runner::open() {
  is_open_ = true;
  start_tasks();
}

// ---- Submission

void Runner::submit(NewTask task, OnTask answer) {
  if (auto place = queue_.admit(); !place) {
    // A task that is there already needs no place: it is answered even when no other is taken.
    const auto earlier = store_.find(task.asked.id);
    if (!earlier || !*earlier) return answer(std::unexpected(std::move(place).error()));
    return store_.submit(std::move(task), [this, id = task.asked.id, answer](auto outcome) {
      if (!outcome) return answer(std::unexpected(std::move(outcome).error()));
      answer(shown(id));
    });
  }
  const Uuid id = task.asked.id;
  const std::int64_t priority = task.asked.priority;
  store_.submit(std::move(task), [this, id, priority, answer](Result<Store::Submitted> outcome) {
    if (!outcome || !outcome->is_new) {
      queue_.withdraw();
      if (!outcome) return answer(std::unexpected(std::move(outcome).error()));
      return answer(shown(id));
    }
    queue_.enter({.id = id, .seq = outcome->seq, .priority = priority});
    answer(shown(id));
    tell_changed(id);
    start_tasks();
  });
}

// ---- One attempt, step by step

void Runner::start_tasks() {
  if (!is_open_) return;
  while (const auto lease = queue_.take())
    if (!begin(*lease)) return try_again_later();
}

/// False when nothing could even be read of it: it goes on waiting.
bool Runner::begin(const Lease& lease) {
  Attempt& attempt = *(attempts_[lease.task] = std::make_unique<Attempt>());
  attempt.lease = lease;
  const auto task = store_.find(lease.task);
  if (!task) {
    hooks_.trouble("read a task that is to start", task.error());
    give_back(attempt);
    return false;
  }
  GUILD_ASSERT(
      task->has_value());  // It was written before it was queued, and none is ever removed.
  attempt.terms = (**task).end_terms();
  attempt.terms.attempt = lease.attempt;
  auto worker = spawn(**task, attempt);
  if (worker) {
    attempt.worker = std::move(*worker);
  } else {
    attempt.report = AttemptReport{.not_started = worker.error().message};
    advance(attempt);
  }
  return true;
}

Result<std::shared_ptr<Worker>> Runner::spawn(const StoredTask& task, Attempt& attempt) {
  GUILD_TRY(Folders::Opened folder, folders_.open(task.shown.id, task.directory));
  WorkerOrder order{.label = task.shown.id.text(),
                    .command = {},
                    .environment = worker_environment(attempt.lease, task.shown.bot, folder.home),
                    .directory = std::move(folder.directory)};
  for (const auto& argument : task.shown.command) order.command.push_back(argument);
  const Lease lease = attempt.lease;
  return workers_.spawn(std::move(order), {.ready =
                                               [this, lease](const ProcessMark& process) {
                                                 if (Attempt* one = find(lease)) {
                                                   one->process = process;
                                                   advance(*one);
                                                 }
                                               },
                                           .output =
                                               [this, lease](std::string_view bytes) {
                                                 if (Attempt* one = find(lease))
                                                   take_output(*one, bytes);
                                               },
                                           .ended =
                                               [this, lease](const AttemptReport& report) {
                                                 if (Attempt* one = find(lease)) {
                                                   one->report = report;
                                                   advance(*one);
                                                 }
                                               }});
}

void Runner::take_output(Attempt& attempt, std::string_view bytes) {
  attempt.output += bytes;
  if (attempt.output.size() >= output_waiting_max) attempt.worker->pause_output();
  advance(attempt);
}

/// The next write that an attempt needs, if none is under way. May end the attempt.
void Runner::advance(Attempt& attempt) {
  if (attempt.is_writing) return;
  if (!attempt.is_started) {
    if (attempt.report && queue_.is_closed()) return give_back(attempt);
    if (attempt.report) return write_failed_start(attempt);
    if (queue_.is_closed()) return attempt.worker->kill();
    if (attempt.process) write_start(attempt);
    return;
  }
  if (!attempt.output.empty()) return write_output(attempt);
  if (attempt.report) write_end(attempt);
}

Store::Done Runner::after_write(const Lease& lease, std::string action,
                                std::function<void(Attempt&)> go_on) {
  return [this, lease, action = std::move(action), go_on = std::move(go_on)](Result<void> outcome) {
    Attempt* attempt = find(lease);
    if (attempt == nullptr) return;
    attempt->is_writing = false;
    if (outcome) return go_on(*attempt);
    if (outcome.error().code == "lease_stale")
      return hooks_.fatal(outcome.error().while_doing(action));
    hooks_.trouble(action, outcome.error());
    try_again_later();
  };
}

void Runner::write_start(Attempt& attempt) {
  attempt.is_writing = true;
  store_.start(attempt.lease, {.process = *attempt.process, .boot_id = boot_id_, .at = now()},
               after_write(attempt.lease, "start a task", [this](Attempt& one) { started(one); }));
}

void Runner::started(Attempt& attempt) {
  attempt.is_started = true;
  queue_.started(attempt.lease, monotonic_now() + attempt.terms.timeout);
  attempt.worker->go();
  arm_due();
  const Lease lease = attempt.lease;
  tell_changed(lease.task);
  if (queue_.is_closed()) ask_to_stop(lease, Stop::shutdown);
  settled(lease.task);
  if (Attempt* still = find(lease)) advance(*still);
}

void Runner::write_failed_start(Attempt& attempt) {
  attempt.is_writing = true;
  End end = decide_end(*attempt.report, Stop::none, attempt.terms);
  store_.fail_start(
      attempt.lease, end.reason, now(),
      after_write(attempt.lease, "note a task that could not start", [this, end](Attempt& one) {
        GUILD_ASSERT(queue_.begin_end(one.lease));
        ended(one, end);
      }));
}

void Runner::write_output(Attempt& attempt) {
  attempt.is_writing = true;
  const auto size = attempt.output.size();
  // A copy is kept until it is on disk: a write that fails is made again.
  store_.append(attempt.lease, attempt.output_written, attempt.output,
                after_write(attempt.lease, "keep a task's output", [this, size](Attempt& one) {
                  one.output_written += static_cast<std::int64_t>(size);
                  one.output.erase(0, size);
                  if (one.output.size() < output_waiting_max) one.worker->resume_output();
                  advance(one);
                }));
}

void Runner::write_end(Attempt& attempt) {
  attempt.is_writing = true;
  if (!attempt.end) {
    const auto stop = queue_.begin_end(attempt.lease);
    if (!stop) return hooks_.fatal(stop.error().while_doing("end a task"));
    attempt.end = decide_end(*attempt.report, *stop, attempt.terms);
    arm_due();
  }
  store_.finish(attempt.lease, *attempt.end, now(),
                after_write(attempt.lease, "end a task",
                            [this](Attempt& one) { ended(one, End(*one.end)); }));
}

void Runner::ended(const Attempt& attempt, const End& end) {
  const Lease lease = attempt.lease;
  attempts_.erase(lease.task);
  if (end.state == TaskState::queued) {
    queue_.requeued(lease);
  } else {
    queue_.ended(lease);
    folders_.remove_if_empty(lease.task);
  }
  tell_changed(lease.task);
  settled(lease.task);
  start_tasks();
  check_drained();
}

/// It has not begun, and is not to: queued as before.
void Runner::give_back(const Attempt& attempt) {
  const Lease lease = attempt.lease;
  attempts_.erase(lease.task);
  queue_.give_back(lease);
  settled(lease.task);
  check_drained();
}

void Runner::try_again_later() {
  if (std::exchange(is_retrying_, true)) return;
  retry_timer_.expires_after(retry_pause);
  retry_timer_.async_wait([this](boost::system::error_code problem) {
    if (problem) return;
    is_retrying_ = false;
    std::vector<Lease> leases;
    for (const auto& [id, attempt] : attempts_) leases.push_back(attempt->lease);
    for (const Lease& lease : leases)
      if (Attempt* attempt = find(lease)) advance(*attempt);
    start_tasks();
  });
}

// ---- Deadlines

void Runner::ask_to_stop(const Lease& lease, Stop why) {
  if (!queue_.stop(lease, why, monotonic_now())) return;
  if (Attempt* attempt = find(lease)) attempt->worker->ask_to_stop();
  arm_due();
}

void Runner::act_on_due() {
  for (const Queue::Due& due : queue_.due(monotonic_now())) {
    if (due.action == Queue::DueAction::time_out) {
      ask_to_stop(due.lease, Stop::timed_out);
    } else if (Attempt* attempt = find(due.lease)) {
      attempt->worker->kill();
    }
  }
  arm_due();
}

void Runner::arm_due() {
  const auto next = queue_.next_due();
  if (!next) {
    due_timer_.cancel();
    return;
  }
  using Clock = std::chrono::steady_clock;
  due_timer_.expires_at(Clock::time_point(std::chrono::duration_cast<Clock::duration>(*next)));
  due_timer_.async_wait([this](boost::system::error_code problem) {
    if (!problem) act_on_due();
  });
}

// ---- What others are told

Result<messages::Task> Runner::shown(const Uuid& id) {
  GUILD_TRY(const auto task, store_.find(id));
  if (task) return task->shown;
  return fail(ErrorKind::not_found, "task_not_found", "there is no task " + id.text());
}

void Runner::tell_changed(const Uuid& id) {
  const auto task = store_.find(id);
  if (!task) return hooks_.trouble("tell of a task's change", task.error());
  if (*task) hooks_.changed(**task);
}

void Runner::settled(const Uuid& id) {
  const auto [first, last] = when_settled_.equal_range(id);
  std::vector<Act> acts;
  for (auto act = first; act != last; ++act) acts.push_back(std::move(act->second));
  when_settled_.erase(first, last);
  for (const Act& act : acts) act();
}

Runner::Attempt* Runner::find(const Lease& lease) {
  const auto found = attempts_.find(lease.task);
  if (found == attempts_.end() || found->second->lease != lease) return nullptr;
  return found->second.get();
}

}  // namespace guild::scheduler
