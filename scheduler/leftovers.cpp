#include "scheduler/leftovers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <vector>

#include "common/base/file.hpp"

namespace guild::scheduler {
namespace {

using Clock = std::chrono::steady_clock;

bool carries_id(const ProcessStat& process, const Uuid& task) {
  const std::string variable = "GUILD_TASK_ID=" + task.text();
  const std::string environment = '\0' + read_environment(process.mark.pid) + '\0';
  return environment.find('\0' + variable + '\0') != std::string::npos;
}

bool belongs(const ProcessStat& process, const Leftover& leftover) {
  if (process.mark == leftover.command) return true;
  // Nobody older than the command can be of it, whatever number they have.
  if (process.mark.start_ticks < leftover.command.start_ticks) return false;
  return process.session == leftover.command.pid || carries_id(process, leftover.task);
}

std::vector<ProcessMark> find_alive(std::span<const Leftover> leftovers,
                                    const std::string& boot_id) {
  std::vector<ProcessMark> found;
  for_each_process([&](const ProcessStat& process) {
    if (process.is_zombie || process.mark.pid == getpid()) return;
    for (const Leftover& leftover : leftovers) {
      if (leftover.boot_id == boot_id && belongs(process, leftover))
        return found.push_back(process.mark);
    }
  });
  return found;
}

/// Kills `process` if it is still that one, and answers what becomes readable once it is dead.
Fd kill_exactly(const ProcessMark& process) {
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd) return {};
  // The number may have passed to another between the look and the grip.
  const auto stat = read_stat(process.pid);
  if (!stat || stat->mark != process) return {};
  syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  return pidfd;
}

bool wait_dead(const Fd& pidfd, Clock::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd watched{pidfd.get(), POLLIN, 0};
    const int ready = poll(&watched, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

std::unexpected<Error> still_alive(const std::vector<ProcessMark>& processes) {
  std::vector<pid_t> pids;
  for (const ProcessMark& process : processes) pids.push_back(process.pid);
  return fail(ErrorKind::failed, "leftovers_alive",
              fmt::format("processes of earlier tasks do not die: {}", fmt::join(pids, ", ")),
              "see what they wait for (ps -o pid,stat,wchan), and start again once they are gone");
}

}  // namespace

Result<int> kill_leftovers(std::span<const Leftover> leftovers, const std::string& boot_id,
                           Duration limit) {
  const auto until = Clock::now() + limit;
  int killed = 0;
  // A round can miss what is forked while it looks; the next one meets it.
  for (auto alive = find_alive(leftovers, boot_id); !alive.empty();
       alive = find_alive(leftovers, boot_id)) {
    std::vector<Fd> dying;
    for (const ProcessMark& process : alive)
      if (Fd pidfd = kill_exactly(process)) dying.push_back(std::move(pidfd));
    for (const Fd& pidfd : dying)
      if (!wait_dead(pidfd, until)) return still_alive(alive);
    if (Clock::now() >= until) return still_alive(alive);
    killed += static_cast<int>(dying.size());
  }
  return killed;
}

}  // namespace guild::scheduler
