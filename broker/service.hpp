// Service: the broker as a daemon. It wires the router's thread to the loop: events to the log, to
// broker.db and to bus/…; the list of clients from its file to the router; and
// the answers to broker/stats and broker/clients. On the loop thread but where noted.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "broker/event_store.hpp"
#include "broker/list_watch.hpp"
#include "broker/monitors.hpp"
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
  Service(host::Host& host, std::unique_ptr<storage::Connection> database);
  void go_first();
  Result<void> open();
  Result<void> start_router(ListWatch::Clients clients);
  void serve();
  void look_every_second();

  void on_denied(const messages::BusDenied& denied);
  void on_client(const messages::BusClientEvent& event);
  void on_audit(const messages::BusAudit& audit);
  void on_status(messages::BusStatus status);
  void on_new_list(ListWatch::Clients clients);
  void on_invalid_list(const Error& error);
  void publish(std::string_view topic, const std::string& event);

  host::Host& host_;
  EventStore events_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Monitors> monitors_;
  std::unique_ptr<ListWatch> list_watch_;
  boost::asio::steady_timer timer_;
  messages::BusStatus status_;  // As of a second ago at most.
  std::int64_t events_unpublished_ = 0, lists_refused_ = 0;
};

}  // namespace guild::broker
