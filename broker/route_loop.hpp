// RouteLoop: the route thread's work: takes frames from the ROUTER, feeds the core, sends what the
// core decides, and sleeps when there is nothing. Private to router.cpp, which owns the thread;
// other threads reach it through the mailbox alone. A failure here ends the broker, which is
// supervised.
#pragma once

#include <memory>
#include <optional>
#include <thread>
#include <unordered_set>
#include <vector>

#include "broker/connections.hpp"
#include "broker/core.hpp"
#include "broker/gatekeeper.hpp"
#include "broker/mailbox.hpp"
#include "broker/router.hpp"
#include "broker/zmq_socket.hpp"

namespace guild::broker {

class RouteLoop final : public Wire {
 public:
  using Inbox = Mailbox<Router::Work>;

  RouteLoop(RouterOptions options, std::vector<keys::AuthorizedClient> clients,
            Router::Events events, ZmqContext context, Inbox inbox);
  ~RouteLoop() override;

  /// Everything that can fail; on the caller's thread, before `run`.
  Result<void> open();
  void start();
  void stop();

  Inbox& inbox() { return inbox_; }
  Gatekeeper& gatekeeper() { return *gatekeeper_; }
  void start_draining(std::chrono::milliseconds limit, std::function<void()> done);

 private:
  // The thread.
  void run();
  bool round(const Moment& now);
  void work_through_inbox(const Moment& now);
  void read_monitor_events(const Moment& now);
  bool read_frames(const Moment& now);
  void take_frame(const Moment& now);
  Connection* connection_of(const Moment& now);
  Connection* open_connection(std::string_view routing_id, const Moment& now);
  void probe_doubtful(const Moment& now);
  void end_closed(bool all_was_read, const Moment& now);
  void end_unreachable(const Moment& now);
  void cut_ended(const Moment& now);
  void finish_draining(const Moment& now);
  bool spin();
  void sleep(const Moment& now);
  bool count_at_door(const MonitorEvent& event);
  void note_refused_handshake(std::string_view reason, const Moment& now);

  // Wire: what the core says.
  void send(std::span<const SessionId> to, std::string_view frame) override;
  void end(SessionId session) override;
  void denied(const messages::BusDenied& denied) override { events_.denied(denied); }
  void client_event(const messages::BusClientEvent& event) override { events_.client(event); }
  void traffic(const messages::BusTraffic& traffic) override { events_.traffic(traffic); }

  Result<void> set_options();

  RouterOptions options_;
  std::vector<keys::AuthorizedClient> clients_;  // Until `open`.
  Router::Events events_;
  // The gatekeeper's thread ends with the context, so the context goes first (see stop).
  std::unique_ptr<Gatekeeper> gatekeeper_;
  std::unique_ptr<ZmqContext> context_;
  std::unique_ptr<ZmqSocket> router_, monitor_;
  Inbox inbox_;
  Core core_;
  Connections connections_;
  ZmqMessage routing_id_, frame_, shared_;

  struct Since {
    SessionId session{};
    Steady at;
  };
  std::vector<Since> ended_;    // To be cut off, oldest first.
  std::vector<Since> doubted_;  // To be probed, oldest first.
  struct Unsent {
    SessionId session{};
    int problem = 0;
  };
  std::vector<Unsent> unsent_;  // Found while the core was sending.
  Steady now_;                  // Of this round.
  struct Draining {
    Steady until;
    std::function<void()> done;
  };
  std::optional<Draining> draining_;
  std::uint64_t shaken_ = 0, failed_ = 0;  // Handshakes whose connection is not accounted for.
  std::unordered_set<int> left_early_;     // At most as many as there are descriptors.
  bool listening_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace guild::broker
