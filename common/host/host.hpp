// Host: what every daemon stands on. `run` does, in order: arguments, umask, config, permissions of
// the keys, lock, stale shutdown files, logging, `start` (open the store, recover), bus session,
// served names confirmed, ready (file + sd_notify), the loop, ordered drain, exit code.
// One loop thread; `post` is the way in for others. While it drains, new requests are answered
// shutting_down. A second signal ends it at once, exit code 1.
// Files in <home>/run: NAME.lock (held; the pid), NAME.ready (the pid and since when),
// NAME.shutdown and system.shutdown, by whose appearance a daemon stops (shutdown.hpp has the
// rules). Exit codes: 0 drained, 1 failed, 2 config or usage, 3 home or keys missing, 4 permissions
// of secrets, 7 a second instance. The reason is one line on stderr: "NAME: cannot start: ...".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <prometheus/registry.h>
#include <boost/asio/io_context.hpp>

#include "common/base/result.hpp"
#include "common/bus/client.hpp"
#include "common/host/home.hpp"
#include "common/host/settings.hpp"
#include "common/messages/codec.hpp"
#include "common/storage/migrations.hpp"

namespace guild::host {

/// What a daemon's `start` hands back; lives until after the drain.
class Service {
 public:
  virtual ~Service() = default;
  /// Stop taking work, finish what is held, then call `done` once. On the loop thread.
  virtual void drain(std::function<void()> done) = 0;
  /// Figures for Health::counters. On the loop thread.
  virtual std::map<std::string, std::int64_t> counters() const { return {}; }
};

/// Answers one request, later or now, from the loop thread.
template <class Reply>
class Answer {
 public:
  explicit Answer(bus::Responder responder)
      : responder_(std::make_shared<bus::Responder>(std::move(responder))) {}
  void operator()(const Result<Reply>& result) const {
    if (result)
      responder_->reply(messages::encode(*result));
    else
      responder_->reply_error(result.error());
  }
  const std::string& sender() const { return responder_->sender(); }

 private:
  std::shared_ptr<bus::Responder> responder_;  // Copyable, so that it fits std::function.
};

class Host {
 public:
  virtual ~Host() = default;
  virtual const std::string& name() const = 0;
  virtual const Home& home() const = 0;
  virtual const Settings& settings() const = 0;
  virtual boost::asio::io_context& loop() = 0;
  /// The daemon's session. Usable from `start` on for subscribe, serve, watch; connected later.
  virtual bus::Client& bus() = 0;
  virtual prometheus::Registry& metrics() = 0;
  /// Called at every change of the session, on the loop thread. (bus().on_session has one place,
  /// which is the host's; so has on_room.)
  virtual void on_session(std::function<void(const bus::SessionEvent&)> callback) = 0;
  /// Called when the session has room to publish again after it had none.
  virtual void on_room(std::function<void()> callback) = 0;
  /// Runs `work` on the loop thread, soon. Thread-safe.
  virtual void post(std::function<void()> work) = 0;
  /// <home>/data/<file>, opened with this daemon's key and migrated.
  virtual Result<std::unique_ptr<storage::Connection>> open_database(
      std::string_view file, std::span<const storage::Migration> migrations) = 0;
  /// Another, read-only connection to it.
  virtual Result<std::unique_ptr<storage::Connection>> open_reader(std::string_view file) = 0;
  /// Begins the drain; `error` (if any) is logged and makes the exit code 1.
  virtual void stop(std::optional<Error> error = {}) = 0;

  /// Serves `<daemon>/<verb>`: decodes, refuses bad input by name, calls `handle` on the loop
  /// thread.
  template <class Request, class Reply>
  void serve(std::string_view verb, std::function<void(Request, Answer<Reply>)> handle) {
    serve_raw(verb,
              [handle = std::move(handle)](std::string_view payload, bus::Responder responder) {
                auto request = messages::decode<Request>(payload);
                if (!request) return responder.reply_error(request.error());
                handle(std::move(*request), Answer<Reply>(std::move(responder)));
              });
  }
  virtual void serve_raw(std::string_view verb, bus::OnRequest handle) = 0;
};

using Start = std::function<Result<std::unique_ptr<Service>>(Host&)>;

/// The whole life of a daemon; answers the exit code for main.
int run(std::string_view daemon, int argc, char** argv, const Start& start);

}  // namespace guild::host
