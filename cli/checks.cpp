#include "cli/checks.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include <fmt/format.h>

#include "cli/databases.hpp"
#include "cli/home_state.hpp"
#include "common/storage/migrations.hpp"
#include "keys/keyring.hpp"
#include "keys/roles.hpp"
#include "ledgerd/maker.hpp"

namespace guild::cli {
namespace {

/// Below this a start is refused: SQLite could not even write back a full WAL.
constexpr std::uint64_t free_bytes_min = 64U << 20U;
constexpr std::uint64_t free_bytes_wanted = 1U << 30U;

Finding ok(std::string check, std::string detail) {
  return {std::move(check), Verdict::ok, std::move(detail), {}};
}
Finding warn(std::string check, std::string detail, std::string next_step) {
  return {std::move(check), Verdict::warn, std::move(detail), std::move(next_step)};
}
Finding failed(std::string check, const Error& error) {
  return {std::move(check), Verdict::fail, error.message,
          error.next_step.empty() ? std::optional<std::string>{} : error.next_step};
}
Finding failed(std::string check, std::string detail, std::string next_step) {
  return {std::move(check), Verdict::fail, std::move(detail), std::move(next_step)};
}

/// Others who can write the home can put their own keys and config there.
Finding check_folder(const std::filesystem::path& folder, mode_t forbidden) {
  struct stat found{};
  if (::stat(folder.c_str(), &found) != 0)
    return failed("home", system_error(folder.string(), errno));
  if (!S_ISDIR(found.st_mode))
    return failed("home", folder.string() + " is not a folder", "name another with --home");
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0)
    return failed("home",
                  fmt::format("{}: we (uid {}) may not use it", folder.string(), ::geteuid()),
                  "run as its owner, or name another with --home");
  if ((found.st_mode & forbidden) != 0)
    return failed(
        "home",
        fmt::format("{}: mode {:04o} lets others in", folder.string(), found.st_mode & 07777U),
        fmt::format("run: chmod go-rwx {}", folder.string()));
  return ok("home", folder.string());
}

Finding check_master_key(const host::Home& home) {
  const std::filesystem::path path = home.keys() / "master.key";
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0)
    return failed("keys", fmt::format("{}: the master key is missing", path.string()),
                  "restore it from its backup: every database key derives from it");
  if (!S_ISREG(found.st_mode) || (found.st_mode & 077U) != 0)
    return failed("keys",
                  fmt::format("{}: mode {:04o} lets others at the master key", path.string(),
                              found.st_mode & 07777U),
                  fmt::format("run: chmod 600 {}", path.string()));
  return ok("keys", path.string());
}

/// Without its own files a daemon refuses to start, and so does the command without the operator's.
Findings check_files_of_all(const host::Home& home) {
  Findings problems;
  const auto check = [&](std::string_view owner) {
    if (auto checked = keys::check_files_of(home.keys(), owner); !checked)
      problems.push_back(failed("keys", checked.error()));
  };
  for (const std::string_view daemon : host::daemon_names) check(daemon);
  check("operator");
  return problems;
}

Finding check_database(const host::Home& home, const host::Settings& settings,
                       const Database& database) {
  const std::string check = fmt::format("database {}", database.file);
  if (!exists(home, database)) return ok(check, "not made yet");
  auto connection = open_to_read(home, settings, database);
  if (!connection) return failed(check, connection.error());
  const auto version = storage::schema_version(**connection);
  if (!version) return failed(check, version.error());
  return ok(check, fmt::format("opens with {}'s key, schema {}", database.daemon, *version));
}

}  // namespace

Findings check_home(const host::Home& home) {
  Findings findings{check_folder(home.root, 022)};
  std::error_code ignored;
  for (const auto& folder : {home.data(), home.run()}) {
    if (!std::filesystem::exists(folder, ignored)) continue;
    if (Finding finding = check_folder(folder, 077); finding.verdict != Verdict::ok)
      findings.push_back(std::move(finding));
  }
  return findings;
}

Findings check_config(Context& context, const host::Home& home) {
  const auto settings = context.settings(home);
  if (!settings) return {failed("config", settings.error())};
  std::error_code ignored;
  return {ok("config", std::filesystem::exists(home.config(), ignored)
                           ? home.config().string()
                           : home.config().string() + " is not there: all defaults")};
}

Findings check_bus_address(const host::Home& home, const host::Settings& settings) {
  const auto endpoint = host::bus_endpoint(home, settings);
  if (!endpoint) return {failed("bus address", endpoint.error())};
  return {ok("bus address", *endpoint)};
}

