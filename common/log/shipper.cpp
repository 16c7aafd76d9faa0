#include "common/log/shipper.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/base/complain.hpp"
#include "common/log/process.hpp"
#include "common/messages/codec.hpp"
#include "common/messages/logs.hpp"

namespace guild::log {
namespace {

constexpr std::string_view consumer_name = "logconsumer";
constexpr std::size_t records_at_once = 64;      // Encoded under the lock that loggers wait for.
constexpr std::size_t records_per_pump = 1'024;  // Then the owner's loop gets its turn.
constexpr std::size_t fallback_lines_per_pump = 256;

}  // namespace

struct Shipper::Impl {
  Impl(bus::Client& of, std::shared_ptr<ProcessLog> to, std::function<void()> waker)
      : client(of), log(std::move(to)), wake(std::move(waker)) {}

  bus::Client& client;
  std::shared_ptr<ProcessLog> log;
  std::function<void()> wake;
  std::function<void()> on_drained;
  /// The session whose first record was sent with a question whether it is accepted at all.
  std::optional<std::uint64_t> asked_session;
  // Callbacks that the client holds look here before they touch us: it outlives us at times.
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);

  Result<void> join();
  void observe_session();
  void on_presence(const std::vector<std::string>& names);
  void on_committed(std::string_view payload);
  void ship();
  bool ship_some();
  Result<void> publish(const ProcessLog::Outgoing& record);
  void on_not_accepted(const Error& why);
  void tell_fallback();
  void tell_drained();
};

Result<void> Shipper::Impl::join() {
  const std::string& name = log->options().process_name;
  const std::weak_ptr<bool> weak = alive;
  // In this order, so that no acknowledgement is sent before we are subscribed to them.
  GUILD_CHECK(client.subscribe(
      fmt::format("logs-committed/{}", name),
      [this, weak](const bus::Delivery& delivery) {
        if (!weak.expired()) on_committed(delivery.payload);
      },
      [](const Result<void>& confirmed) {
        if (!confirmed) complain("log", confirmed.error().text());
      }));
  return client.watch(fmt::format("logs/{}/presence", name),
                      [this, weak](const std::vector<std::string>& names) {
                        if (!weak.expired()) on_presence(names);
                      });
}

/// The client has one place for a session callback, and that is its owner's.
void Shipper::Impl::observe_session() {
  if (!client.connected()) {
    log->set_session(std::nullopt);
    return;
  }
  log->set_session(client.counters().reconnects);
}

void Shipper::Impl::on_presence(const std::vector<std::string>& names) {
  observe_session();
  const bool present = std::find(names.begin(), names.end(), consumer_name) != names.end();
  log->set_consumer_present(present);
  if (present) wake();
}

void Shipper::Impl::on_committed(std::string_view payload) {
  observe_session();
  const auto committed = messages::decode<messages::LogsCommitted>(payload);
  if (!committed)
    return complain("log", "an acknowledgement is not readable: " + committed.error().text());
  log->on_committed(*committed);
  wake();
}

void Shipper::Impl::ship() {
  for (std::size_t sent = 0; sent < records_per_pump; sent += records_at_once) {
    if (!ship_some()) return;
  }
  wake();
}

/// Answers whether there may be more to send at once.
bool Shipper::Impl::ship_some() {
  if (client.publish_room() == 0) return false;
  const auto records = log->take_outgoing(records_at_once);
  for (const ProcessLog::Outgoing& record : records) {
    if (client.publish_room() > 0 && publish(record)) continue;
    log->put_back_from(record.seq);
    return false;
  }
  return records.size() == records_at_once;
}

Result<void> Shipper::Impl::publish(const ProcessLog::Outgoing& record) {
  const std::uint64_t session = client.counters().reconnects;
  if (asked_session == session) return client.publish(record.topic, record.payload);
  asked_session = session;
  return client.publish(record.topic, record.payload,
                        [this, weak = std::weak_ptr(alive)](const Result<void>& accepted) {
                          if (!accepted && !weak.expired()) on_not_accepted(accepted.error());
                        });
}

void Shipper::Impl::on_not_accepted(const Error& why) {
  if (why.kind != ErrorKind::denied) return;  // A session that was lost: it is sent again anyway.
  log->on_refused();
  complain("log", "log records are refused: " + why.text());
}

void Shipper::Impl::tell_fallback() {
  const auto lines = log->take_fallback(fallback_lines_per_pump);
  for (const std::string& line : lines) write_line(line);
  if (lines.size() == fallback_lines_per_pump) wake();
}

void Shipper::Impl::tell_drained() {
  if (!on_drained || !log->drained()) return;
  std::exchange(on_drained, {})();
}

Result<std::unique_ptr<Shipper>> Shipper::attach(bus::Client& client, std::function<void()> wake) {
  std::shared_ptr<ProcessLog> log = process_log();
  if (!log) {
    return fail(ErrorKind::failed, "log_not_started", "there is no log to ship",
                "call log::start first");
  }
  auto impl = std::make_unique<Impl>(client, log, wake);
  GUILD_CHECK(impl->join());
  log->set_wake(std::move(wake));
  return std::unique_ptr<Shipper>(new Shipper(std::move(impl)));
}

Shipper::Shipper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Shipper::~Shipper() {
  impl_->log->set_wake({});
  impl_->log->set_session(std::nullopt);
}

void Shipper::pump() {
  impl_->log->expect_wake();
  impl_->observe_session();
  impl_->log->on_time();
  impl_->ship();
  impl_->tell_fallback();
  impl_->tell_drained();
}

bool Shipper::drained() const { return impl_->log->drained(); }

void Shipper::on_drained(std::function<void()> callback) {
  impl_->on_drained = std::move(callback);
  impl_->wake();
}

}  // namespace guild::log
