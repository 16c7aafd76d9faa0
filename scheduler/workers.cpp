#include "scheduler/workers.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace guild::scheduler {

Result<std::unique_ptr<Workers>> Workers::make(boost::asio::io_context& loop, WorkerSetup setup) {
  if (access(setup.program.c_str(), X_OK) != 0) {
    const int problem = errno;
    Error error = system_error("find guild-worker: " + setup.program.string(), problem);
    error.code = "worker_missing";
    error.next_step = "install it beside guild-scheduler, or build it";
    return fail(std::move(error));
  }
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return fail(system_error("become the reaper of orphans", errno));
  std::unique_ptr<Workers> workers(new Workers(loop, std::move(setup)));
  boost::system::error_code problem;
  workers->child_ended_.add(SIGCHLD, problem);
  if (problem) return fail(system_error("watch for ended children", problem.value()));
  workers->watch_children();
  return workers;
}

Result<std::shared_ptr<Worker>> Workers::spawn(WorkerOrder order, WorkerEvents events) {
  auto ended = std::move(events.ended);
  const auto init = std::make_shared<pid_t>(0);
  events.ended = [this, init, ended = std::move(ended)](const AttemptReport& report) {
    forget(*init);
    ended(report);
  };
  GUILD_TRY(auto worker, Worker::spawn(loop_, setup_, std::move(order), std::move(events)));
  *init = worker->init_pid();
  by_init_.emplace(*init, worker);
  return worker;
}

void Workers::watch_children() {
  child_ended_.async_wait([this](boost::system::error_code problem, int) {
    if (problem) return;
    reap();
    watch_children();
  });
}

void Workers::reap() {
  bool has_adopted = false;
  while (true) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
    if (const auto worker = by_init_.find(info.si_pid); worker != by_init_.end()) {
      std::shared_ptr<Worker>(worker->second)->check_ended();
      continue;
    }
    end_guardian_of(info.si_pid);
    if (waitpid(info.si_pid, nullptr, WNOHANG) == info.si_pid) ++orphans_ended_;
    has_adopted = true;
  }
  if (has_adopted) kill_adopted();
}

/// A command that is our child has lost its guild-worker. Its group must be ended while its number
/// is still its own, so before it is reaped.
void Workers::end_guardian_of(pid_t command) {
  for (const auto& [init, worker] : by_init_) {
    if (worker->command_pid() == command) return std::shared_ptr<Worker>(worker)->check_ended();
  }
}

void Workers::kill_adopted() {
  for_each_process([this, self = getpid()](const ProcessStat& process) {
    if (process.parent != self || process.is_zombie) return;
    if (!by_init_.contains(process.mark.pid)) kill(process.mark.pid, SIGKILL);
  });
}

void Workers::forget(pid_t init) {
  const auto found = by_init_.find(init);
  const bool may_have_left_orphans = found->second->was_init_killed();
  by_init_.erase(found);
  if (may_have_left_orphans) kill_adopted();
}

}  // namespace guild::scheduler
