// Writer: the one thread that writes a database file, with group commit. Everything that waits is
// one transaction; answers go out after the commit, so what is acknowledged is on disk. A job that
// fails is undone alone (savepoint) and answered with its error; the others of its group commit.
// When the file itself fails (disk full, busy past the budget, damage) the whole group is answered
// with that error, and the next group is tried afresh. Bounded: submit refuses (code writer_full)
// past `waiting_max` jobs not yet begun. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "common/storage/connection.hpp"

namespace guild::storage {

struct WriterOptions {
  std::size_t waiting_max = 65'536;
  std::size_t group_max = 8'192;  ///< Jobs in one transaction.
  Duration spin{0};  ///< How long to look for the next job, yielding, before it sleeps.
};

/// Around each group, on the writer's thread, for owners that keep state in memory beside the file.
struct WriterHooks {
  std::function<void()> begin = {};   ///< Before a group's first job, and before each retry.
  std::function<void()> commit = {};  ///< After COMMIT returned, before the answers.
  /// The whole group was undone, also before each retry: every `begin` is followed by exactly one
  /// `commit` or `rollback`.
  std::function<void()> rollback = {};
  std::function<void()> undo = {};  ///< The job just run was undone alone.
  /// Once: COMMIT itself failed in a way that leaves it unknown what the file holds
  /// (outcome_unknown). Memory may differ from the file, so end the process and replay.
  std::function<void(const Error&)> lost = {};
};

class Writer {
 public:
  /// What a job does to the file. May run more than once when the transaction is retried, so it
  /// must undo or overwrite what it captured; it runs on the writer's thread.
  using Work = std::function<Result<void>(Connection&)>;
  /// Called once on the writer's thread after the commit (or the failure) is certain.
  using Done = std::function<void(Result<void>)>;
  using Hooks = WriterHooks;

  Writer(std::unique_ptr<Connection> connection, WriterOptions options, Hooks hooks = {});
  /// Finishes what was submitted, then stops. From then on submit refuses (writer_stopping).
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<void> submit(Work work, Done done);
  /// Submits and waits; for callers that are not on an event loop. Not from the writer's thread.
  Result<void> run(Work work);
  /// Returns when everything submitted before has been answered.
  void drain();

  struct Counters {
    std::uint64_t jobs = 0, groups = 0, failed_jobs = 0, failed_groups = 0;
    Connection::Counters connection;
  };
  Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace guild::storage