/// A list that was made by an earlier version: the daemon would be refused what it does today.
Findings check_permissions(const std::vector<keys::AuthorizedClient>& clients) {
  Findings findings;
  for (const keys::AuthorizedClient& client : clients) {
    const keys::Role* role = keys::find_role(client.role);
    if (role == nullptr || !role->of_daemon) continue;
    const auto missing = keys::missing_permissions(client);
    if (!missing || missing->empty()) continue;
    findings.push_back(warn(
        "permissions",
        fmt::format("the list does not let {} {} {}{}", client.name, missing->front().field,
                    missing->front().pattern,
                    missing->size() == 1 ? "" : fmt::format(", and {} more", missing->size() - 1)),
        fmt::format("guild keys extend {}", client.name)));
  }
  return findings;
}

Findings check_keys(const host::Home& home) {
  const auto clients = keys::load_authorized_clients(home.keys());
  if (!clients) return {failed("keys", clients.error())};
  Findings findings = check_files_of_all(home);
  for (Finding& each : check_permissions(*clients)) findings.push_back(std::move(each));
  if (Finding master = check_master_key(home); master.verdict != Verdict::ok)
    findings.push_back(std::move(master));
  if (findings.empty())
    findings.push_back(ok(
        "keys", fmt::format("{} clients listed, every secret closed to others", clients->size())));
  return findings;
}

Findings check_databases(const host::Home& home, const host::Settings& settings) {
  Findings findings;
  for (const Database& database : databases)
    findings.push_back(check_database(home, settings, database));
  return findings;
}

namespace {

Result<ledgerd::economy::Questions> read_questions(const host::Settings& settings) {
  GUILD_TRY(const auto terms,
            ledgerd::economy::question_terms(settings.market_maker, settings.economy));
  return ledgerd::read_question_file(settings.market_maker.questions.value_or("").value, terms);
}

/// As if the treasury could pay for all of them.
Result<ledgerd::economy::MakerPlan> plan_by_the_book(const host::Home& home,
                                                     const host::Settings& settings) {
  GUILD_TRY(const auto questions, read_questions(settings));
  ledgerd::economy::MakerFacts facts;
  if (const Database& book = database_in("ledger.db"); exists(home, book)) {
    GUILD_TRY(const auto file, open_to_read(home, settings, book));
    GUILD_TRY(facts, ledgerd::maker_facts(*file, settings.economy, now()));
  }
  facts.room = settings.economy.markets_open_max;
  facts.treasury = Money::of_units(std::numeric_limits<std::int64_t>::max());
  return ledgerd::economy::plan(questions, facts, settings.market_maker.open_min);
}

}  // namespace

Findings check_questions(const host::Settings& settings) {
  if (!settings.market_maker.questions) return {ok("market maker", "off: it has no questions")};
  const auto questions = read_questions(settings);
  if (!questions) return {failed("market maker", questions.error())};
  return {ok("market maker", fmt::format("{} questions in {}", questions->size(),
                                         settings.market_maker.questions->value))};
}

Findings check_questions_left(const host::Home& home, const host::Settings& settings) {
  // A file that cannot be read is told by the check above.
  if (!settings.market_maker.questions || !read_questions(settings)) return {};
  const auto plan = plan_by_the_book(home, settings);
  if (!plan) return {warn("market maker", plan.error().message, plan.error().next_step)};
  return {judge_questions(settings.market_maker.questions->value, *plan)};
}

Finding judge_questions(const std::string& file, const ledgerd::economy::MakerPlan& plan) {
  if (plan.lack == ledgerd::economy::MakerLack::questions)
    return warn("market maker", "fewer questions are left than markets should be open",
                "add some to " + file);
  return ok("market maker",
            fmt::format("{} questions can be asked", plan.left + std::ssize(plan.asks)));
}

Finding judge_free_space(const std::string& place, std::uint64_t free_bytes) {
  const std::string detail =
      fmt::format("{} free for {}", format_bytes(static_cast<std::int64_t>(free_bytes)), place);
  if (free_bytes < free_bytes_min)
    return failed("disk", detail, fmt::format("free at least {}", format_bytes(free_bytes_min)));
  if (free_bytes < free_bytes_wanted)
    return warn("disk", detail, "free some before the databases need it");
  return ok("disk", detail);
}

Findings check_disk(const host::Home& home) {
  std::error_code ignored;
  const auto place = std::filesystem::exists(home.data(), ignored) ? home.data() : home.root;
  struct statvfs found{};
  if (::statvfs(place.c_str(), &found) != 0)
    return {failed("disk", system_error(place.string(), errno))};
  return {judge_free_space(place.string(), std::uint64_t{found.f_bavail} * found.f_frsize)};
}

Findings check_leftovers(const host::Home& home) {
  Findings findings;
  for (const std::string_view daemon : host::daemon_names) {
    if (const auto why = gave_up(home, daemon); why && !running_pid(home, daemon))
      findings.push_back(warn("supervisor", fmt::format("it gave {} up: {}", daemon, *why),
                              fmt::format("see {}/{}.out, then scripts/run_system restart",
                                          home.run().string(), daemon)));
  }
  if (findings.empty()) findings.push_back(ok("supervisor", "has given nothing up"));
  return findings;
}

}  // namespace guild::cli
