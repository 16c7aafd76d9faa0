// Real processes: what a command gets, how its end is told, and that nothing of it stays.
#include "scheduler/worker.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/unit/base/scratch_folder.hpp"
#include "tests/unit/scheduler/attempt.hpp"

using namespace guild::scheduler;
using namespace guild::scheduler::testing;

namespace {

std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

bool has_children() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// How many processes were started with `variable` in their environment.
int carriers(const std::string& variable) {
  int count = 0;
  for_each_process([&](const ProcessStat& process) {
    const std::string environment = '\0' + read_environment(process.mark.pid) + '\0';
    if (!process.is_zombie && environment.find('\0' + variable + '\0') != std::string::npos)
      ++count;
  });
  return count;
}

/// A child, a grandchild, one that left the session, one that also lost its parents; all deaf to
/// SIGTERM. Prints `grown` once all four are there.
constexpr const char* tree = R"sh(trap '' TERM
LEAF=1 sleep 1000 &
sh -c 'LEAF=1 sleep 1000; :' &
LEAF=1 setsid sleep 1000 &
(LEAF=1 setsid sh -c 'exec sleep 1000' &)
while [ "$(grep -slz '^LEAF=1$' /proc/[0-9]*/environ | wc -l)" -lt 4 ]; do :; done
echo grown
wait)sh";

}  // namespace

TEST_CASE("an exit code is told as it was") {
  Field field;
  CHECK(run_shell(field, "exit 0").report->exit_code == 0);
  CHECK(run_shell(field, "exit 3").report->exit_code == 3);
  CHECK(run_shell(field, "exit 255").report->exit_code == 255);
}

TEST_CASE("a death by signal is told by the signal") {
  Field field;
  for (const int signal : {SIGSEGV, SIGKILL, SIGTERM, SIGABRT}) {
    const Attempt attempt = run_shell(field, "kill -" + std::to_string(signal) + " $$");
    CHECK(attempt.report->signal == signal);
    CHECK_FALSE(attempt.report->exit_code);
  }
}

