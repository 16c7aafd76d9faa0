#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/checks.hpp"
#include "cli/health.hpp"

namespace guild::cli {
namespace {

constexpr std::string_view log_consumer = "logconsumer";

Finding judge_daemon(const DaemonStatus& status) {
  const std::string check = fmt::format("daemon {}", status.name);
  if (status.ready)
    return {check, Verdict::ok, fmt::format("ready, pid {}", status.pid.value_or(0)), {}};
  const bool is_down = status.state == "down";
  return {check, is_down ? Verdict::warn : Verdict::fail, status.reason.value_or("not ready"),
          is_down ? "scripts/run_system start"
                  : "see guild logs query --daemon " + status.name +
                        ", and run_system restart if it hangs"};
}

/// The broker tells who is confirmed to receive our log lines; nobody means that every process
/// keeps its lines in memory.
Findings check_log_consumer(Context& context, Session& session) {
  const std::string topic = fmt::format("logs/{}/doctor", session.client().own_name());
  std::optional<std::vector<std::string>> receivers;
  const auto watched = session.client().watch(
      topic, [&receivers](const std::vector<std::string>& names) { receivers = names; });
  if (watched)
    session.wait([&] { return receivers.has_value(); }, context.timeout_or(health_limit),
                 "who receives log lines");
  if (!receivers)
    return {{"log lines", Verdict::warn, "the broker did not say who receives them",
             "try again; see guild status"}};
  if (std::ranges::find(*receivers, log_consumer) == receivers->end())
    return {{"log lines", Verdict::fail, "no log consumer receives them; they wait in memory",
             "scripts/run_system start"}};
  return {{"log lines", Verdict::ok, "the log consumer receives them", {}}};
}

}  // namespace

Findings judge_daemons(const std::vector<DaemonStatus>& statuses) {
  if (std::ranges::all_of(statuses, [](const auto& each) { return each.state == "down"; }))
    return {{"daemons", Verdict::warn, "none runs", "scripts/run_system start"}};
  Findings findings;
  for (const DaemonStatus& status : statuses) findings.push_back(judge_daemon(status));
  return findings;
}

Findings check_running(Context& context, const host::Home& home) {
  auto session = Session::open_as(context, context.client_name(), context.timeout_or(health_limit),
                                  Patience::none);
  if (!session) {
    auto statuses = ask_health(context, host::daemon_names);
    if (!statuses)
      return {{"bus", Verdict::fail, statuses.error().message, statuses.error().next_step}};
    return judge_daemons(*statuses);
  }
  Findings findings = judge_daemons(
      ask_health(*session, home, host::daemon_names, context.timeout_or(health_limit)));
  std::ranges::copy(check_log_consumer(context, *session), std::back_inserter(findings));
  return findings;
}

}  // namespace guild::cli
