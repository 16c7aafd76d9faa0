// Service: the broker as a daemon. It wires the router's thread to the loop: events to the log, to
// broker.db and to bus/denied and bus/clients; the list of clients from its file to the router; and
// the answers to broker/stats and broker/clients. On the loop thread but where noted.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "broker/denial_store.hpp"
#include "broker/list_watch.hpp"
#include "broker/router.hpp"
#include "common/host/host.hpp"

namespace guild::broker {

class Service final : public host::Service {
 public:
  /// Opens broker.db, loads keys and list, proves that the door is shut, and listens.
  static Result<std::unique_ptr<host::Service>> start(host::Host& host);

  void drain(std::function<void()> done) override;
  std::map<std::string, std::int64_t> counters() const override;

 private:
  /// The router's figures, as of a second ago at most.
  struct Figures {
    std::int64_t sessions = 0, frames_in = 0, frames_out = 0, denied = 0, late_replies = 0,
                 requests_waiting = 0, epoch = 0;
  };

  Service(host::Host& host, std::unique_ptr<storage::Connection> database);
  Result<void> open();
  Result<void> start_router(ListWatch::Clients clients);
  void serve();
  void look_every_second();

  void on_denied(const messages::BusDenied& denied);
  void on_client(const messages::BusClientEvent& event);
  void on_new_list(ListWatch::Clients clients);
  void on_invalid_list(const Error& error);
  void publish(std::string_view topic, const std::string& event);

  host::Host& host_;
  DenialStore denials_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<ListWatch> list_watch_;
  boost::asio::steady_timer timer_;
  Figures figures_;
  std::int64_t events_unpublished_ = 0, lists_refused_ = 0;
};

}  // namespace guild::broker
