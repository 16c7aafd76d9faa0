// Worker: one attempt's process, run by guild-worker (worker_spec.hpp), on an event loop.
// Single-threaded: every function and event on the loop's thread. The command waits at a gate until
// `go`, so that its lease can be on disk before it does anything. Events come in this order: ready
// (at most once), output (any number), ended (once, and nothing of it lives then). A command that
// could not be run is a report with its reason, never an Error; spawn's codes are those of
// spawn.hpp.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "common/base/result.hpp"
#include "scheduler/ending.hpp"
#include "scheduler/process.hpp"
#include "scheduler/spawn.hpp"

namespace guild::scheduler {

struct WorkerEvents {
  std::function<void(const ProcessMark&)> ready;  ///< The command's process is there, at the gate.
  std::function<void(std::string_view)> output;
  std::function<void(const AttemptReport&)> ended;
};

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  static Result<std::shared_ptr<Worker>> spawn(boost::asio::io_context& loop,
                                               const WorkerSetup& setup, WorkerOrder order,
                                               WorkerEvents events);

  /// Opens the gate.
  void go();
  /// SIGTERM to the command's group.
  void ask_to_stop();
  /// SIGKILL to the command and to everything that came of it. Before `go`: it never runs.
  void kill();
  /// While paused no output is read, and the command waits once its pipe is full.
  void pause_output() { is_paused_ = true; }
  void resume_output();

  pid_t init_pid() const { return init_; }
  pid_t command_pid() const { return command_; }  ///< 0 before `ready`.
  /// Somebody killed guild-worker itself: what left the command's group lives on.
  bool was_init_killed() const { return was_init_killed_; }
  /// Looks whether it has ended, without waiting: for whoever met its zombie first.
  void check_ended();

 private:
  enum class Reading { some, nothing_yet, closed };
  struct Io;

  Worker(boost::asio::io_context& loop, std::string command_name, WorkerEvents events,
         Spawned spawned);
  void watch_output();
  void watch_control();
  void watch_process();
  Reading read_output();
  void read_rest_of_output();
  Reading read_reports();
  void note_ready(pid_t pid);
  void finish_report();

  const std::string command_name_;
  WorkerEvents events_;
  std::shared_ptr<Io> io_;
  pid_t init_ = 0, command_ = 0;
  AttemptReport report_;
  bool is_reading_ = false, is_paused_ = false, has_gone_ = false, is_ended_ = false,
       was_init_killed_ = false;
};

}  // namespace guild::scheduler
