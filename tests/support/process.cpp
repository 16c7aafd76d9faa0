#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <catch2/catch.hpp>

namespace guild::test {
namespace {

using Clock = std::chrono::steady_clock;

class OwnedFd {
 public:
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::filesystem::path with_suffix(const std::filesystem::path& stem, const char* suffix) {
  std::filesystem::path path = stem;
  path += suffix;
  return path;
}

constexpr const char* inherited[] = {
    "PATH",          "HOME",         "TMPDIR",       "ASAN_OPTIONS",
    "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "TZ"};

std::vector<std::string> environment_of(const Command& command) {
  std::map<std::string, std::string> all{{"LANG", "C.UTF-8"}};
  for (const char* name : inherited)
    if (const char* value = std::getenv(name)) all[name] = value;
  for (const auto& [name, value] : command.environment) all[name] = value;
  std::vector<std::string> strings;
  for (const auto& [name, value] : all) strings.push_back(name + "=" + value);
  return strings;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// After fork: only calls that are safe there.
[[noreturn]] void become(char* const* argv, char* const* environment, const char* folder, int in,
                         int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (::chdir(folder) == 0) ::execve(argv[0], argv, environment);
  const char* why = std::strerror(errno);
  for (const char* part : {"cannot run ", static_cast<const char*>(argv[0]), ": ", why, "\n"})
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  ::_exit(127);
}

int remaining_ms(Clock::time_point end) {
  const auto left = std::chrono::ceil<milliseconds>(end - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

int pidfd_of(int pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

void drain(int fd) {
  char events[4096];
  while (::read(fd, events, sizeof events) > 0) {
  }
}

}  // namespace

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void write_text(const std::filesystem::path& file, std::string_view text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  if (!out) FAIL("cannot write " << file);
}

bool wait_for_change(const std::filesystem::path& folder, const std::function<bool()>& done,
                     milliseconds limit, int extra_fd) {
  const OwnedFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  constexpr std::uint32_t changes =
      IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
  if (::inotify_add_watch(watch.get(), folder.c_str(), changes) < 0)
    FAIL("cannot watch " << folder << ": " << std::strerror(errno));
  const auto end = Clock::now() + limit;
  // The watch is set before the first look, so no change falls between the two.
  while (!done()) {
    pollfd fds[] = {{watch.get(), POLLIN, 0}, {extra_fd, POLLIN, 0}};
    const int ready = ::poll(fds, extra_fd < 0 ? 1 : 2, remaining_ms(end));
    if (ready == 0) return done();
    drain(watch.get());
    if (extra_fd >= 0 && fds[1].revents != 0) return done();
  }
  return true;
}

Process Process::start(const Command& command, const std::filesystem::path& capture) {
  const auto in_path = with_suffix(capture, ".in");
  write_text(in_path, command.input);
  const OwnedFd in(::open(in_path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto create = [](const std::filesystem::path& path) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  };
  const OwnedFd out(create(with_suffix(capture, ".out"))),
      err(create(with_suffix(capture, ".err")));
  if (in.get() < 0 || out.get() < 0 || err.get() < 0)
    FAIL("cannot capture into " << capture << ": " << std::strerror(errno));

  std::vector<std::string> arguments = command.argv, environment = environment_of(command);
  const auto argv = pointers_to(arguments), envp = pointers_to(environment);
  const std::string folder = command.folder;
  const int pid = ::fork();
  if (pid < 0) FAIL("cannot fork: " << std::strerror(errno));
  if (pid == 0) become(argv.data(), envp.data(), folder.c_str(), in.get(), out.get(), err.get());
  const int pidfd = pidfd_of(pid);
  if (pidfd < 0) {
    ::kill(pid, SIGKILL);
    FAIL("pidfd_open: " << std::strerror(errno));
  }
  return Process(pid, pidfd, capture);
}

Process::Process(int pid, int pidfd, std::filesystem::path capture)
    : pid_(pid), pidfd_(pidfd), capture_(std::move(capture)) {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      capture_(std::move(other.capture_)),
      outcome_(std::move(other.outcome_)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(capture_, other.capture_);
  std::swap(outcome_, other.outcome_);
  return *this;
}

Process::~Process() {
  if (pid_ < 0) return;
  kill();
  ::close(pidfd_);
}

void Process::reap() {
  int status = 0;
  if (outcome_ || ::waitpid(pid_, &status, 0) != pid_) return;
  Outcome outcome;
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  outcome_ = std::move(outcome);
}

bool Process::running() { return !wait_if_ended(milliseconds(0)); }

void Process::signal(int number) {
  // Through the pidfd: never another process that got the same number.
  if (!outcome_) ::syscall(SYS_pidfd_send_signal, pidfd_, number, nullptr, 0);
}

void Process::kill() {
  signal(SIGKILL);
  reap();
}

std::optional<Outcome> Process::wait_if_ended(milliseconds limit) {
  if (!outcome_) {
    const auto end = Clock::now() + limit;
    pollfd ended{pidfd_, POLLIN, 0};
    int ready = 0;
    do ready = ::poll(&ended, 1, remaining_ms(end));
    while (ready < 0 && errno == EINTR);
    if (ready <= 0) return {};
    reap();
  }
  Outcome outcome = *outcome_;
  outcome.out = out();
  outcome.err = err();
  return outcome;
}

Outcome Process::wait(milliseconds limit) {
  auto outcome = wait_if_ended(limit);
  if (!outcome) {
    const std::string said = err();
    kill();
    FAIL(capture_.filename() << " did not end within " << limit.count() << " ms; stderr:\n"
                             << said);
  }
  return std::move(*outcome);
}

std::string Process::out() const { return read_text(with_suffix(capture_, ".out")); }
std::string Process::err() const { return read_text(with_suffix(capture_, ".err")); }

bool Process::wait_for_err(std::string_view text, milliseconds limit) {
  return wait_until(
      capture_.parent_path(), [&] { return err().find(text) != std::string::npos; }, limit);
}

bool Process::wait_until(const std::filesystem::path& folder, const std::function<bool()>& done,
                         milliseconds limit) {
  return wait_for_change(folder, done, limit, pidfd_);
}

Outcome run(const Command& command, const std::filesystem::path& capture, milliseconds limit) {
  return Process::start(command, capture).wait(limit);
}

}  // namespace guild::test
