// Monitors: the running `broker/monitor`s of the daemon. Each has a topic of its own, under
// bus/traffic/; it ends once nobody subscribes to that any more, or when nobody did within 5 s.
// Start and end go to the audit. On the loop thread; the core is asked by post.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "broker/router.hpp"
#include "common/base/result.hpp"
#include "common/host/host.hpp"

namespace guild::broker {

class Monitors {
 public:
  using Audit = std::function<void(const messages::BusAudit&)>;

  Monitors(host::Host& host, Router& router, Audit audit)
      : host_(host), router_(router), audit_(std::move(audit)) {}

  void start(const messages::BusMonitor& wanted,
             const host::Answer<messages::BusMonitorStarted>& answer);
  /// Ends those that nobody hears. To be called every second or so.
  void look();

  static std::string topic_of(std::int64_t monitor);

 private:
  struct Running {
    std::string client, pattern;
    std::chrono::steady_clock::time_point unheard_until;  ///< Time to subscribe.
  };
  void started(std::int64_t monitor, Running running,
               const host::Answer<messages::BusMonitorStarted>& answer);
  void end(std::int64_t monitor);
  void tell(const Running& running, messages::BusAction action) const;

  host::Host& host_;
  Router& router_;
  Audit audit_;
  std::map<std::int64_t, Running> running_;
};

}  // namespace guild::broker
