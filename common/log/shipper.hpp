// The way of a log record from this process to the log consumer's disk (DESIGN §5).
// Records leave only when the session is WELCOMEd and the broker says that the log consumer's
// subscription is confirmed (a watch on our own log topic names `logconsumer`); they leave the
// buffer only when `logs-committed/<our name>` says they are on disk. After a new session or a new
// presence, everything unacknowledged is sent again, in order (shipping.hpp says when else); the
// consumer dedupes. Overflow drops the oldest, counted. When none could leave for `fallback_after`,
// records also go to stderr once, marked [FALLBACK].
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"
#include "common/bus/client.hpp"
#include "common/log/log.hpp"

namespace guild::log {

struct Options {
  std::string process_name;  ///< The daemon's or client's bus name.
  Level level = Level::info;
  std::size_t buffer_records_max = 65'536;
  std::size_t buffer_bytes_max = 64U << 20U;
  Duration fallback_after = std::chrono::seconds(10);
  bool stderr_too = false;  ///< Every record also to stderr, plain ASCII, as it is written.
};

/// Starts this process's logging: from now on GUILD_LOG records are buffered and numbered from 1
/// under a new boot id. Call once, first thing in main. `stop` with the process.
void start(const Options& options);

class Shipper {
 public:
  /// Attaches the buffer to the session; both must outlive it. Call from the client's owner thread.
  /// Wakes the owner by `wake` (called from any logging thread, must be cheap and thread-safe) when
  /// there is something new; the owner then calls pump().
  static Result<std::unique_ptr<Shipper>> attach(bus::Client& client, std::function<void()> wake);
  ~Shipper();

  /// Sends what may leave now. Also call it when the client's room rises (on_room) and once a
  /// second or so for the fallback timer.
  void pump();
  /// All that was written before is acknowledged.
  bool drained() const;
  /// To be told (from pump) when everything is acknowledged; for drain at shutdown and `logs emit`.
  void on_drained(std::function<void()> callback);

 private:
  struct Impl;
  explicit Shipper(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Counters {
  std::uint64_t written = 0, shipped = 0, acknowledged = 0, waiting = 0, dropped = 0, fallback = 0;
};
Counters counters();
/// This process's boot id: one life of one producer.
Uuid boot_id();
/// Writes the last record of this life, which tells readers that nothing is missing after it;
/// without it they are shown "unknown loss after seq N". Nothing when nothing was logged. Call when
/// no more will be logged, before waiting for Shipper::drained.
void finish();
/// At exit: what is still unacknowledged goes to stderr marked [FALLBACK] and is counted in one
/// line.
void stop();

}  // namespace guild::log