TEST_CASE("a command that cannot be run says why, and is no exit code") {
  Field field;
  ScratchFolder scratch;
  const std::string plain = (scratch.path() / "plain").string();
  std::ofstream(plain) << "echo no shell reads this\n";

  const auto refusal = [&](const std::string& command) {
    const Attempt attempt = run_to_end(field, order_for({command}));
    CHECK_FALSE(attempt.report->exit_code);
    CHECK(attempt.report->signal == 0);
    return attempt.report->not_started;
  };
  CHECK(refusal("no-such-command") == "cannot run \"no-such-command\": no such command in PATH");
  CHECK(refusal("/no/such") == "cannot run \"/no/such\": No such file or directory");
  CHECK(refusal(plain).ends_with("Permission denied"));
  chmod(plain.c_str(), 0700);
  CHECK(refusal(plain).ends_with("Exec format error"));

  const Attempt big = run_to_end(field, order_for({"true", std::string(200'000, 'x')}));
  CHECK(big.report->not_started == "cannot run \"true\": Argument list too long");
}

TEST_CASE("a command gets what it was given and nothing else") {
  Field field;
  setenv("GUILD_UNIT_SECRET", "inherited", 1);
  signal(SIGUSR1, SIG_IGN);
  const Attempt environment = run_to_end(field, order_for({"env"}, {"A=1", "B="}));
  CHECK(environment.output == "A=1\nB=\nPATH=/usr/local/bin:/usr/bin:/bin\n");

  CHECK(run_to_end(field, order_for({"ls", "/proc/self/fd"})).output == "0\n1\n2\n3\n");
  CHECK(run_to_end(field, order_for({"cat"})).output.empty());
  CHECK(run_to_end(field, order_for({"pwd"})).output == "/tmp\n");
  CHECK(run_shell(field, "ulimit -c; ulimit -n; umask").output == "0\n1024\n0077\n");
  const std::string status = run_to_end(field, order_for({"cat", "/proc/self/status"})).output;
  for (const char* clean : {"NoNewPrivs:\t1\n", "SigBlk:\t0000000000000000\n",
                            "SigIgn:\t0000000000000000\n", "SigCgt:\t0000000000000000\n"}) {
    INFO(clean);
    CHECK(status.find(clean) != std::string::npos);
  }
  signal(SIGUSR1, SIG_DFL);
  unsetenv("GUILD_UNIT_SECRET");
}

TEST_CASE("the pid told is the command's own, leader of its own session and group") {
  Field field;
  const Attempt attempt = run_shell(field, "cut -d' ' -f1,5,6 /proc/$$/stat");
  const std::string pid = std::to_string(attempt.mark->pid);
  CHECK(attempt.output == pid + " " + pid + " " + pid + "\n");
}

TEST_CASE("standard output and standard error come as one stream, in order and whole") {
  Field field;
  CHECK(run_shell(field, "echo one; echo two >&2; echo three").output == "one\ntwo\nthree\n");
  const Attempt large = run_shell(field, "head -c 5000000 /dev/zero | tr '\\0' x; printf end");
  CHECK(large.output.size() == 5'000'003);
  CHECK(large.output.ends_with("xxend"));
}

TEST_CASE("a command whose output is not taken waits, and loses nothing") {
  Field field;
  const auto attempt = begin(field, order_for({"sh", "-c", "echo go; head -c 1000000 /dev/zero"}));
  field.run_until([&] { return attempt->has_printed("go"); });
  attempt->worker->pause_output();
  const std::size_t before = attempt->output.size();
  for (int i = 0; i < 100; ++i) field.loop.poll();
  CHECK(attempt->output.size() <= before + 65'536);
  attempt->worker->resume_output();
  field.run_until([&] { return attempt->has_ended(); });
  CHECK(attempt->output.size() == 1'000'003);
}

TEST_CASE("nothing of a command happens before its gate is opened") {
  Field field;
  ScratchFolder scratch;
  const std::string marker = (scratch.path() / "marker").string();
  const auto attempt = begin(field, order_for({"touch", marker}), Gate::shut);
  field.run_until([&] { return attempt->mark.has_value(); });
  attempt->worker->kill();
  field.run_until([&] { return attempt->has_ended(); });
  CHECK(attempt->report->not_started == "it was ended before the command began");
  CHECK_FALSE(std::filesystem::exists(marker));
}

TEST_CASE("asked to stop, a command that listens ends by SIGTERM, even when it was halted") {
  Field field;
  const auto attempt = begin(field, order_for({"sh", "-c", "echo up; kill -STOP $$"}));
  field.run_until([&] { return attempt->has_printed("up"); });
  attempt->worker->ask_to_stop();
  field.run_until([&] { return attempt->has_ended(); });
  CHECK(attempt->report->signal == SIGTERM);
}

TEST_CASE("killing takes the whole tree, however it is scattered and deaf") {
  Field field;
  const auto attempt = begin(field, order_for({"sh", "-c", tree}));
  field.run_until([&] { return attempt->has_printed("grown"); });
  CHECK(carriers("LEAF=1") == 4);
  attempt->worker->ask_to_stop();
  attempt->worker->kill();
  field.run_until([&] { return attempt->has_ended(); });
  CHECK(attempt->report->signal == SIGKILL);
  CHECK(carriers("LEAF=1") == 0);
  CHECK_FALSE(has_children());
}

TEST_CASE("what a command leaves behind ends with it") {
  Field field;
  const Attempt attempt =
      run_shell(field, "sleep 1000 & (setsid sleep 1000 &) ; echo done", {"LEFT=1"});
  CHECK(attempt.output == "done\n");
  CHECK(attempt.report->exit_code == 0);
  CHECK(carriers("LEFT=1") == 0);
}

TEST_CASE("when guild-worker itself is killed, its task dies whole and has failed") {
  Field field;
  const auto attempt = begin(field, order_for({"sh", "-c", tree}));
  field.run_until([&] { return attempt->has_printed("grown"); });
  kill(attempt->worker->init_pid(), SIGKILL);
  field.run_until(
      [&] { return attempt->has_ended() && carriers("LEAF=1") == 0 && !has_children(); });
  CHECK(attempt->report->signal == SIGKILL);
  CHECK(field.workers->orphans_ended() > 0);
}

TEST_CASE("when the scheduler is gone, the task dies whole") {
  auto spawned = spawn({.program = GUILD_WORKER}, order_for({"sh", "-c", tree}));
  REQUIRE(spawned);
  REQUIRE(write(spawned->control.get(), "g", 1) == 1);
  const int flags = fcntl(spawned->output.get(), F_GETFL);
  fcntl(spawned->output.get(), F_SETFL, flags & ~O_NONBLOCK);
  char word[5]{};
  REQUIRE(read(spawned->output.get(), word, 5) == 5);
  CHECK(carriers("LEAF=1") == 4);
  spawned->control.reset();
  REQUIRE(waitpid(spawned->pid, nullptr, 0) == spawned->pid);
  CHECK(carriers("LEAF=1") == 0);
}

TEST_CASE("two hundred attempts leave no descriptor and no zombie") {
  Field field;
  run_shell(field, ":");
  const auto before = open_descriptors();
  for (int i = 0; i < 50; ++i) {
    std::vector<std::shared_ptr<Attempt>> some;
    some.push_back(begin(field, order_for({"true"})));
    some.push_back(begin(field, order_for({"no-such-command"})));
    some.push_back(begin(field, order_for({"sh", "-c", "sleep 1000 & kill -9 $$"})));
    some.push_back(begin(field, order_for({"true"}), Gate::shut));
    some.back()->worker->kill();
    field.run_until([&] {
      return std::ranges::all_of(some, [](const auto& one) { return one->has_ended(); });
    });
  }
  CHECK(open_descriptors() == before);
  CHECK(field.workers->count() == 0);
  CHECK_FALSE(has_children());
}

TEST_CASE("a missing guild-worker is named when the workers are made") {
  boost::asio::io_context loop;
  const auto made = Workers::make(loop, {.program = "/no/guild-worker"});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == "worker_missing");
  CHECK(made.error().message.find("/no/guild-worker") != std::string::npos);
}
