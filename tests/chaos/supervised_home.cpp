#include "tests/chaos/supervised_home.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <optional>

#include <catch2/catch.hpp>

namespace guild::test {
namespace {

/// The pid in a lock file that somebody holds.
std::optional<int> holder_of(const std::filesystem::path& lock) {
  const int fd = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0;
  ::close(fd);
  std::string digits;
  for (const char c : read_text(lock)) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0)
      digits += c;
    else if (!digits.empty())
      break;
  }
  if (!held || digits.empty()) return {};
  return std::stoi(digits);
}

}  // namespace

SupervisedHome::~SupervisedHome() {
  if (!started_) return;
  // Without FAIL: this may run while a failed test unwinds. The supervisor first, or it restarts.
  for (const char* name :
       {"supervisor", "gateway", "scheduler", "ledgerd", "logconsumer", "broker"})
    if (const auto pid = holder_of(run_folder() / (std::string(name) + ".lock")))
      ::kill(*pid, SIGKILL);
}

Outcome SupervisedHome::run_system(const std::string& verb) {
  return test::run(command({program_path("run_system"), verb}), capture(verb), seconds(90));
}

void SupervisedHome::start_supervised() {
  const char* bin = std::getenv("GUILDHALL_BIN");
  if (bin == nullptr) FAIL("GUILDHALL_BIN is not set; run this test through meson test");
  set_environment("GUILDHALL_BIN", bin);
  started_ = true;
  const Outcome outcome = run_system("start");
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
}

void SupervisedHome::stop_supervised() {
  const Outcome outcome = run_system("stop");
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  started_ = false;
}

int SupervisedHome::pid_of(const std::string& daemon) const {
  const auto pid = holder_of(run_folder() / (daemon + ".lock"));
  if (!pid) FAIL(daemon << " does not run");
  return *pid;
}

void SupervisedHome::kill_daemon(const std::string& daemon, int signal) const {
  // Through a pidfd: never another process that got the same number.
  const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid_of(daemon), 0));
  REQUIRE(pidfd >= 0);
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
  pollfd ended{pidfd, POLLIN, 0};
  const int ready = ::poll(&ended, 1, 5'000);
  ::close(pidfd);
  REQUIRE(ready == 1);
}

}  // namespace guild::test
