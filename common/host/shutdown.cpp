#include "common/host/shutdown.hpp"

#include <algorithm>

#include "common/host/home.hpp"

namespace guild::host {

StartDecision decide_start(const FoundAtStart& found) {
  StartDecision decision;
  if (found.system_file) {
    decision.refuse = found.others_run || *found.system_file >= found.started_at;
    decision.remove_system = !decision.refuse;
  }
  // A refused start changes nothing.
  decision.remove_own = !decision.refuse && found.own_file && *found.own_file < found.started_at;
  return decision;
}

std::vector<std::string_view> started_after(std::string_view daemon) {
  const auto own = std::ranges::find(daemon_names, daemon);
  if (own == std::end(daemon_names)) return {};
  return {own + 1, std::end(daemon_names)};
}

std::vector<std::string_view> others_than(std::string_view daemon) {
  std::vector<std::string_view> others(std::begin(daemon_names), std::end(daemon_names));
  std::erase(others, daemon);
  return others;
}

}  // namespace guild::host
