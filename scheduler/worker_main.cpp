// guild-worker: runs one command and outlives everything that came of it (worker_spec.hpp).
// It allocates nothing and knows nothing of the suite: statically linked, it starts in a fraction
// of a millisecond and stays under 100 KiB. Between the order and the command: own session and
// group, no_new_privs, limits, Landlock, default signals, /dev/null, one pipe and no other
// descriptor.
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

#include "scheduler/confinement.hpp"
#include "scheduler/worker_spec.hpp"

namespace guild::scheduler::worker {
namespace {

void send_report(ReportKind kind, int value, Step step = Step::none) {
  const Report report{kind, step, value};
  // The scheduler reads all of them, or is gone and needs none.
  while (send(control_fd, &report, sizeof report, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void give_up(Step step, int error_number) {
  send_report(ReportKind::not_started, error_number, step);
  _exit(EXIT_FAILURE);
}

struct Spec {
  SpecHeader header;
  char* arguments[arguments_max + 1]{};
  char* environment[environment_max + 1]{};
  char* hidden[hidden_max]{};
};
Spec spec;

/// Points `list` at the next `count` strings; nullptr when they are not all there.
char* split(char* from, const char* end, std::span<char*> list, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (from >= end) return nullptr;
    char* nul = static_cast<char*>(std::memchr(from, 0, static_cast<std::size_t>(end - from)));
    if (nul == nullptr) return nullptr;
    list[i] = from;
    from = nul + 1;
  }
  return from;
}

bool parse_spec(char* memory, std::size_t size) {
  if (size < sizeof(SpecHeader)) return false;
  std::memcpy(&spec.header, memory, sizeof(SpecHeader));
  const SpecHeader& header = spec.header;
  if (header.version != 1 || header.arguments == 0 || header.arguments > arguments_max ||
      header.environment > environment_max || header.hidden > hidden_max)
    return false;
  const char* end = memory + size;
  char* rest = split(memory + sizeof(SpecHeader), end, spec.arguments, header.arguments);
  if (rest != nullptr) rest = split(rest, end, spec.environment, header.environment);
  if (rest != nullptr) rest = split(rest, end, spec.hidden, header.hidden);
  return rest == end;
}

void read_spec() {
  struct stat status{};
  if (fstat(spec_fd, &status) != 0) give_up(Step::read_order, errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, spec_fd, 0);
  if (memory == MAP_FAILED) give_up(Step::read_order, errno);
  if (!parse_spec(static_cast<char*>(memory), size)) give_up(Step::read_order, EBADMSG);
}

// --- the command's side ---

void limit(__rlimit_resource which, rlim_t soft, rlim_t hard) {
  rlimit had{};
  getrlimit(which, &had);
  const rlim_t allowed = hard < had.rlim_max ? hard : had.rlim_max;
  const rlimit wanted{soft < allowed ? soft : allowed, allowed};
  if (setrlimit(which, &wanted) != 0) give_up(Step::limit, errno);
}

/// When memory runs out the kernel takes a worker before a daemon.
void offer_to_oom_killer() {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t written = write(fd, "500", 3);
  close(fd);
}

void reset_signals() {
  // By the kernel's own call: libc hides the two that its threads use, and leaves them ignored.
  constexpr unsigned long kernel_action[4]{};  // SIG_DFL, no flags, no restorer, no mask.
  for (int signal = 1; signal <= 64; ++signal)
    syscall(SYS_rt_sigaction, signal, kernel_action, nullptr, sizeof(std::uint64_t));
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// execve of `name` in each folder of PATH. Unlike execvp never hands a file to a shell.
/// Answers the errno that says most: "permission denied" over "not found".
int execute_by_path(const char* name) {
  const char* folders = "";
  for (char* const* variable = spec.environment; *variable != nullptr; ++variable)
    if (std::strncmp(*variable, "PATH=", 5) == 0) folders = *variable + 5;
  int problem = ENOENT;
  char path[PATH_MAX];
  while (*folders != '\0') {
    const auto size = static_cast<int>(std::strcspn(folders, ":"));
    const int written = std::snprintf(path, sizeof path, "%.*s/%s", size, folders, name);
    if (written > 0 && written < static_cast<int>(sizeof path)) {
      execve(path, spec.arguments, spec.environment);
      if (errno != ENOENT && errno != ENOTDIR) problem = errno;
      if (problem != ENOENT && problem != EACCES) return problem;
    }
    folders += size;
    if (*folders == ':') ++folders;
  }
  return problem;
}

[[noreturn]] void execute() {
  const char* name = spec.arguments[0];
  if (std::strchr(name, '/') == nullptr) give_up(Step::execute, execute_by_path(name));
  execve(name, spec.arguments, spec.environment);
  give_up(Step::execute, errno);
}

/// Root's command keeps what a container's root has by default, less mknod: enough to install
/// packages, not enough to look into other processes, load modules or make devices. For others this
/// does nothing.
void drop_capabilities() {
  constexpr unsigned kept[] = {CAP_CHOWN,      CAP_DAC_OVERRIDE,     CAP_FOWNER,  CAP_FSETID,
                               CAP_KILL,       CAP_SETGID,           CAP_SETUID,  CAP_SETPCAP,
                               CAP_SETFCAP,    CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SYS_CHROOT,
                               CAP_AUDIT_WRITE};
  for (unsigned capability = 0; capability < 64; ++capability) {
    bool is_kept = false;
    for (const unsigned one : kept) is_kept = is_kept || one == capability;
    if (!is_kept) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

void wait_at_gate(int gate) {
  char go = 0;
  ssize_t got = 0;
  do got = read(gate, &go, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) _exit(EXIT_FAILURE);
}

[[noreturn]] void become_command(pid_t init, int gate) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != init) _exit(EXIT_FAILURE);  // It died before we asked to be told.
  send_report(ReportKind::ready, getpid());    // From here on there is a group to be signalled.
  umask(0077);
  offer_to_oom_killer();
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_NOFILE, spec.header.files_soft_max, spec.header.files_hard_max);
  drop_capabilities();
  if (fchdir(directory_fd) != 0) give_up(Step::change_directory, errno);
  if (spec.header.is_confined != 0) {
    if (const int problem = hide({spec.hidden, spec.header.hidden}); problem != 0)
      give_up(Step::confine, problem);
  }
  wait_at_gate(gate);
  reset_signals();
  execute();
}

// --- the init's side ---

pid_t parent_of(const char* pid_text) {
  char path[64], line[512];
  std::snprintf(path, sizeof path, "/proc/%.20s/stat", pid_text);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t size = read(fd, line, sizeof line - 1);
  close(fd);
  if (size <= 0) return 0;
  line[size] = '\0';
  const char* after_name = std::strrchr(line, ')');  // The name itself may hold anything.
  int parent = 0;
  if (after_name == nullptr || std::sscanf(after_name + 1, " %*c %d", &parent) != 1) return 0;
  return parent;
}

void kill_children() {
  DIR* processes = opendir("/proc");
  if (processes == nullptr) return;
  const pid_t self = getpid();
  for (const dirent* entry = readdir(processes); entry != nullptr; entry = readdir(processes)) {
    const int pid = std::atoi(entry->d_name);
    if (pid > 0 && parent_of(entry->d_name) == self) kill(pid, SIGKILL);
  }
  closedir(processes);
}

bool has_children() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// Kills generation by generation: the children of what dies become ours. The group goes first, at
/// one stroke, so that a fork bomb in it cannot run ahead. Answers how the command ended.
int end_all(pid_t command) {
  int command_status = 0;
  kill(-command, SIGKILL);  // Not reaped yet: the number is still its own.
  while (has_children()) {
    int status = 0;
    kill_children();
    const pid_t pid = waitpid(-1, &status, 0);
    if (pid == command) command_status = status;
  }
  return command_status;
}

/// Reaps what ended; true when the command is among it, which is left for end_all.
bool command_has_ended(pid_t command) {
  while (true) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return false;
    if (info.si_pid == command) return true;
    waitpid(info.si_pid, nullptr, 0);
  }
}

enum class Next { wait, end };

Next obey(pid_t command, int gate) {
  char order = 0;
  const ssize_t got = recv(control_fd, &order, 1, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Next::wait;
  if (got <= 0) return Next::end;  // The scheduler is gone, or will not run it.
  switch (static_cast<Order>(order)) {
    case Order::go:
      if (write(gate, "g", 1) == 1) return Next::wait;
      break;
    case Order::stop:
      kill(-command, SIGTERM);
      kill(-command, SIGCONT);  // A stopped process would never see the first.
      return Next::wait;
    case Order::kill:
      break;
  }
  return Next::end;
}

void drain(int signals) {
  signalfd_siginfo info;
  while (read(signals, &info, sizeof info) > 0) {
  }
}

void supervise(pid_t command, int gate, int signals) {
  pollfd watched[] = {{signals, POLLIN, 0}, {control_fd, POLLIN, 0}};
  while (true) {
    if (poll(watched, 2, -1) < 0) continue;
    drain(signals);
    if (command_has_ended(command)) return;
    if (watched[1].revents != 0 && obey(command, gate) == Next::end) return;
  }
}

void report_end(int status) {
  if (WIFSIGNALED(status)) return send_report(ReportKind::signalled, WTERMSIG(status));
  send_report(ReportKind::exited, WEXITSTATUS(status));
}

int make_signal_descriptor() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  return signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
}

void run() {
  for (const int fd : {spec_fd, control_fd, directory_fd}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  read_spec();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const int signals = make_signal_descriptor();
  int gate[2];
  if (signals < 0 || pipe2(gate, O_CLOEXEC) != 0) give_up(Step::fork, errno);
  const pid_t init = getpid();
  const pid_t command = fork();
  if (command < 0) give_up(Step::fork, errno);
  if (command == 0) become_command(init, gate[0]);
  supervise(command, gate[1], signals);
  report_end(end_all(command));
}

}  // namespace
}  // namespace guild::scheduler::worker

#ifdef __has_feature
#if __has_feature(address_sanitizer)
/// The search for leaks stops the process by signals, all of which it has blocked: it would never
/// end. What it does has no allocations.
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}  // NOLINT(bugprone-reserved-identifier)
#endif
#endif

int main() {
  guild::scheduler::worker::run();
  return 0;
}
