#include "broker/monitors.hpp"

#include <fmt/format.h>

#include <utility>

#include "common/bus/topic.hpp"

namespace guild::broker {
namespace {

using namespace std::chrono_literals;

constexpr auto subscribe_within = 5s;

Error too_many() {
  return {ErrorKind::exhausted, "too_many_monitors",
          fmt::format("{} monitors are running, which is the most", Taps::taps_max),
          "end one: guild bus clients names who subscribes to bus/traffic/…"};
}

}  // namespace

std::string Monitors::topic_of(std::int64_t monitor) {
  return fmt::format("bus/traffic/{}", monitor);
}

void Monitors::start(const messages::BusMonitor& wanted,
                     const host::Answer<messages::BusMonitorStarted>& answer) {
  if (const auto valid = bus::check_pattern(wanted.pattern); !valid)
    return answer(fail(valid.error()));
  Running running{.client = answer.sender(), .pattern = wanted.pattern, .unheard_until = {}};
  router_.post([this, running = std::move(running), answer](Core& core, const Moment& now) {
    const auto monitor = core.start_monitor(running.pattern);
    host_.post([this, running, answer, monitor, now]() mutable {
      if (!monitor) return answer(fail(too_many()));
      running.unheard_until = now.steady + subscribe_within;
      started(*monitor, std::move(running), answer);
    });
  });
}

void Monitors::started(std::int64_t monitor, Running running,
                       const host::Answer<messages::BusMonitorStarted>& answer) {
  // On the record before the first header is seen.
  tell(running, messages::BusAction::monitor_started);
  running_.emplace(monitor, std::move(running));
  answer(messages::BusMonitorStarted{.monitor = monitor, .topic = topic_of(monitor)});
}

void Monitors::look() {
  for (const auto& [number, running] : running_)
    router_.post(
        [this, monitor = number, until = running.unheard_until](Core& core, const Moment& now) {
          if (now.steady < until || core.is_heard(topic_of(monitor))) return;
          core.stop_monitor(monitor);
          host_.post([this, monitor] { end(monitor); });
        });
}

void Monitors::end(std::int64_t monitor) {
  const auto ended = running_.find(monitor);
  if (ended == running_.end()) return;
  tell(ended->second, messages::BusAction::monitor_ended);
  running_.erase(ended);
}

void Monitors::tell(const Running& running, messages::BusAction action) const {
  audit_({.client = running.client,
          .action = action,
          .pattern = running.pattern,
          .time = guild::now()});
}

}  // namespace guild::broker
