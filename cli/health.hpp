// How the daemons are, by encrypted health requests sent to all at once, and the wait until they
// are ready. Used by `status` and `doctor`.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cli/answers.hpp"
#include "cli/context.hpp"
#include "cli/session.hpp"
#include "common/messages/suite.hpp"

namespace guild::cli {

inline constexpr Duration health_limit = std::chrono::seconds(2);

/// One status for each of `names`, in their order, whether the broker answers or not. An error is
/// only ours: no home, no key, a key that is refused.
Result<std::vector<DaemonStatus>> ask_health(Context& context,
                                             std::span<const std::string_view> names);
std::vector<DaemonStatus> ask_health(Session& session, const host::Home& home,
                                     std::span<const std::string_view> names, Duration limit);

/// Pure: what a daemon's answer (or the lack of one), its lock's holder and the supervisor's note
/// say together.
DaemonStatus status_of(std::string_view name, const Result<messages::Health>& health,
                       std::optional<std::int64_t> lock_holder, std::optional<std::string> gave_up);

/// Until all of `names` answer that they are ready. Driven by events of the run folder and of the
/// session. Code not_ready (kind timeout) names the first that is not, and why.
Result<std::vector<DaemonStatus>> wait_until_ready(Context& context,
                                                   std::span<const std::string_view> names,
                                                   Duration limit);

}  // namespace guild::cli
