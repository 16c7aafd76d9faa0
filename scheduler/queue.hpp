// Queue: the tasks that have not ended, and who may do what to them next. Pure: no clock, no I/O.
// A change is first planned here (the task is then held and nobody else may change it), then
// committed by the store, then confirmed or taken back here: memory follows the disk, never leads
// it. Limits: `queued_max` tasks waiting (code queue_full), `slots` running; a slot is held from
// `take` until the attempt's end is on disk. Times are readings of one clock that never goes back.
// Errors: queue_full, task_not_found (it has ended, or never was), lease_stale (another attempt
// holds the task, so a late worker can change nothing).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"

namespace guild::scheduler {

/// The right to one attempt of one task.
struct Lease {
  Uuid task;
  std::int64_t attempt = 0;  ///< From 1.
  auto operator<=>(const Lease&) const = default;
};

/// Why an attempt was ended before it ended by itself.
enum class Stop { none, cancelled, timed_out, shutdown };

/// What a queued task brings with it.
struct Waiting {
  Uuid id;
  std::int64_t seq = 0;       ///< Order of submission: FIFO within a priority.
  std::int64_t priority = 2;  ///< 0 goes first.
  std::int64_t attempt = 0;   ///< The last one; 0 before the first.
};

class Queue {
 public:
  struct Limits {
    std::size_t slots = 4;
    std::size_t queued_max = 1'000;
    Duration grace{};  ///< Between asking an attempt to stop and killing it.
  };
  enum class Place {
    queued,
    starting,  ///< Taken; the lease is being written.
    running,
    ending,   ///< Its end is being written.
    leaving,  ///< Queued no more; its cancellation is being written.
  };
  enum class DueAction { time_out, kill };
  struct Due {
    Lease lease;
    DueAction action;
  };

  explicit Queue(Limits limits) : limits_(limits) {}

  /// Holds a place for a task that is about to be written.
  Result<void> admit();
  /// Gives the place back: the task was not written.
  void withdraw();
  /// The task is on disk; it takes the place that was held.
  void enter(const Waiting& task);
  /// A task found on disk at start. The bound does not refuse what was accepted before.
  void restore(const Waiting& task);

  /// The next task to start, if a slot is free: the lowest priority number, in order of submission.
  std::optional<Lease> take();
  /// The lease is on disk; the attempt may run until `deadline`.
  void started(const Lease& lease, Duration deadline);
  /// The lease could not be written: queued as before, the slot free.
  void give_back(const Lease& lease);

  /// A queued task is about to be cancelled; answers its last attempt. Codes: task_not_found,
  /// task_not_queued.
  Result<std::int64_t> begin_leave(const Uuid& id);
  void left(const Uuid& id);
  void leave_failed(const Uuid& id);

  /// A running attempt has been asked to stop; past the grace it is due to be killed. The first
  /// reason stays: a cancel after the timeout changes nothing. Codes: lease_stale,
  /// task_not_running.
  Result<void> stop(const Lease& lease, Stop why, Duration now);

  /// The attempt's process is gone, or never came; answers why it was stopped. Code: lease_stale.
  Result<Stop> begin_end(const Lease& lease);
  /// The end is on disk: the task is gone from here, its slot is free.
  void ended(const Lease& lease);
  /// The end is on disk, and it is to run again: queued at its old place.
  void requeued(const Lease& lease);

  /// What is due at `now`, each thing once.
  std::vector<Due> due(Duration now);
  std::optional<Duration> next_due() const;

  /// From now on nothing is admitted and nothing taken, and no grace is longer than `grace_max`,
  /// not even one that has begun.
  void close(Duration now, Duration grace_max);
  bool is_closed() const { return is_closed_; }

  std::optional<Place> place(const Uuid& id) const;
  /// The lease of a running attempt.
  std::optional<Lease> running(const Uuid& id) const;
  std::vector<Lease> all_running() const;
  std::size_t queued_count() const { return order_.size(); }
  std::size_t slots_used() const { return slots_used_; }

 private:
  struct Entry {
    Waiting task;
    Place place = Place::queued;
    Stop stop = Stop::none;
    std::optional<Duration> deadline{}, kill_at{};
  };
  using Order = std::tuple<std::int64_t, std::int64_t, Uuid>;  // priority, seq, id

  static Order order_of(const Waiting& task) { return {task.priority, task.seq, task.id}; }
  Entry* find(const Uuid& id);
  /// The entry when `lease` holds it and it is at `place`; our bug otherwise.
  Entry& held(const Lease& lease, Place place);
  void set_deadline(Entry& entry, std::optional<Duration> deadline);
  void set_kill(Entry& entry, std::optional<Duration> kill_at);
  void free_slot();

  Limits limits_;
  std::unordered_map<Uuid, Entry> entries_;
  std::set<Order> order_;                          // Of those that may be taken.
  std::set<std::pair<Duration, Uuid>> deadlines_;  // Of those that run and were not asked to stop.
  std::set<std::pair<Duration, Uuid>> kills_;      // Of those that were, and not yet killed.
  std::size_t places_held_ = 0;
  std::size_t slots_used_ = 0;
  bool is_closed_ = false;
};

}  // namespace guild::scheduler
