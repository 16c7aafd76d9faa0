#include "scheduler/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "scheduler/worker_spec.hpp"

namespace guild::scheduler {
namespace {

std::string encode_spec(const WorkerSetup& setup, const WorkerOrder& order) {
  worker::SpecHeader header;
  header.arguments = static_cast<std::uint32_t>(order.command.size());
  header.environment = static_cast<std::uint32_t>(order.environment.size());
  header.hidden = static_cast<std::uint32_t>(setup.hidden.size());
  header.is_confined = setup.is_confined ? 1 : 0;
  header.files_soft_max = setup.files_soft_max;
  header.files_hard_max = setup.files_hard_max;
  std::string spec(sizeof header, '\0');
  std::memcpy(spec.data(), &header, sizeof header);
  for (const auto* list : {&order.command, &order.environment, &setup.hidden})
    for (const std::string& text : *list) spec.append(text.c_str(), text.size() + 1);
  return spec;
}

Result<Fd> make_spec(const std::string& spec) {
  Fd file(memfd_create("guild-worker-order", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail(system_error("make the worker's order", errno));
  GUILD_CHECK(write_all(file.get(), spec));
  constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (fcntl(file.get(), F_ADD_SEALS, seals) != 0)
    return fail(system_error("seal the worker's order", errno));
  return file;
}

/// Past the numbers that guild-worker's own get, so that no dup2 lands on one that is still needed.
Result<Fd> move_up(Fd fd) {
  Fd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, 10));
  if (!moved) return fail(system_error("number the worker's descriptors", errno));
  return moved;
}

struct Ends {
  Fd output, control;                                 // Ours.
  Fd output_remote, control_remote, spec, directory;  // guild-worker's.
};

Result<void> make_channels(Ends& ends) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC) != 0) return fail(system_error("make the output pipe", errno));
  ends.output = Fd(pair[0]);
  ends.output_remote = Fd(pair[1]);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return fail(system_error("make the control socket", errno));
  ends.control = Fd(pair[0]);
  ends.control_remote = Fd(pair[1]);
  for (const Fd* fd : {&ends.output, &ends.control}) {
    if (fcntl(fd->get(), F_SETFL, O_NONBLOCK) != 0)
      return fail(system_error("set up the worker's descriptors", errno));
  }
  return {};
}

Result<Ends> make_ends(const WorkerSetup& setup, WorkerOrder& order) {
  Ends ends;
  GUILD_CHECK(make_channels(ends));
  GUILD_TRY(ends.spec, make_spec(encode_spec(setup, order)));
  ends.directory = std::move(order.directory);
  for (Fd* fd : {&ends.output_remote, &ends.control_remote, &ends.spec, &ends.directory}) {
    GUILD_TRY(*fd, move_up(std::move(*fd)));
  }
  return ends;
}

/// What posix_spawn is to do between vfork and exec.
class Plan {
 public:
  explicit Plan(const Ends& ends) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, ends.output_remote.get(), 1);
    posix_spawn_file_actions_adddup2(&actions_, ends.output_remote.get(), 2);
    posix_spawn_file_actions_adddup2(&actions_, ends.spec.get(), worker::spec_fd);
    posix_spawn_file_actions_adddup2(&actions_, ends.control_remote.get(), worker::control_fd);
    posix_spawn_file_actions_adddup2(&actions_, ends.directory.get(), worker::directory_fd);
    posix_spawn_file_actions_addclosefrom_np(&actions_, worker::first_other_fd);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
  }
  ~Plan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  Result<pid_t> carry_out(const std::string& program, std::string label) const {
    std::string name = "guild-worker", id = "GUILD_TASK_ID=" + label;
    char* const arguments[] = {name.data(), label.data(), nullptr};
    char* const environment[] = {id.data(), nullptr};
    pid_t pid = 0;
    const int problem =
        posix_spawn(&pid, program.c_str(), &actions_, &attributes_, arguments, environment);
    if (problem == 0) return pid;
    Error error = system_error("start " + program, problem);
    error.code = problem == ENOENT ? "worker_missing" : "spawn_failed";
    return fail(std::move(error));
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// It waits for an order that must never come now.
std::unexpected<Error> abandon(pid_t pid, Error error) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  error.code = "spawn_failed";
  return fail(std::move(error));
}

}  // namespace

Result<Spawned> spawn(const WorkerSetup& setup, WorkerOrder order) {
  GUILD_TRY(Ends ends, make_ends(setup, order));
  Spawned spawned;
  GUILD_TRY(spawned.pid, Plan(ends).carry_out(setup.program.string(), std::move(order.label)));
  spawned.process = Fd(static_cast<int>(syscall(SYS_pidfd_open, spawned.pid, 0)));
  if (!spawned.process) return abandon(spawned.pid, system_error("watch the worker", errno));
  spawned.output = std::move(ends.output);
  spawned.control = std::move(ends.control);
  return spawned;
}

}  // namespace guild::scheduler
