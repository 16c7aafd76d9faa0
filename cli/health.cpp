#include "cli/health.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/home_state.hpp"

namespace guild::cli {
namespace {

std::string why_silent(std::string_view name, const Error& error, std::int64_t pid) {
  if (is_daemon_down(error))
    return fmt::format("{} runs (pid {}) but has not joined the bus: {}", name, pid, error.message);
  return fmt::format("{} runs (pid {}) but does not answer: {}", name, pid, error.message);
}

}  // namespace

DaemonStatus status_of(std::string_view name, const Result<messages::Health>& health,
                       std::optional<std::int64_t> lock_holder,
                       std::optional<std::string> gave_up) {
  DaemonStatus status;
  status.name = name;
  if (health) {
    status.pid = health->pid;
    status.ready = health->ready;
    status.uptime_s = health->uptime_s;
    status.rss_bytes = health->rss_bytes;
    status.state = health->state;
    if (!health->ready) status.reason = fmt::format("it is {}", health->state);
    return status;
  }
  status.pid = lock_holder;
  status.state = lock_holder ? "silent" : "down";
  if (lock_holder)
    status.reason = why_silent(name, health.error(), *lock_holder);
  else if (gave_up)
    status.reason = fmt::format("the supervisor gave it up: {}", *gave_up);
  else
    status.reason = "not running";
  return status;
}

namespace {

std::vector<DaemonStatus> statuses_of(const host::Home& home,
                                      std::span<const std::string_view> names,
                                      const std::vector<Result<messages::Health>>& answers) {
  std::vector<DaemonStatus> statuses;
  for (std::size_t i = 0; i < names.size(); ++i)
    statuses.push_back(
        status_of(names[i], answers[i], running_pid(home, names[i]), gave_up(home, names[i])));
  return statuses;
}

}  // namespace

std::vector<DaemonStatus> ask_health(Session& session, const host::Home& home,
                                     std::span<const std::string_view> names, Duration limit) {
  const Error unanswered{ErrorKind::timeout, "timeout",
                         fmt::format("no answer within {}", to_text(limit)), ""};
  // Shared: an answer may still come when the wait is over.
  const auto answers = std::make_shared<std::vector<Result<messages::Health>>>(
      names.size(), std::unexpected(unanswered));
  const auto waiting = std::make_shared<std::size_t>(0);
  for (std::size_t i = 0; i < names.size(); ++i) {
    ++*waiting;
    const auto sent = session.client().request(
        fmt::format("{}/health", names[i]), messages::encode(messages::Nothing{}), limit,
        [answers, waiting, i](Result<std::string> came) {
          --*waiting;
          (*answers)[i] = came ? messages::decode<messages::Health>(*came)
                               : Result<messages::Health>(std::unexpected(came.error()));
        });
    if (sent) continue;
    --*waiting;
    (*answers)[i] = std::unexpected(sent.error());
  }
  session.wait([&] { return *waiting == 0; }, limit, "the daemons' answers");
  return statuses_of(home, names, *answers);
}

Result<std::vector<DaemonStatus>> ask_health(Context& context,
                                             std::span<const std::string_view> names) {
  GUILD_TRY(const host::Home home, context.home());
  const Duration limit = context.timeout_or(health_limit);
  auto session = Session::open_as(context, context.client_name(), limit, Patience::none);
  if (session) return ask_health(*session, home, names, limit);
  const ErrorKind kind = session.error().kind;
  if (kind != ErrorKind::unavailable && kind != ErrorKind::timeout)
    return fail(std::move(session).error());
  return statuses_of(home, names,
                     {names.size(), Result<messages::Health>(std::unexpected(session.error()))});
}

}  // namespace guild::cli
