#include "common/host/host.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "common/base/complain.hpp"
#include "common/host/arguments.hpp"
#include "common/host/config.hpp"
#include "common/host/daemon.hpp"
#include "common/host/exit_code.hpp"
#include "common/host/process.hpp"
#include "common/host/shutdown.hpp"

namespace guild::host {
namespace {

/// Config and keys, read and checked; nothing is changed yet.
struct Checked {
  Home home;
  Settings settings;
  std::string endpoint;
  keys::ClientKeys keys;
};

Result<void> check_home(const Home& home) {
  std::error_code ignored;
  if (std::filesystem::is_directory(home.root, ignored)) return {};
  return fail(ErrorKind::not_found, "home_missing",
              home.root.string() + ": there is no such folder",
              "check --home and GUILD_HOME, or make it: guild keys init");
}

Result<Checked> check(std::string_view daemon, const Arguments& arguments) {
  GUILD_TRY(Home home, Home::find(arguments.home));
  GUILD_CHECK(check_home(home));
  GUILD_TRY(Settings settings, load_settings(home, process_environment()));
  GUILD_TRY(std::string endpoint, bus_endpoint(home, settings));
  GUILD_CHECK(keys::check_files_of(home.keys(), daemon));
  GUILD_TRY(keys::ClientKeys keys, keys::load_client(home.keys(), daemon));
  return Checked{std::move(home), std::move(settings), std::move(endpoint), std::move(keys)};
}

std::optional<Instant> modified_at(const std::filesystem::path& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return {};
  return Instant{static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 +
                 found.st_mtim.tv_nsec};
}

Result<void> remove_stale(const std::filesystem::path& path, std::vector<std::string>& reports) {
  std::error_code problem;
  std::filesystem::remove(path, problem);
  if (problem) return fail(system_error("remove the stale " + path.string(), problem.value()));
  reports.push_back(path.string() + " was older than this start: removed");
  return {};
}

Result<std::vector<std::string>> settle_shutdown_files(std::string_view daemon, const Home& home,
                                                       Instant started_at) {
  const auto others = others_than(daemon);
  const StartDecision decision =
      decide_start({.own_file = modified_at(home.shutdown(daemon)),
                    .system_file = modified_at(home.system_shutdown()),
                    .started_at = started_at,
                    .others_run = std::ranges::any_of(others, [&](std::string_view other) {
                      return lock_holder(home.lock(other)).has_value();
                    })});
  if (decision.refuse)
    return fail(ErrorKind::unavailable, "suite_stopping",
                home.system_shutdown().string() + ": the suite is stopping, nothing starts",
                "wait until it has stopped: scripts/run_system status");
  std::vector<std::string> reports;
  if (decision.remove_own) GUILD_CHECK(remove_stale(home.shutdown(daemon), reports));
  if (decision.remove_system) GUILD_CHECK(remove_stale(home.system_shutdown(), reports));
  for (const std::string& report : reports) complain(daemon, report);
  return reports;
}

Result<Prepared> prepare(std::string_view daemon, Checked checked, Instant started_at) {
  const Home& home = checked.home;
  GUILD_CHECK(ensure_private_folder(home.run()));
  GUILD_CHECK(ensure_private_folder(home.data()));
  GUILD_TRY(Lock lock, Lock::take(home.lock(daemon), daemon));
  GUILD_TRY(auto reports, settle_shutdown_files(daemon, home, started_at));
  std::error_code ignored;
  std::filesystem::remove(home.ready(daemon), ignored);  // A killed one's.
  return Prepared{.name = std::string(daemon),
                  .home = std::move(checked.home),
                  .settings = std::move(checked.settings),
                  .endpoint = std::move(checked.endpoint),
                  .keys = std::move(checked.keys),
                  .lock = std::move(lock),
                  .reports = std::move(reports)};
}

log::Level to_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return log::Level::debug;
    case LogLevel::info:
      return log::Level::info;
    case LogLevel::warn:
      return log::Level::warn;
    case LogLevel::error:
      return log::Level::error;
    case LogLevel::critical:
      break;
  }
  return log::Level::critical;
}

void start_log(std::string_view daemon, const LogSettings& settings) {
  log::start({.process_name = std::string(daemon),
              .level = to_level(settings.level),
              .buffer_records_max = static_cast<std::size_t>(settings.buffer_records_max.value),
              .buffer_bytes_max = static_cast<std::size_t>(settings.buffer_bytes_max.value),
              .fallback_after = settings.fallback_after,
              .stderr_too = ::isatty(STDERR_FILENO) == 1});
}

int refuse(std::string_view daemon, const Error& error) {
  complain(daemon, "cannot start: " + error.text());
  return exit_code(error.kind);
}

int live(Prepared prepared, const Start& start) {
  const std::string name = prepared.name;
  start_log(name, prepared.settings.log);
  Daemon daemon(std::move(prepared));
  auto started = daemon.open();
  if (started) started = daemon.start(start);
  if (started) return daemon.run();
  log::stop();
  return refuse(name, started.error());
}

int print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}

int act(std::string_view daemon, const Arguments& arguments, const Start& start,
        Instant started_at) {
  if (arguments.action == Action::print_help) return print(help_text(daemon));
  if (arguments.action == Action::print_version)
    return print(fmt::format("{} {}\n", daemon, version()));
  auto checked = check(daemon, arguments);
  if (!checked) return refuse(daemon, checked.error());
  if (arguments.action == Action::check_config)
    return print(fmt::format("{}: config and keys of {} are in order\n", daemon,
                             checked->home.root.string()));
  auto prepared = prepare(daemon, std::move(*checked), started_at);
  if (!prepared) return refuse(daemon, prepared.error());
  return live(std::move(*prepared), start);
}

}  // namespace

int run(std::string_view daemon, int argc, char** argv, const Start& start) {
  const Instant started_at = file_clock_now();
  prepare_process();
  const std::vector<std::string_view> words(argv + std::min(argc, 1), argv + argc);
  // Asio and the standard library throw where a machine has no memory or no descriptors left.
  try {
    const auto arguments = parse_arguments(words);
    if (!arguments) return refuse(daemon, arguments.error());
    return act(daemon, *arguments, start, started_at);
  } catch (const std::exception& problem) {
    complain(daemon, fmt::format("cannot go on: {}", problem.what()));
    return 1;
  }
}

}  // namespace guild::host
