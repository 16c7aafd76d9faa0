// BrokerLife: one life of a broker, from its start to its end: the real core, moved in rounds as
// the route loop moves it, with the reference beside it. What it keeps is gone when it ends.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "broker/core.hpp"
#include "tests/simulation/broker/network.hpp"
#include "tests/simulation/broker/reference.hpp"

namespace guild::simulation {

class BrokerLife final : public broker::Wire {
 public:
  BrokerLife(std::uint64_t number, const broker::CoreOptions& options,
             std::vector<keys::AuthorizedClient> list, Timeline& timeline, Random& random,
             Network& network);
  /// A kill: its connections break.
  ~BrokerLife() override;

  /// There may be something to do.
  void wake();
  void stall(Duration duration) { stalled_until_ = timeline_->now() + duration; }
  void replace_list(std::vector<keys::AuthorizedClient> list);
  /// Lets what waits go out for `limit`, then refuses everybody.
  void drain(Duration limit);
  bool drained() const { return drained_; }

  std::uint64_t number() const { return number_; }
  const broker::Core& core() const { return core_; }
  const Reference& reference() const { return reference_; }

 private:
  void round();
  void read_frames(const broker::Moment& now);
  void take_frame(Link& link, std::string_view frame, const broker::Moment& now);
  void give(broker::SessionId session, std::string_view frame, const broker::Moment& now);
  void end_closed(const broker::Moment& now);
  void end_unreachable(const broker::Moment& now);
  void wake_at(Time when);

  void send(std::span<const broker::SessionId> to, std::string_view frame) override;
  void end(broker::SessionId session) override;
  void denied(const messages::BusDenied&) override {}
  void client_event(const messages::BusClientEvent&) override {}
  void traffic(const messages::BusTraffic&) override {}

  std::uint64_t number_;
  Timeline* timeline_;
  Random* random_;
  Network* network_;
  Reference reference_;
  broker::Core core_;
  std::set<broker::SessionId> over_;  ///< Connections that are not read any more.
  std::set<broker::SessionId> unreachable_;
  std::optional<std::vector<keys::AuthorizedClient>> new_list_;
  std::optional<Time> draining_until_;
  bool drained_ = false;
  Time stalled_until_{};
  std::set<Time> rounds_;  ///< Asked of the timeline and not begun.
  /// The timeline may outlive us.
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace guild::simulation
