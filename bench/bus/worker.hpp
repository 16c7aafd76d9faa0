// What the peers' worker processes share, so that they do and report what `guild bus bench` does
// and reports: the same payload (cli/bench_worker.hpp), the same order check, the same histogram,
// the same lines with whoever started them: "ready", then a report as one JSON line. A worker ends
// when its stdin closes. A message that is lost, comes twice or out of order is an error.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "bench/program.hpp"
#include "cli/bench_worker.hpp"

namespace guild::bench {

/// What the first of a worker's arguments says, and how much of it.
struct Work {
  std::string role;
  std::string run;         ///< In every topic, so that nothing of an earlier run is taken for ours.
  std::int64_t index = 0;  ///< Of this process among those of its role.
  std::int64_t publishers = 1, subscribers = 1;
  std::int64_t topics = 1;    ///< Of each publisher, taken in turn.
  std::int64_t messages = 0;  ///< Of this publisher; in all, for a subscriber.
  std::int64_t size = 100;
  std::int64_t stamp_every = 1;  ///< As in `guild bus bench`.
  std::int64_t sessions = 1;     ///< Idle ones, in this process.
};
void add_options(CLI::App& app, Work& work);

void report(const cli::BenchReport& seen);
/// Waits until told something, or until stdin closes.
void await_told();
/// The same without waiting.
bool is_told_something();

/// The payloads of one publisher, numbered and, now and then, stamped.
class Load {
 public:
  explicit Load(const Work& work);
  bool is_sent() const { return sent_ == work_.messages; }
  /// Which of the topics the next one is for. Ask before next().
  std::size_t topic() const { return static_cast<std::size_t>(sent_ % work_.topics); }
  const std::string& next();

 private:
  const Work& work_;
  std::string payload_;
  std::int64_t sent_ = 0;
};

/// What a subscriber saw. Written by one thread; `received` may be read by others.
class Tally {
 public:
  explicit Tally(const Work& work);
  /// True for the last one that is expected.
  bool take(std::optional<std::size_t> publisher, std::string_view payload);
  std::int64_t received() const { return received_.load(std::memory_order_relaxed); }
  /// Fails when something came that should not have, or not in its turn.
  Result<cli::BenchReport> report() const;

 private:
  const Work& work_;
  cli::OrderCheck order_;
  cli::Latencies latencies_;
  std::atomic<std::int64_t> received_ = 0;
  std::int64_t strangers_ = 0;  ///< Of another size, or from no publisher we know.
  std::int64_t last_ns_ = 0;
};

/// When a subscriber stops waiting: all is published, and for five seconds nothing came.
class Patience {
 public:
  explicit Patience(const Work& work) : work_(work) {}
  /// Asked now and then, with what came so far.
  Result<void> check(std::int64_t received);

 private:
  const Work& work_;
  bool all_published_ = false;
  std::int64_t received_ = 0, changed_ns_ = 0;
};

/// One message at a time, there and back: `ask` sends the payload and answers with what came back.
/// Reports the round trips.
Result<void> measure_echo(const Work& work,
                          const std::function<Result<std::string>(std::string_view payload)>& ask);

}  // namespace guild::bench
