// Network: every link between clients and the broker, what delays, holds back and cuts them, and a
// digest of every frame that was sent.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>

#include "tests/simulation/broker/link.hpp"
#include "tests/simulation/broker/timeline.hpp"
#include "tests/simulation/random.hpp"

namespace guild::simulation {

class Network {
 public:
  using Links = std::map<broker::SessionId, std::shared_ptr<Link>>;
  /// Frames that one direction of a link holds; then its sender must wait, or give up.
  static constexpr std::size_t pipe_frames_max = 600;

  Network(Timeline& timeline, Random& random) : timeline_(&timeline), random_(&random) {}

  std::function<void()> wake_broker;
  std::function<void(std::size_t client)> wake_client;

  std::shared_ptr<Link> connect(std::size_t client, std::string name, keys::PublicKey key,
                                std::uint64_t broker_life);
  const Links& links() const { return links_; }
  Link* find(broker::SessionId session);
  void forget(broker::SessionId session) { links_.erase(session); }

  /// False: the pipe is full. A frame for a link that is cut goes nowhere, as nobody knows yet.
  bool send_up(Link& link, std::string_view frame);
  bool send_down(Link& link, std::string_view frame);

  /// The connection is gone; each side learns of it within its own `notice`.
  void cut(Link& link, Duration client_notice, Duration broker_notice);
  /// The client closes it. What it sent arrives, then its end.
  void close(Link& link);
  void hold(Link& link, Duration duration);
  Duration latency() { return random_->between(latency_least, latency_most); }

  std::uint64_t digest() const { return digest_; }
  std::uint64_t frames() const { return frames_; }

 private:
  static constexpr Duration latency_least = std::chrono::microseconds(20);
  static constexpr Duration latency_most = std::chrono::milliseconds(4);

  void note(const Link& link, bool up, std::string_view frame);

  Timeline* timeline_;
  Random* random_;
  Links links_;
  std::uint64_t last_session_ = 0, digest_ = 0, frames_ = 0;
};

}  // namespace guild::simulation
