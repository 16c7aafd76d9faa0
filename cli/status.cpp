#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/context.hpp"
#include "cli/health.hpp"
#include "cli/nouns.hpp"

namespace guild::cli {
namespace {

struct StatusArguments {
  std::optional<std::string> daemon;
  std::optional<Duration> wait;
};

Result<std::vector<std::string_view>> names_asked_for(const std::optional<std::string>& daemon) {
  const std::vector<std::string_view> all(std::begin(host::daemon_names),
                                          std::end(host::daemon_names));
  if (!daemon) return all;
  const auto found = std::ranges::find(all, *daemon);
  if (found == all.end())
    return fail(ErrorKind::invalid, "daemon_unknown",
                fmt::format("{} is no daemon", guild::quoted(*daemon)),
                fmt::format("the daemons are {}", fmt::join(all, ", ")));
  return std::vector{*found};
}

std::string shown(const std::optional<std::int64_t>& number) {
  return number ? fmt::to_string(*number) : "-";
}

Row row_of(const DaemonStatus& status) {
  return {status.name,
          {status.state, status.ready ? Colour::green : Colour::red},
          shown(status.pid),
          status.uptime_s ? to_text(std::chrono::seconds(*status.uptime_s)) : "-",
          status.rss_bytes ? format_bytes(*status.rss_bytes) : "-",
          status.ready ? "" : status.reason.value_or("")};
}

void show(Context& context, const std::vector<DaemonStatus>& statuses) {
  if (context.json()) {
    for (const DaemonStatus& status : statuses) context.out.line(messages::encode(status));
    return;
  }
  std::vector<Row> rows;
  for (const DaemonStatus& status : statuses) rows.push_back(row_of(status));
  context.out.table({{"DAEMON"},
                     {"STATE"},
                     {"PID", Align::right},
                     {"UPTIME", Align::right},
                     {"RSS", Align::right},
                     {""}},
                    rows);
}

Result<Exit> status(Context& context, const StatusArguments& arguments) {
  GUILD_TRY(const auto names, names_asked_for(arguments.daemon));
  GUILD_TRY(const auto statuses, arguments.wait ? wait_until_ready(context, names, *arguments.wait)
                                                : ask_health(context, names));
  show(context, statuses);
  return std::ranges::all_of(statuses, &DaemonStatus::ready) ? Exit::ok : Exit::failed;
}

}  // namespace

void add_status(Command& root) {
  const auto arguments = std::make_shared<StatusArguments>();
  root.add("status", "how each daemon is, asked over the encrypted bus")
      .option("--daemon", "NAME", arguments->daemon, "this one only")
      .option("--wait", "TIME", arguments->wait, "until it is ready, at most so long")
      .runs([arguments](Context& context) { return status(context, *arguments); });
}

}  // namespace guild::cli
