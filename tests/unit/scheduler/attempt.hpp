// Runs real commands through Workers for tests, and waits for events, never for time.
#pragma once

#include <fcntl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/workers.hpp"

namespace guild::scheduler::testing {

/// A loop and the workers on it.
class Field {
 public:
  explicit Field(std::vector<std::string> hidden = {}) {
    const bool is_confined = !hidden.empty();
    auto made = Workers::make(
        loop, {.program = GUILD_WORKER, .hidden = std::move(hidden), .is_confined = is_confined});
    REQUIRE(made);
    workers = std::move(*made);
  }

  /// Fails the test when `done` is not so within 20 s.
  void run_until(const std::function<bool()>& done) {
    boost::asio::steady_timer limit(loop, std::chrono::seconds(20));
    bool is_late = false;
    limit.async_wait([&](boost::system::error_code problem) { is_late = !problem; });
    while (!done() && !is_late) {
      loop.restart();
      loop.run_one();
    }
    REQUIRE_FALSE(is_late);
    limit.cancel();
    loop.restart();
    loop.poll();
  }

  boost::asio::io_context loop;
  std::unique_ptr<Workers> workers;
};

struct Attempt {
  std::shared_ptr<Worker> worker;
  std::optional<ProcessMark> mark;
  std::string output;
  std::optional<AttemptReport> report;

  bool has_ended() const { return report.has_value(); }
  bool has_printed(std::string_view text) const { return output.find(text) != std::string::npos; }
};

inline WorkerOrder order_for(std::vector<std::string> command,
                             std::vector<std::string> environment = {}) {
  environment.emplace_back("PATH=/usr/local/bin:/usr/bin:/bin");
  return {.label = "unit-test",
          .command = std::move(command),
          .environment = std::move(environment),
          .directory = Fd(open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC))};
}

enum class Gate { open, shut };

/// Spawned; its command begins as soon as it is ready, unless the gate stays shut.
inline std::shared_ptr<Attempt> begin(Field& field, WorkerOrder order, Gate gate = Gate::open) {
  auto attempt = std::make_shared<Attempt>();
  // The attempt has the worker, which has these.
  const std::weak_ptr<Attempt> weak = attempt;
  WorkerEvents events;
  events.ready = [weak, gate](const ProcessMark& mark) {
    const auto held = weak.lock();
    if (!held) return;
    held->mark = mark;
    if (gate == Gate::open) held->worker->go();
  };
  events.output = [weak](std::string_view bytes) {
    if (const auto held = weak.lock()) held->output += bytes;
  };
  events.ended = [weak](const AttemptReport& report) {
    if (const auto held = weak.lock()) held->report = report;
  };
  auto worker = field.workers->spawn(std::move(order), std::move(events));
  REQUIRE(worker);
  attempt->worker = *worker;
  return attempt;
}

inline Attempt run_to_end(Field& field, WorkerOrder order) {
  const auto attempt = begin(field, std::move(order));
  field.run_until([&] { return attempt->has_ended(); });
  attempt->worker.reset();
  return *attempt;
}

inline Attempt run_shell(Field& field, const std::string& script,
                         std::vector<std::string> environment = {}) {
  return run_to_end(field, order_for({"sh", "-c", script}, std::move(environment)));
}

}  // namespace guild::scheduler::testing
