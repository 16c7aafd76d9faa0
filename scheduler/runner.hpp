// Runner: carries out what the queue decides. It writes first and acts after: a lease is on disk
// before its command passes the gate, the wish to cancel before the signal, the end before the slot
// is free. One write is under way per attempt; a write that fails is tried again every second, and
// the attempt waits for it, so that nothing is lost and nothing is told that is not so. On the
// loop's thread alone; only `recover` and the end of `drain` block (on the disk).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "scheduler/folders.hpp"
#include "scheduler/queue.hpp"
#include "scheduler/store.hpp"
#include "scheduler/workers.hpp"

namespace guild::scheduler {

struct RunnerHooks {
  /// A transition is on disk.
  std::function<void(const StoredTask&)> changed;
  /// Something that a person should know, and that does not end the work.
  std::function<void(const std::string& action, const Error&)> trouble;
  /// Memory and disk no longer agree: the process must end.
  std::function<void(const Error&)> fatal;
};

class Runner {
 public:
  using OnTask = std::function<void(Result<messages::Task>)>;

  Runner(boost::asio::io_context& loop, Store& store, Workers& workers, const Folders& folders,
         Queue::Limits limits, RunnerHooks hooks);
  ~Runner();

  struct Recovered {
    int processes_killed = 0;
    std::vector<StoredTask> ended;  ///< As they are now: queued again, failed or cancelled.
    std::size_t queued = 0;
  };
  /// Ends what an earlier scheduler left, and takes up what waits. Before anything else; nothing is
  /// run before `open`.
  Result<Recovered> recover();
  /// From now on tasks are started.
  void open();

  void submit(NewTask task, OnTask answer);
  /// Answers the task once the cancellation is on disk: cancelled when it was queued, still running
  /// (and dying) when it ran. Codes: task_not_found, task_cannot_cancel.
  void cancel(const Uuid& id, const std::string& reason, OnTask answer);

  /// Ends what runs, by its orphan policy, within `grace`; what does not die within `limit` is left
  /// to the recovery of the next start. Then calls `done`.
  void drain(Duration grace, Duration limit, std::function<void()> done);

  std::size_t queued_count() const { return queue_.queued_count(); }
  std::size_t running_count() const { return attempts_.size(); }

 private:
  struct Attempt;
  using Act = std::function<void()>;

  void start_tasks();
  bool begin(const Lease& lease);
  Result<std::shared_ptr<Worker>> spawn(const StoredTask& task, Attempt& attempt);
  void take_output(Attempt& attempt, std::string_view bytes);
  void advance(Attempt& attempt);
  void write_start(Attempt& attempt);
  void write_failed_start(Attempt& attempt);
  void write_output(Attempt& attempt);
  void write_end(Attempt& attempt);
  void started(Attempt& attempt);
  void ended(const Attempt& attempt, const End& end);
  void give_back(const Attempt& attempt);
  /// Wraps what follows a write: it goes on, is tried again, or is fatal.
  Store::Done after_write(const Lease& lease, std::string action,
                          std::function<void(Attempt&)> go_on);
  void try_again_later();

  void cancel_queued(const Uuid& id, const std::string& reason, OnTask answer);
  void cancel_running(const Lease& lease, const std::string& reason, OnTask answer);
  void cancel_absent(const Uuid& id, const OnTask& answer);

  void ask_to_stop(const Lease& lease, Stop why);
  void act_on_due();
  void arm_due();
  void tell_changed(const Uuid& id);
  void settled(const Uuid& id);
  Result<messages::Task> shown(const Uuid& id);
  void check_drained();
  void finish_drain();
  Attempt* find(const Lease& lease);

  boost::asio::io_context& loop_;
  Store& store_;
  Workers& workers_;
  const Folders& folders_;
  Queue queue_;
  RunnerHooks hooks_;
  std::string boot_id_;
  std::unordered_map<Uuid, std::unique_ptr<Attempt>> attempts_;
  std::multimap<Uuid, Act> when_settled_;
  boost::asio::steady_timer due_timer_, retry_timer_, drain_timer_;
  std::function<void()> drained_;
  bool is_open_ = false, is_retrying_ = false;
};

}  // namespace guild::scheduler
