// The rules of the shutdown files (DESIGN §9), as decisions without I/O.
//   run/<name>.shutdown    that daemon drains at once, removes the file and exits 0.
//   run/system.shutdown    all stop: each daemon drains once those started after it are gone; the
//   last
//                          to leave removes the file. While it exists nothing starts.
// A file older than the start is stale. One's own is removed and reported. system.shutdown is stale
// only when no other daemon of the home runs: else a stop is under way, and we were started into
// it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/base/time.hpp"

namespace guild::host {

/// What a daemon finds when it starts; times of files are their mtimes.
struct FoundAtStart {
  std::optional<Instant> own_file, system_file;
  Instant started_at;
  bool others_run = false;
};

struct StartDecision {
  bool remove_own = false;     ///< Stale.
  bool remove_system = false;  ///< Stale.
  bool refuse = false;         ///< The suite is stopping; nothing may start.
};
StartDecision decide_start(const FoundAtStart& found);

/// The daemons that are started after `daemon`, and so stop before it. Empty for a name that is
/// none of the suite's own.
std::vector<std::string_view> started_after(std::string_view daemon);
/// The suite's daemons but `daemon`.
std::vector<std::string_view> others_than(std::string_view daemon);

}  // namespace guild::host
