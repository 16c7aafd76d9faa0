// `guild task run`: submits one task, shows its output as it comes, waits for its end and for its
// cost to be booked. It outlives a restart of scheduler and broker: every request is one that may
// be sent again. Ctrl-C cancels the task; a second one leaves it to itself.
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include <fmt/format.h>

#include "cli/answers.hpp"
#include "cli/session.hpp"
#include "cli/task.hpp"
#include "common/base/file.hpp"

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;
using messages::Task;

/// How often output is asked for while a task runs: the scheduler has no event for it.
constexpr Duration look_every = std::chrono::milliseconds(100);
/// How long a scheduler may be away before we give up on it; the task goes on without us.
constexpr Duration away_limit = std::chrono::seconds(30);
constexpr Duration booking_limit = std::chrono::seconds(10);
constexpr std::int64_t output_page_bytes = 65'536;

/// SIGINT and SIGTERM as something to wait for.
class Interrupts {
 public:
  Interrupts() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_ = Fd(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  }
  int fd() const { return fd_.get(); }
  bool take() const {
    signalfd_siginfo signal{};
    return ::read(fd_.get(), &signal, sizeof signal) == sizeof signal;
  }

 private:
  Fd fd_;
};

class TaskWait {
 public:
  TaskWait(Context& context, Session& session, const Interrupts& interrupts, Task task)
      : context_(context), session_(session), interrupts_(interrupts), task_(std::move(task)) {}

  Result<Task> run() {
    while (!all_shown_) {
      GUILD_CHECK(show_output());
      if (all_shown_) break;
      session_.pump_once(look_every, interrupts_.fd());
      if (interrupts_.take()) GUILD_CHECK(interrupted());
    }
    GUILD_CHECK(await_booking());
    return task_;
  }

  const std::string& kept_output() const { return kept_; }

 private:
  template <class Reply, class Request>
  Result<Reply> ask(std::string_view name, const Request& request) {
    const auto end = Clock::now() + away_limit;
    for (;;) {
      auto reply = session_.ask<Reply>(name, request, context_.timeout_or(answer_limit));
      const bool is_away = !reply && (reply.error().kind == ErrorKind::unavailable ||
                                      reply.error().kind == ErrorKind::timeout);
      if (!is_away || Clock::now() >= end) return reply;
      session_.pump_once(look_every);
    }
  }

  /// One round of what is new. Its state comes with it, so that the end is not missed.
  Result<void> show_output() {
    for (;;) {
      messages::GetTaskOutput request{task_.id, next_, output_page_bytes};
      GUILD_TRY(const auto output, ask<messages::TaskOutput>("scheduler/logs", request));
      if (context_.json())
        kept_ += output.text.value;
      else
        context_.out.stream(output.text.view());
      all_shown_ = output.end;
      if (output.next == std::exchange(next_, output.next)) break;
      if (output.end) break;
    }
    context_.out.flush();
    if (all_shown_) {
      GUILD_TRY(task_, ask<Task>("scheduler/show", messages::GetTask{task_.id}));
    }
    return {};
  }

  Result<void> interrupted() {
    if (std::exchange(cancelling_, true))
      return fail(ErrorKind::failed, "left_alone",
                  fmt::format("not waiting for task {} any longer", task_.id.text()),
                  fmt::format("guild task show {}", task_.id.text()));
    context_.out.say("cancelling the task; again to leave it alone");
    messages::CancelTask request;
    request.id = task_.id;
    request.reason = "cancelled from the terminal";
    auto cancelled = ask<Task>("scheduler/cancel", request);
    // It may have ended by itself in that moment.
    if (!cancelled && cancelled.error().code != "task_cannot_cancel")
      return fail(std::move(cancelled).error());
    return {};
  }

  /// The scheduler books after the end; whoever asked for the task wants to see it booked.
  Result<void> await_booking() {
    const auto end = Clock::now() + booking_limit;
    while (!task_.cost.is_zero() && task_.attempt > 0 && !task_.charged &&
           task_.charge_problem.empty() && Clock::now() < end) {
      session_.pump_once(look_every, interrupts_.fd());
      if (interrupts_.take()) return {};
      GUILD_TRY(task_, ask<Task>("scheduler/show", messages::GetTask{task_.id}));
    }
    return {};
  }

  Context& context_;
  Session& session_;
  const Interrupts& interrupts_;
  Task task_;
  std::int64_t next_ = 0;
  bool all_shown_ = false;
  bool cancelling_ = false;
  std::string kept_;
};

Result<Exit> run(Context& context, const SubmitArguments& arguments) {
  GUILD_TRY(const messages::SubmitTask submission, submission_of(arguments));
  GUILD_TRY(Session session, Session::open(context));
  const Interrupts interrupts;  // From here on Ctrl-C is about the task.
  GUILD_TRY(Task submitted, session.ask_until_answered<Task>("scheduler/submit", submission,
                                                             context.timeout_or(answer_limit)));
  TaskWait wait(context, session, interrupts, std::move(submitted));
  GUILD_TRY(const Task task, wait.run());
  if (context.json()) context.out.line(messages::encode(TaskRun{task, wait.kept_output()}));
  context.out.say(fmt::format("task {} {}", task.id.text(), summary_of(task)));
  return task.state == messages::TaskState::succeeded ? Exit::ok : Exit::failed;
}

}  // namespace

void add_task_run(Command& task) {
  const auto arguments = std::make_shared<SubmitArguments>();
  task.add("run", "run a command as a task, show its output, wait for its end and its booking")
      .option("--bot", "HANDLE", arguments->bot, "whom the cost is booked on")
      .option("--cost", "AMOUNT", arguments->cost, "booked once it has ended (0)")
      .option("--timeout", "TIME", arguments->timeout, "of the run (30m)")
      .option("--priority", "N", arguments->priority, "0 is first, 2 last (2)")
      .option("--directory", "DIR", arguments->directory, "where it runs")
      .option("--id", "ID", arguments->id, "a UUID; the same one again runs nothing twice")
      .takes_words_after_dashes("COMMAND...", arguments->command)
      .runs([arguments](Context& context) { return run(context, *arguments); });
}

}  // namespace guild::cli
