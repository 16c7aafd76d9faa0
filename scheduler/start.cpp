// How the scheduler starts: what it needs of the machine and the home, in order.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "common/log/log.hpp"
#include "keys/keyring.hpp"
#include "scheduler/confinement.hpp"
#include "scheduler/schema.hpp"
#include "scheduler/service.hpp"

namespace guild::scheduler {
namespace {

namespace fs = std::filesystem;

/// guild-worker lies beside this program, in a build as in an installation.
Result<fs::path> worker_program() {
  std::error_code problem;
  const fs::path self = fs::read_symlink("/proc/self/exe", problem);
  if (problem) return fail(system_error("find the program's own folder", problem.value()));
  return self.parent_path() / "guild-worker";
}

/// Each worker takes three descriptors here; the store and the bus take some too.
Result<void> make_room_for_descriptors(std::int64_t workers) {
  const auto needed = static_cast<rlim_t>(256 + 4 * workers);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fail(system_error("read the limit of open files", errno));
  if (limit.rlim_cur >= needed) return {};
  if (limit.rlim_max < needed) {
    return fail(ErrorKind::exhausted, "too_few_descriptors",
                fmt::format("{} workers need {} open files, and {} are allowed", workers, needed,
                            limit.rlim_max),
                "raise the limit (ulimit -n, LimitNOFILE=), or lower [scheduler] workers_max");
  }
  limit.rlim_cur = needed;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fail(system_error("raise the limit of open files", errno));
  return {};
}

/// By their real paths: Landlock and the comparison with a task's folder both need those.
std::vector<std::string> hidden_folders(const host::Home& home) {
  std::vector<std::string> hidden;
  for (const fs::path& folder : {home.keys(), home.data(), home.run()}) {
    std::error_code problem;
    const fs::path real = fs::canonical(folder, problem);
    hidden.push_back(problem ? folder.string() : real.string());
  }
  return hidden;
}

void tell_confinement(int abi) {
  if (abi == 0) {
    GUILD_LOG(
        warn, "workers",
        "this kernel offers no Landlock: a command can read what the scheduler can, the suite's "
        "keys among it, so run only what you trust");
  } else {
    GUILD_LOG(info, "workers", "commands are confined by Landlock, ABI {}", abi);
  }
  if (geteuid() == 0) {
    GUILD_LOG(
        warn, "workers",
        "the scheduler runs as root, and no other user is configured for commands: they run as "
        "root too, with fewer capabilities; start the suite as a user of its own");
  }
}

std::vector<std::string> allowed_roots(const host::Settings& settings) {
  const auto& roots = settings.scheduler.allowed_roots;
  return {roots.begin(), roots.end()};
}

}  // namespace

Result<std::unique_ptr<host::Service>> Service::start(host::Host& host) {
  const host::Home& home = host.home();
  GUILD_TRY(auto connection, host.open_database("scheduler.db", schema()));
  GUILD_TRY(auto reader, host.open_reader("scheduler.db"));
  GUILD_TRY(const auto token_hash, keys::load_operator_token_hash(home.keys(), "scheduler"));
  GUILD_CHECK(make_room_for_descriptors(host.settings().scheduler.workers_max));

  const int abi = landlock_abi();
  WorkerSetup setup{.hidden = hidden_folders(home), .is_confined = abi > 0};
  GUILD_TRY(setup.program, worker_program());
  Parts parts{.authority = Authority(token_hash),
              .folders = Folders(home.root / "work", allowed_roots(host.settings()), setup.hidden),
              .is_confined = setup.is_confined};
  GUILD_CHECK(parts.folders.make());
  GUILD_TRY(parts.workers, Workers::make(host.loop(), std::move(setup)));
  parts.store = std::make_unique<Store>(
      std::move(connection), std::move(reader),
      [&host](std::function<void()> work) { host.post(std::move(work)); },
      [&host](const Error& error) { host.stop(error); });

  std::unique_ptr<Service> service(new Service(host, std::move(parts)));
  if (auto recovered = service->recover(); !recovered)
    return fail(std::move(recovered).error().while_doing("recover"));
  tell_confinement(abi);
  service->serve();
  return service;
}

}  // namespace guild::scheduler
