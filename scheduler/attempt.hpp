// One attempt as the runner carries it, from the moment it takes a slot until its end is on disk.
// Private to runner.cpp and runner_stop.cpp. At most one write is under way for it; what its
// command wrote stays here until it is known to be stored.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "scheduler/runner.hpp"

namespace guild::scheduler {

struct Runner::Attempt {
  Lease lease;
  EndTerms terms;
  std::shared_ptr<Worker> worker;
  std::optional<ProcessMark> process;   // Once it stands at its gate.
  std::optional<AttemptReport> report;  // Once it is gone.
  std::optional<End> end;               // Once decided.
  std::string output;                   // Read, and not yet known to be on disk.
  std::int64_t output_written = 0;
  bool is_started = false;  // Its lease is on disk.
  bool is_writing = false;
};

/// The clock of the queue: never goes back.
inline Duration monotonic_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace guild::scheduler
