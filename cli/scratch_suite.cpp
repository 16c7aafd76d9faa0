#include "cli/scratch_suite.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>

#include "cli/child.hpp"
#include "cli/command.hpp"
#include "cli/health.hpp"
#include "common/base/file.hpp"
#include "keys/keyring.hpp"

extern char** environ;  // NOLINT: POSIX names it so.

namespace guild::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr Duration start_limit = std::chrono::seconds(60);
constexpr std::array<std::string_view, 1> ledgerd = {"ledgerd"};

/// Beside this program, or where an installation or a build has the daemons.
Result<fs::path> find_program(std::string_view daemon) {
  std::error_code problem;
  const fs::path self = fs::read_symlink("/proc/self/exe", problem).parent_path();
  const std::string name = fmt::format("guild-{}", daemon);
  for (const fs::path& folder :
       {self, self / "../bin", self / "../libexec/guildhall", self / ".." / daemon}) {
    if (::access((folder / name).c_str(), X_OK) == 0) return folder / name;
  }
  return fail(ErrorKind::not_found, "program_missing",
              fmt::format("{} is not beside {}", name, self.string()), "build or install it");
}

Result<fs::path> make_home() {
  const char* const given = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): one thread.
  std::string path = fmt::format("{}/guild-XXXXXX", given != nullptr ? given : "/var/tmp");
  if (::mkdtemp(path.data()) == nullptr) return fail(system_error("make a folder", errno));
  return fs::path(path);
}

/// Settings of the real suite are not for this one.
void forget_settings() {
  std::vector<std::string> names;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable(*each);
    if (variable.starts_with("GUILD_")) names.emplace_back(variable.substr(0, variable.find('=')));
  }
  for (const std::string& name : names)
    ::unsetenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread.
}

Result<pid_t> spawn(std::vector<std::string> words, const fs::path& output) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = -1;
  const int problem =
      ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) return fail(system_error("start a daemon", problem));
  return pid;
}

}  // namespace

ScratchSuite::ScratchSuite(Output& output)
    : context_(std::make_unique<Context>(globals_, output)) {}

Result<std::unique_ptr<ScratchSuite>> ScratchSuite::start(Output& output) {
  forget_settings();
  std::unique_ptr<ScratchSuite> suite(new ScratchSuite(output));
  GUILD_CHECK(suite->prepare());
  GUILD_CHECK(suite->start_daemon("broker"));
  GUILD_CHECK(suite->start_daemon("ledgerd"));
  GUILD_CHECK(suite->wait_ready());
  return suite;
}

Result<void> ScratchSuite::prepare() {
  GUILD_TRY(home_, make_home());
  globals_.home = home_.string();
  GUILD_CHECK(keys::init(home_ / "keys"));
  std::error_code problem;
  for (const char* const folder : {"data", "run"}) fs::create_directory(home_ / folder, problem);
  if (problem) return fail(system_error("make a folder", problem.value()));
  return {};
}

Result<void> ScratchSuite::start_daemon(std::string_view name) {
  GUILD_TRY(const fs::path program, find_program(name));
  GUILD_TRY(const pid_t pid,
            spawn({"guild", "ledger", "scratch-daemon", program.string(), home_.string()},
                  home_ / "run" / (std::string(name) + ".out")));
  daemons_.push_back({name, pid});
  return {};
}

Result<void> ScratchSuite::wait_ready() {
  GUILD_CHECK(wait_until_ready(*context_, ledgerd, start_limit));
  return {};
}

Result<Duration> ScratchSuite::restart_ledgerd() {
  stop_last();
  const auto start = Clock::now();
  GUILD_CHECK(start_daemon("ledgerd"));
  GUILD_CHECK(wait_ready());
  return Clock::now() - start;
}

void ScratchSuite::stop_last() {
  const Daemon daemon = daemons_.back();
  daemons_.pop_back();
  ::kill(daemon.pid, SIGTERM);
  int status = 0;
  while (::waitpid(daemon.pid, &status, 0) < 0 && errno == EINTR) {
  }
}

ScratchSuite::~ScratchSuite() {
  while (!daemons_.empty()) stop_last();
  std::error_code ignored;
  if (!home_.empty()) fs::remove_all(home_, ignored);
}

void add_scratch_daemon(Command& noun) {
  struct Words {
    std::string program, home;
  };
  const auto words = std::make_shared<Words>();
  noun.add("scratch-daemon", "a daemon of a bench; started by bench itself")
      .takes("PROGRAM", words->program, "its path")
      .takes("HOME", words->home, "the scratch home")
      .hidden()
      .runs([words](Context&) -> Result<Exit> {
        die_with_parent();
        ::execl(words->program.c_str(), words->program.c_str(), "--home", words->home.c_str(),
                static_cast<char*>(nullptr));
        return fail(system_error("start a daemon", errno));
      });
}

}  // namespace guild::cli
