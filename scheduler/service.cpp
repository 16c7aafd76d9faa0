#include "scheduler/service.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "common/log/log.hpp"
#include "scheduler/submission.hpp"

namespace guild::scheduler {
namespace {

using namespace std::chrono_literals;
using messages::Task;
using messages::TaskState;

constexpr std::size_t waiters_max = 10'000;
constexpr Duration wait_limit = 10min;  ///< The bus has no longer deadline.
constexpr Duration booking_wait = 2s;   ///< How long a wait that is over stays for its charge.
constexpr Duration cancel_wait = 3s;    ///< How long a cancel waits for the end it asked for.
constexpr Duration ledger_deadline = 5s;
constexpr Duration drain_grace = 1s, drain_limit = 1400ms;
/// Of a page of tasks as JSON: with what surrounds it, it fits the bus's payload.
constexpr std::size_t page_bytes_max = 900'000;
/// Of a page of output: what a string in a message may hold.
constexpr std::size_t text_bytes_max = 65'536;

std::string_view name_of(TaskState state) {
  switch (state) {
    case TaskState::queued:
      return "queued";
    case TaskState::running:
      return "running";
    case TaskState::succeeded:
      return "succeeded";
    case TaskState::failed:
      return "failed";
    case TaskState::cancelled:
      break;
  }
  return "cancelled";
}

/// What may be told of a command: its program. Arguments can hold secrets.
std::string program_of(const Task& task) {
  return task.command.empty() ? std::string() : task.command.front().value;
}

void log_change(const Task& task) {
  const std::string id = task.id.text(), attempt = fmt::to_string(task.attempt);
  const log::Extra extra{{"task", id}, {"bot", task.bot.view()}, {"attempt", attempt}};
  const std::string reason = task.reason.empty() ? "" : ": " + task.reason.value;
  if (task.state == TaskState::failed) {
    GUILD_LOG_WITH(warn, "tasks", extra, "task {} ({}) failed{}", id, program_of(task), reason);
  } else {
    GUILD_LOG_WITH(info, "tasks", extra, "task {} ({}) is {}{}", id, program_of(task),
                   name_of(task.state), reason);
  }
}

std::string cancel_reason(const std::string& principal, const std::string& reason) {
  return bounded_reason("cancelled by " + principal + (reason.empty() ? "" : ": " + reason));
}

template <class Reply>
Result<Reply> decode_reply(Result<std::string> payload) {
  if (!payload) return std::unexpected(std::move(payload).error());
  return messages::decode<Reply>(*payload);
}

Error bot_error(const std::string& handle, Error error) {
  if (error.kind == ErrorKind::not_found) {
    return {ErrorKind::not_found, "bot_unknown", "there is no bot " + guild::quoted(handle),
            "make it first: guild bot add HANDLE"};
  }
  if (!is_passing(error)) return std::move(error).while_doing("look up the bot");
  return {ErrorKind::unavailable, "ledgerd_unavailable",
          "the bot cannot be looked up: " + error.message, "submit again once ledgerd answers"};
}

Result<void> check_means(const messages::Bot& bot, Money cost) {
  if (bot.status == messages::BotStatus::DEAD) {
    return fail(ErrorKind::conflict, "bot_dead",
                "the bot " + guild::quoted(bot.handle.value) + " is dead", "revive it first");
  }
  if (bot.available < cost) {
    return fail(ErrorKind::funds, "funds_short",
                fmt::format("the task costs {}, and bot {} has {} available", cost.text(),
                            guild::quoted(bot.handle.value), bot.available.text()));
  }
  return {};
}

}  // namespace

Service::Service(host::Host& host, Parts parts)
    : host_(host),
      authority_(std::move(parts.authority)),
      folders_(std::move(parts.folders)),
      is_confined_(parts.is_confined),
      store_(std::move(parts.store)),
      workers_(std::move(parts.workers)),
      waiters_(host.loop(), waiters_max),
      charges_(
          host.loop(), *store_,
          [this](const messages::ChargeTask& charge, Charges::OnReceipt answer) {
            ask_for_charge(charge, std::move(answer));
          },
          [this](const Lease& lease) { charge_settled(lease); }),
      runner_(host.loop(), *store_, *workers_, folders_,
              {.slots = static_cast<std::size_t>(host.settings().scheduler.workers_max.value),
               .queued_max = static_cast<std::size_t>(host.settings().scheduler.queue_max.value),
               .grace = host.settings().scheduler.cancel_grace},
              {.changed = [this](const StoredTask& task) { changed(task); },
               .trouble =
                   [](const std::string& action, const Error& error) {
                     GUILD_LOG(error, "tasks", "cannot {}, and tries again: {}", action,
                               error.text());
                   },
               .fatal = [&host](const Error& error) { host.stop(error); }}) {}

Result<void> Service::recover() {
  GUILD_TRY(const Runner::Recovered recovered, runner_.recover());
  for (const StoredTask& task : recovered.ended) {
    log_change(task.shown);
    recovered_.push_back(task.shown);
  }
  if (recovered.processes_killed > 0) {
    GUILD_LOG(warn, "recovery", "killed {} processes that an earlier scheduler left running",
              recovered.processes_killed);
  }
  GUILD_LOG(info, "recovery", "{} tasks were running, {} are queued", recovered.ended.size(),
            recovered.queued);
  GUILD_TRY(ended_counts_, store_->counts());
  GUILD_TRY(charges_pending_, store_->pending_charges_count());
  return {};
}

void Service::serve() {
  host_.serve<messages::SubmitTask, Task>(
      "submit", [this](auto request, auto answer) { submit(std::move(request), answer); });
  host_.serve<messages::GetTask, Task>(
      "show", [this](auto request, auto answer) { show(request, answer); });
  host_.serve<messages::ListTasks, messages::TasksPage>(
      "list", [this](auto request, auto answer) { list(request, answer); });
  host_.serve<messages::GetTaskOutput, messages::TaskOutput>(
      "logs", [this](auto request, auto answer) { logs(request, answer); });
  host_.serve<messages::CancelTask, Task>(
      "cancel", [this](auto request, auto answer) { cancel(request, answer); });
  host_.serve<messages::WaitTask, Task>(
      "wait", [this](auto request, auto answer) { wait(request, answer); });
  host_.on_session([this](const bus::SessionEvent& event) { session_changed(event); });
  host_.post([this] { runner_.open(); });
}

// ---- Requests

void Service::submit(messages::SubmitTask request, const OnTask& answer) {
  auto principal = authority_.authorize(answer.sender(), request.credential);
  if (!principal) return answer(std::unexpected(std::move(principal).error()));
  request.credential.reset();
  if (auto checked = check_submission(request); !checked)
    return answer(std::unexpected(std::move(checked).error()));
  NewTask task{std::move(request), std::move(*principal), now()};
  // A task that is there already was checked when it came; the bot may be out of funds by now.
  const auto earlier = store_->find(task.asked.id);
  if (!earlier) return answer(std::unexpected(earlier.error()));
  if (*earlier) return submit_checked(std::move(task), answer);
  if (auto checked = folders_.check(task.asked.directory); !checked)
    return answer(std::unexpected(std::move(checked).error()));
  if (task.asked.bot.empty()) return submit_checked(std::move(task), answer);
  const std::string handle = task.asked.bot;
  check_bot(handle, task.asked.cost, [this, task = std::move(task), answer](Result<void> checked) {
    if (!checked) return answer(std::unexpected(std::move(checked).error()));
    submit_checked(task, answer);
  });
}

void Service::submit_checked(NewTask task, const OnTask& answer) {
  runner_.submit(std::move(task), [answer](Result<Task> outcome) { answer(outcome); });
}

void Service::show(const messages::GetTask& request, const OnTask& answer) {
  answer(shown(request.id));
}

void Service::list(const messages::ListTasks& request,
                   const host::Answer<messages::TasksPage>& answer) {
  Store::Listing listing{.state = request.state,
                         .before = request.before,
                         .limit = request.limit,
                         .bytes_max = page_bytes_max};
  if (request.bot) listing.bot = request.bot->value;
  answer(store_->list(listing));
}

void Service::logs(const messages::GetTaskOutput& request,
                   const host::Answer<messages::TaskOutput>& answer) {
  if (request.from < 0) {
    return answer(fail(ErrorKind::invalid, "field_range", "from: a byte's number is not negative"));
  }
  auto output = store_->read_output(
      request.id,
      {.from = request.from, .bytes_max = request.bytes_max, .text_bytes_max = text_bytes_max});
  if (!output) return answer(std::unexpected(std::move(output).error()));
  if (*output) return answer(std::move(**output));
  answer(fail(ErrorKind::not_found, "task_not_found", "there is no task " + request.id.text()));
}

void Service::cancel(const messages::CancelTask& request, const OnTask& answer) {
  const auto principal = authority_.authorize(answer.sender(), request.credential);
  if (!principal) return answer(std::unexpected(principal.error()));
  const std::string reason = cancel_reason(*principal, request.reason);
  runner_.cancel(request.id, reason, [this, id = request.id, answer](Result<Task> outcome) {
    if (!outcome || outcome->state != TaskState::running) return answer(outcome);
    // Its processes are being ended. Whoever asked would rather see it done.
    const auto added =
        waiters_.add(id, cancel_wait, [this, id, answer](Waiters::Why) { answer(shown(id)); });
    if (!added) answer(outcome);
  });
}

void Service::wait(const messages::WaitTask& request, const OnTask& answer) {
  const auto task = find(request.id);
  if (!task) return answer(std::unexpected(task.error()));
  if (task->is_ended() && !task->is_charge_pending) return answer(task->shown);
  const Duration limit = task->is_ended() ? booking_wait : wait_limit;
  const auto added = waiters_.add(request.id, limit, [this, id = request.id, answer](Waiters::Why) {
    const auto ended = find(id);
    if (ended && ended->is_ended()) return answer(ended->shown);
    if (!ended) return answer(std::unexpected(ended.error()));
    answer(fail(ErrorKind::timeout, "timeout", "the task has not ended yet", "wait again"));
  });
  if (!added) answer(std::unexpected(added.error()));
}

Result<StoredTask> Service::find(const Uuid& id) {
  GUILD_TRY(auto task, store_->find(id));
  if (task) return std::move(*task);
  return fail(ErrorKind::not_found, "task_not_found", "there is no task " + id.text());
}

Result<Task> Service::shown(const Uuid& id) {
  GUILD_TRY(StoredTask task, find(id));
  return std::move(task.shown);
}

// ---- ledgerd

void Service::check_bot(const std::string& handle, Money cost,
                        std::function<void(Result<void>)> then) {
  const auto answered = [handle, cost, then](Result<std::string> reply) {
    auto bot = decode_reply<messages::Bot>(std::move(reply));
    if (!bot) return then(fail(bot_error(handle, std::move(bot).error())));
    then(check_means(*bot, cost));
  };
  const auto sent = host_.bus().request(
      "ledgerd/bot-show", messages::encode(messages::GetBot{handle}), ledger_deadline, answered);
  if (!sent) then(fail(bot_error(handle, sent.error())));
}

void Service::ask_for_charge(const messages::ChargeTask& charge, Charges::OnReceipt answer) {
  const auto sent = host_.bus().request("ledgerd/charge", messages::encode(charge), ledger_deadline,
                                        [answer](Result<std::string> reply) {
                                          answer(decode_reply<messages::Receipt>(std::move(reply)));
                                        });
  if (!sent) answer(std::unexpected(sent.error()));
}

// ---- What others are told

void Service::changed(const StoredTask& task) {
  log_change(task.shown);
  publish(task.shown);
  if (!task.is_ended()) return;
  ++ended_counts_[task.shown.state];
  if (!task.is_charge_pending) return waiters_.notify(task.shown.id);
  ++charges_pending_;
  waiters_.shorten(task.shown.id, booking_wait);
  charges_.wake();
}

void Service::charge_settled(const Lease& lease) {
  --charges_pending_;
  waiters_.notify(lease.task);
}

void Service::publish(const Task& task) {
  const std::string topic = fmt::format("tasks/{}/{}", task.id.text(), name_of(task.state));
  // Without a session nobody hears it; the state itself is on disk, for whoever asks later.
  if (!host_.bus().publish(topic, messages::encode(task))) ++events_lost_;
}

void Service::session_changed(const bus::SessionEvent& event) {
  if (event.state != bus::SessionState::connected) return;
  for (const Task& task : std::exchange(recovered_, {})) publish(task);
  charges_.wake();
}

std::map<std::string, std::int64_t> Service::counters() const {
  const auto ended = [this](TaskState state) {
    const auto count = ended_counts_.find(state);
    return count == ended_counts_.end() ? 0 : count->second;
  };
  return {{"queued", static_cast<std::int64_t>(runner_.queued_count())},
          {"running", static_cast<std::int64_t>(runner_.running_count())},
          {"succeeded", ended(TaskState::succeeded)},
          {"failed", ended(TaskState::failed)},
          {"cancelled", ended(TaskState::cancelled)},
          {"charges_pending", charges_pending_},
          {"landlock", is_confined_ ? 1 : 0},
          {"events_lost", events_lost_},
          {"orphans_ended", static_cast<std::int64_t>(workers_->orphans_ended())}};
}

void Service::drain(std::function<void()> done) {
  charges_.close();
  runner_.drain(drain_grace, drain_limit, std::move(done));
}

}  // namespace guild::scheduler
