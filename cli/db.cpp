#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/answers.hpp"
#include "cli/databases.hpp"
#include "cli/nouns.hpp"
#include "common/storage/migrations.hpp"

namespace guild::cli {
namespace {

std::int64_t size_of(const std::filesystem::path& path) {
  std::error_code missing;
  const auto size = std::filesystem::file_size(path, missing);
  return missing ? 0 : static_cast<std::int64_t>(size);
}

Result<void> look_into(const host::Home& home, const host::Settings& settings,
                       const Database& database, DatabaseStatus& status) {
  GUILD_TRY(const auto connection, open_to_read(home, settings, database));
  status.encrypted = true;  // Opening has proven it.
  GUILD_TRY(status.schema_version, storage::schema_version(*connection));
  GUILD_TRY(status.journal_mode, storage::journal_mode(*connection));
  return {};
}

DatabaseStatus status_of(const host::Home& home, const host::Settings& settings,
                         const Database& database) {
  DatabaseStatus status;
  status.file = database.file;
  status.daemon = database.daemon;
  status.bytes = size_of(home.database(database.file));
  status.wal_bytes = size_of(home.database(fmt::format("{}-wal", database.file)));
  if (auto looked = look_into(home, settings, database, status); !looked)
    status.problem = looked.error().text();
  return status;
}

void show(Context& context, const std::vector<DatabaseStatus>& statuses) {
  if (context.json()) {
    for (const DatabaseStatus& status : statuses) context.out.line(messages::encode(status));
    return;
  }
  std::vector<Row> rows;
  for (const DatabaseStatus& status : statuses)
    rows.push_back({status.file,
                    {status.problem ? "FAIL" : "yes", status.problem ? Colour::red : Colour::green},
                    format_bytes(status.bytes),
                    format_bytes(status.wal_bytes),
                    fmt::to_string(status.schema_version),
                    status.journal_mode,
                    status.problem.value_or("")});
  context.out.table({{"FILE"},
                     {"ENCRYPTED"},
                     {"SIZE", Align::right},
                     {"WAL", Align::right},
                     {"SCHEMA", Align::right},
                     {"JOURNAL"},
                     {""}},
                    rows);
}

/// A home whose daemons never ran has nothing to look at, which is no proof of anything.
Result<std::vector<Database>> databases_there(const host::Home& home) {
  std::vector<Database> there;
  std::ranges::copy_if(databases, std::back_inserter(there),
                       [&home](const Database& each) { return exists(home, each); });
  if (there.empty())
    return fail(ErrorKind::not_found, "file_missing",
                fmt::format("{}: no database there yet", home.data().string()),
                "scripts/run_system start makes them; or name another home with --home");
  return there;
}

Result<Exit> status(Context& context) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const host::Settings settings, context.settings(home));
  GUILD_TRY(const auto there, databases_there(home));
  std::vector<DatabaseStatus> statuses;
  for (const Database& database : there) statuses.push_back(status_of(home, settings, database));
  show(context, statuses);
  const bool sound = std::ranges::none_of(
      statuses, [](const DatabaseStatus& each) { return each.problem.has_value(); });
  return sound ? Exit::ok : Exit::failed;
}

Result<std::vector<std::string>> problems_in(const host::Home& home, const host::Settings& settings,
                                             const Database& database) {
  GUILD_TRY(const auto connection, open_to_read(home, settings, database));
  return storage::check_integrity(*connection);
}

DatabaseVerdict verdict_on(const host::Home& home, const host::Settings& settings,
                           const Database& database) {
  DatabaseVerdict verdict;
  verdict.file = database.file;
  if (auto problems = problems_in(home, settings, database)) {
    // A bound for the answer; a file with so many is lost anyway.
    const auto count = std::min(problems->size(), decltype(verdict.problems)::size_max);
    verdict.problems.assign(problems->begin(),
                            problems->begin() + static_cast<std::ptrdiff_t>(count));
  } else {
    verdict.problems = {problems.error().text()};
  }
  verdict.ok = verdict.problems.empty();
  return verdict;
}

void show(Context& context, const DatabaseVerdict& verdict) {
  if (context.json()) return context.out.line(messages::encode(verdict));
  context.out.line(fmt::format(
      "{}  {}{}",
      context.out.paint(verdict.ok ? Colour::green : Colour::red, verdict.ok ? "ok  " : "FAIL"),
      verdict.file, verdict.ok ? ": every page is sound" : ""));
  for (const std::string& problem : verdict.problems)
    context.out.line("      " + escape_to_ascii(problem));
}

Result<Exit> check(Context& context) {
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const host::Settings settings, context.settings(home));
  GUILD_TRY(const auto there, databases_there(home));
  std::vector<std::string> damaged;
  for (const Database& database : there) {
    context.out.overwrite(fmt::format("checking {}", database.file));
    const DatabaseVerdict verdict = verdict_on(home, settings, database);
    show(context, verdict);
    context.out.flush();
    if (!verdict.ok)
      damaged.push_back(fmt::format("{}: {}", database.file, verdict.problems.front()));
  }
  if (damaged.empty()) return Exit::ok;
  return fail(ErrorKind::failed, "corrupt", fmt::to_string(fmt::join(damaged, "; ")),
              "stop the suite and restore the file from its backup; the others are sound if they "
              "are not named");
}

}  // namespace

void add_db(Command& root) {
  Command& noun = root.add("db", "the database files; whether daemons run or not");
  noun.add("status", "size, encryption, schema and journal of each").runs(status);
  noun.add("check", "every page of each, against its HMAC and its tables").runs(check);
}

}  // namespace guild::cli
