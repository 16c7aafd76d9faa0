#include "cli/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include <fmt/format.h>

extern char** environ;  // NOLINT: POSIX names it so.

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t line_bytes_max = 1U << 20U;

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(system_error("make a pipe", errno));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<pid_t> spawn_self(const std::vector<std::string>& arguments, int its_stdin, int its_stdout) {
  std::vector<char*> argv;
  std::string name = "guild";
  argv.push_back(name.data());
  for (const std::string& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn does not write to them.
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its_stdin, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, its_stdout, STDOUT_FILENO);
  pid_t pid = -1;
  const int problem =
      ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) return fail(system_error("start a worker process", problem));
  return pid;
}

std::unexpected<Error> gone() {
  return fail(ErrorKind::failed, "child_gone", "a worker process ended early",
              "what it said is above");
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& arguments) {
  GUILD_TRY(Pipe to, make_pipe());
  GUILD_TRY(Pipe from, make_pipe());
  GUILD_TRY(const pid_t pid, spawn_self(arguments, to.read.get(), from.write.get()));
  return Child(pid, std::move(to.write), std::move(from.read));
}

Child::Child(Child&& other) noexcept
    : pid_(other.pid_),
      to_(std::move(other.to_)),
      from_(std::move(other.from_)),
      unfinished_(std::move(other.unfinished_)) {
  other.pid_ = -1;
}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<void> Child::tell(std::string_view line) {
  // A child that died must not kill us by SIGPIPE.
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT: no handler, nothing to go wrong.
  const auto written = write_all(to_.get(), fmt::format("{}\n", line));
  std::signal(SIGPIPE, SIG_DFL);  // NOLINT
  if (!written) return gone();
  return {};
}

Result<std::string> Child::hear(Duration limit) {
  const auto end = Clock::now() + limit;
  for (;;) {
    if (const auto at = unfinished_.find('\n'); at != std::string::npos) {
      std::string line = unfinished_.substr(0, at);
      unfinished_.erase(0, at + 1);
      return line;
    }
    if (unfinished_.size() > line_bytes_max) return gone();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0)
      return fail(ErrorKind::timeout, "timeout",
                  fmt::format("a worker process said nothing for {}", to_text(limit)),
                  "give it longer with --timeout");
    pollfd watched{from_.get(), POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(left)) <= 0) continue;
    std::array<char, 4'096> part{};
    const ssize_t count = ::read(from_.get(), part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return gone();
    unfinished_.append(part.data(), static_cast<std::size_t>(count));
  }
}

void die_with_parent() { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace guild::cli
