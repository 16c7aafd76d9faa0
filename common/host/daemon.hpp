// Daemon: one life of a daemon, from the lock to the last removed file; what host::run drives.
// It owns the loop, the session and the service; everything in it happens on the loop thread but
// `post` and the log's wake. Private to common/host.
//
// Stopping: by SIGTERM or SIGINT, by its own shutdown file, or by system.shutdown (shutdown.hpp has
// the order). It then refuses new requests (code shutting_down), drains the service, ships its last
// log lines while the log consumer is there, says goodbye, removes its files and ends. A second
// signal ends it at once, with exit code 1.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "common/host/host.hpp"
#include "common/host/lock.hpp"
#include "common/host/readable.hpp"
#include "common/host/readiness.hpp"
#include "common/log/shipper.hpp"
#include "keys/keyring.hpp"

namespace guild::host {

/// What must be in order before anything runs.
struct Prepared {
  std::string name;
  Home home;
  Settings settings;
  std::string endpoint;
  keys::ClientKeys keys;
  Lock lock;
  std::vector<std::string> reports;  ///< What was found and put right, to be logged.
};

class Daemon final : public Host {
 public:
  explicit Daemon(Prepared prepared);
  ~Daemon() override;

  /// The session (which connects once the loop runs), signals, shutdown files.
  Result<void> open();
  /// The service and the names that every daemon serves.
  Result<void> start(const Start& start);
  /// The loop, until stopped. Answers the exit code.
  int run();

  const std::string& name() const override { return name_; }
  const Home& home() const override { return home_; }
  const Settings& settings() const override { return settings_; }
  boost::asio::io_context& loop() override { return loop_; }
  bus::Client& bus() override { return *client_; }
  prometheus::Registry& metrics() override { return registry_; }
  void on_session(std::function<void(const bus::SessionEvent&)> callback) override;
  void on_room(std::function<void()> callback) override;
  void post(std::function<void()> work) override;
  Result<std::unique_ptr<storage::Connection>> open_database(
      std::string_view file, std::span<const storage::Migration> migrations) override;
  Result<std::unique_ptr<storage::Connection>> open_reader(std::string_view file) override;
  void stop(std::optional<Error> error) override;
  void serve_raw(std::string_view verb, bus::OnRequest handle) override;

 private:
  using Clock = std::chrono::steady_clock;

  // daemon.cpp: the session, readiness, what every daemon answers.
  Result<void> open_session();
  void session_changed(const bus::SessionEvent& event);
  void complain_of_session(const Error& error);
  void room_rose();
  void wake_shipper();
  void pump_shipper_every_second();
  void serve_at_all_times(std::string_view verb, bus::OnRequest handle);
  void serve_own_names();
  void answer_health(std::string_view payload, bus::Responder responder);
  void served(const std::string& served_name, const Result<void>& result);
  void check_ready();
  void tell_what_is_waited_for();
  void notify_manager(std::string_view state);
  void keep_watchdog_quiet();
  Result<std::unique_ptr<storage::Connection>> open_store(std::string_view file,
                                                          storage::Mode mode);

  // daemon_stop.cpp: the way out.
  Result<void> watch_shutdown_files();
  void wait_for_signal();
  void on_signal(int number);
  void look_for_shutdown_files();
  void stop_after_the_others();
  void begin_drain(std::string_view reason);
  void drain_service();
  void service_drained();
  void ship_last_lines(std::function<void()> then);
  bool can_ship() const;
  void end_loop();
  void close_all();
  void remove_files();

  // In this order, so that what refers to another is destroyed before it.
  std::string name_;
  Home home_;
  Settings settings_;
  std::string endpoint_;
  keys::ClientKeys keys_;
  Lock lock_;
  std::vector<std::string> reports_;
  Clock::time_point started_at_ = Clock::now();
  prometheus::Registry registry_;
  std::unique_ptr<bus::Client> client_;
  boost::asio::io_context loop_{1};
  boost::asio::signal_set signals_{loop_};
  boost::asio::steady_timer ship_timer_{loop_}, waiting_timer_{loop_}, watchdog_timer_{loop_},
      look_timer_{loop_}, drain_timer_{loop_};
  std::unique_ptr<Readable> bus_readable_, folder_watch_, awaited_end_;
  std::unique_ptr<log::Shipper> shipper_;
  std::unique_ptr<Service> service_;

  Readiness readiness_;
  std::string complained_code_;
  std::vector<std::function<void(const bus::SessionEvent&)>> session_callbacks_;
  std::vector<std::function<void()>> room_callbacks_;
  std::atomic<bool> shipper_woken_ = false;
  bool log_consumer_present_ = false;
  bool system_stop_seen_ = false, draining_ = false, drained_ = false, ended_ = false;
  int exit_code_ = 0;
};

}  // namespace guild::host
