// Store: scheduler.db. Every transition is guarded in SQL by the state and the attempt it starts
// from, so what a late worker writes changes nothing (code lease_stale). Writes go through the one
// writer with group commit; `done` is called on the loop once the outcome is certain. Reads answer
// at once, from a connection of their own, and see what is committed. Codes: lease_stale,
// id_reused, task_not_found, and storage's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/storage/writer.hpp"
#include "scheduler/task.hpp"

namespace guild::scheduler {

class Store {
 public:
  using Post = std::function<void(std::function<void()>)>;
  using Done = std::function<void(Result<void>)>;

  /// `connection` is migrated; `post` hands work to the loop, from any thread. `lost` is called
  /// (there) when the disk failed so that nobody knows what it holds: the process must end.
  Store(std::unique_ptr<storage::Connection> connection,
        std::unique_ptr<storage::Connection> reader, Post post,
        std::function<void(const Error&)> lost);

  // --- Writes ---

  struct Submitted {
    std::int64_t seq = 0;
    bool is_new = false;  ///< Otherwise it was there already, with the same content.
  };
  void submit(NewTask task, std::function<void(Result<Submitted>)> done);

  struct Start {
    ProcessMark process;
    std::string boot_id;
    Instant at;
  };
  /// queued → running, with the lease's attempt.
  void start(const Lease& lease, Start start, Done done);
  /// queued → failed: the attempt could not even be begun.
  void fail_start(const Lease& lease, std::string reason, Instant at, Done done);
  /// queued → cancelled; `last_attempt` is the one before, 0 for none.
  void cancel_queued(const Uuid& id, std::int64_t last_attempt, std::string reason, Instant at,
                     Done done);
  /// Notes that a running attempt is to be cancelled, before it is.
  void want_cancel(const Lease& lease, std::string reason, Done done);
  /// running → `end.state`; with it, the charge that is due.
  void finish(const Lease& lease, End end, Instant at, Done done);
  /// Output of a running attempt, which begins at byte `start`.
  void append(const Lease& lease, std::int64_t start, std::string bytes, Done done);
  /// A pending charge was booked (no problem) or refused.
  void settle_charge(const Lease& lease, std::string problem, Done done);

  /// Ends all these running attempts in one transaction; waits for it. For recovery.
  struct OrphanEnd {
    Lease lease;
    End end;
  };
  Result<void> finish_all(const std::vector<OrphanEnd>& ends, Instant at);
  /// Returns once everything submitted so far is certain. `done`s may still be on their way.
  void flush() { writer_.drain(); }

  // --- Reads ---

  Result<std::optional<StoredTask>> find(const Uuid& id);
  struct Listing {
    std::optional<messages::TaskState> state{};
    std::optional<std::string> bot{};
    std::optional<Uuid> before{};
    std::int64_t limit = 100;
    std::size_t bytes_max = 0;  ///< Of the page, as JSON; one task is given whatever it takes.
  };
  Result<messages::TasksPage> list(const Listing& listing);
  /// From `request.from` on; whether it has ended is found with it, in one snapshot.
  Result<std::optional<messages::TaskOutput>> read_output(const Uuid& id, PageRequest request);
  Result<std::vector<StoredTask>> all_running();
  Result<std::vector<Waiting>> all_queued();
  Result<std::vector<PendingCharge>> pending_charges(std::int64_t limit);
  Result<std::map<messages::TaskState, std::int64_t>> counts();
  Result<std::int64_t> pending_charges_count();

  storage::Writer::Counters counters() const { return writer_.counters(); }

 private:
  void write(storage::Writer::Work work, Done done);

  Post post_;
  std::unique_ptr<storage::Connection> reader_;
  storage::Writer writer_;  // Last: it ends first, while what its answers use still lives.
};

}  // namespace guild::scheduler
