#include <fmt/format.h>

#include <utility>

#include "scheduler/rows.hpp"
#include "scheduler/store.hpp"

namespace guild::scheduler {
namespace {

using messages::TaskState;
using storage::Connection;

/// The guard of every transition: exactly one row was in the state that it starts from.
Result<void> expect_changed(const Connection& connection, const Lease& lease) {
  if (connection.changes() == 1) return {};
  return fail(
      ErrorKind::conflict, "lease_stale",
      fmt::format("attempt {} of task {} no longer holds it", lease.attempt, lease.task.text()));
}

Result<std::int64_t> insert(Connection& connection, const NewTask& task) {
  const messages::SubmitTask& asked = task.asked;
  GUILD_CHECK(connection.execute(
      "INSERT INTO tasks (id, state, attempt, priority, command, bot, cost, directory, timeout, "
      "output_bytes_max, orphan, trace, submitted_by, submitted_at) "
      "VALUES (?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      blob_of(asked.id), asked.priority.value, as_bytes(encode_command(asked)), asked.bot.view(),
      asked.cost.units(), asked.directory.view(), asked.timeout.count(),
      asked.output_bytes_max.value, static_cast<int>(asked.orphan), asked.trace.view(),
      std::string_view(task.submitted_by), task.submitted_at.ns));
  return connection.last_insert_rowid();
}

Result<Store::Submitted> insert_once(Connection& connection, const NewTask& task) {
  GUILD_TRY(const auto earlier, find_task(connection, task.asked.id));
  if (!earlier) {
    GUILD_TRY(const std::int64_t seq, insert(connection, task));
    return Store::Submitted{.seq = seq, .is_new = true};
  }
  if (is_same(*earlier, task.asked)) return Store::Submitted{.seq = earlier->seq, .is_new = false};
  return fail(ErrorKind::conflict, "id_reused",
              fmt::format("task {} is there already, with other content", task.asked.id.text()),
              "give every task an id of its own");
}

/// Bytes left out of the middle, as a reader will see it.
Result<std::int64_t> count_dropped(Connection& connection, const Uuid& id) {
  GUILD_TRY(const auto task, find_task(connection, id));
  if (!task) return 0;
  const auto read = [&](std::int64_t from, std::int64_t until) {
    return read_output_bytes(connection, task->seq, from, until);
  };
  GUILD_TRY(const Kept kept, find_kept(task->output_bound(), task->shown.output_bytes, read));
  return kept.dropped();
}

/// What an attempt that has ended for good costs: pending, or not to be paid because it never ran.
Result<void> add_charge(Connection& connection, const Uuid& id, bool is_charged) {
  return connection.execute(
      "INSERT INTO charges (task, attempt, state, problem) "
      "SELECT seq, attempt, ?, ? FROM tasks WHERE id = ? AND bot <> '' AND cost > 0",
      is_charged ? 0 : 2, std::string_view(is_charged ? "" : "not_started"), blob_of(id));
}

Result<void> write_end(Connection& connection, const Lease& lease, const End& end, Instant at) {
  GUILD_TRY(const std::int64_t dropped, count_dropped(connection, lease.task));
  const bool runs_again = end.state == TaskState::queued;
  GUILD_CHECK(connection.execute(
      "UPDATE tasks SET state = ?, ended_at = ?, pid = NULL, pid_start = NULL, boot_id = NULL, "
      "exit_code = ?, signal = ?, reason = ?, output_dropped = ? "
      "WHERE id = ? AND state = 1 AND attempt = ?",
      static_cast<int>(end.state), runs_again ? std::nullopt : std::optional(at.ns), end.exit_code,
      std::string_view(end.signal), std::string_view(end.reason), dropped, blob_of(lease.task),
      lease.attempt));
  GUILD_CHECK(expect_changed(connection, lease));
  return runs_again ? Result<void>{} : add_charge(connection, lease.task, end.is_charged);
}

/// The row of a running attempt, told how far its output has come.
struct OutputRow {
  std::int64_t seq = 0;
  OutputBound bound;
};
Result<OutputRow> advance_output(Connection& connection, const Lease& lease, std::int64_t total) {
  GUILD_TRY(auto row,
            connection.prepare("UPDATE tasks SET output_bytes = ? WHERE id = ? AND state = 1 AND "
                               "attempt = ? RETURNING seq, output_bytes_max"));
  row.bind_all(total, blob_of(lease.task), lease.attempt);
  GUILD_TRY(const bool found, row.step());
  if (!found) {
    return fail(
        ErrorKind::conflict, "lease_stale",
        fmt::format("attempt {} of task {} no longer holds it", lease.attempt, lease.task.text()));
  }
  const OutputRow output{row.integer(0), {row.integer(1)}};
  GUILD_CHECK(row.run());
  return output;
}

Result<void> write_output(Connection& connection, const Lease& lease, std::int64_t start,
                          const std::string& bytes) {
  const std::int64_t total = start + static_cast<std::int64_t>(bytes.size());
  GUILD_TRY(const OutputRow row, advance_output(connection, lease, total));
  for (const Piece& piece : pieces_to_keep(row.bound, start, bytes)) {
    GUILD_CHECK(connection.execute("INSERT INTO output (task, start, bytes) VALUES (?, ?, ?)",
                                   row.seq, piece.start, as_bytes(piece.bytes)));
  }
  if (total <= row.bound.bytes_max) return {};
  return connection.execute(
      "DELETE FROM output WHERE task = ? AND start >= ? AND start + length(bytes) <= ?", row.seq,
      row.bound.head_max(), row.bound.tail_start(total));
}

Result<void> write_start(Connection& connection, const Lease& lease, const Store::Start& start) {
  GUILD_CHECK(connection.execute(
      "UPDATE tasks SET state = 1, attempt = ?1, started_at = ?2, ended_at = NULL, pid = ?3, "
      "pid_start = ?4, boot_id = ?5, exit_code = NULL, signal = '', reason = '', "
      "output_bytes = 0, output_dropped = 0 WHERE id = ?6 AND state = 0 AND attempt = ?1 - 1",
      lease.attempt, start.at.ns, start.process.pid, start.process.start_ticks,
      std::string_view(start.boot_id), blob_of(lease.task)));
  GUILD_CHECK(expect_changed(connection, lease));
  if (lease.attempt == 1) return {};
  return connection.execute("DELETE FROM output WHERE task = (SELECT seq FROM tasks WHERE id = ?)",
                            blob_of(lease.task));
}

Result<void> write_failed_start(Connection& connection, const Lease& lease,
                                const std::string& reason, Instant at) {
  GUILD_CHECK(connection.execute(
      "UPDATE tasks SET state = 3, attempt = ?1, started_at = NULL, ended_at = ?2, reason = ?3, "
      "signal = '' WHERE id = ?4 AND state = 0 AND attempt = ?1 - 1",
      lease.attempt, at.ns, std::string_view(reason), blob_of(lease.task)));
  GUILD_CHECK(expect_changed(connection, lease));
  return add_charge(connection, lease.task, false);
}

}  // namespace

Store::Store(std::unique_ptr<Connection> connection, std::unique_ptr<Connection> reader, Post post,
             std::function<void(const Error&)> lost)
    : post_(std::move(post)),
      reader_(std::move(reader)),
      writer_(std::move(connection), {},
              {.lost = [post = post_, lost = std::move(lost)](const Error& error) {
                post([lost, error] { lost(error); });
              }}) {}

void Store::write(storage::Writer::Work work, Done done) {
  // Shared, so that a refusal can still answer.
  const auto answer = std::make_shared<Done>(std::move(done));
  const auto to_loop = [post = post_, answer](Result<void> outcome) {
    post([answer, outcome = std::move(outcome)] { (*answer)(outcome); });
  };
  if (auto taken = writer_.submit(std::move(work), to_loop); !taken) to_loop(std::move(taken));
}

void Store::submit(NewTask task, std::function<void(Result<Submitted>)> done) {
  const auto submitted = std::make_shared<Submitted>();
  write(
      [task = std::move(task), submitted](Connection& connection) -> Result<void> {
        GUILD_TRY(*submitted, insert_once(connection, task));
        return {};
      },
      [submitted, done = std::move(done)](Result<void> outcome) {
        if (!outcome) return done(std::unexpected(std::move(outcome).error()));
        done(*submitted);
      });
}

void Store::start(const Lease& lease, Start start, Done done) {
  write([lease, start = std::move(start)](
            Connection& connection) { return write_start(connection, lease, start); },
        std::move(done));
}

void Store::fail_start(const Lease& lease, std::string reason, Instant at, Done done) {
  write([lease, reason = std::move(reason),
         at](Connection& connection) { return write_failed_start(connection, lease, reason, at); },
        std::move(done));
}

void Store::cancel_queued(const Uuid& id, std::int64_t last_attempt, std::string reason, Instant at,
                          Done done) {
  write(
      [lease = Lease{id, last_attempt}, reason = std::move(reason),
       at](Connection& connection) -> Result<void> {
        GUILD_CHECK(connection.execute(
            "UPDATE tasks SET state = 4, ended_at = ?, reason = ? "
            "WHERE id = ? AND state = 0 AND attempt = ?",
            at.ns, std::string_view(reason), blob_of(lease.task), lease.attempt));
        return expect_changed(connection, lease);
      },
      std::move(done));
}

void Store::want_cancel(const Lease& lease, std::string reason, Done done) {
  write(
      [lease, reason = std::move(reason)](Connection& connection) -> Result<void> {
        // The first who asked is named.
        GUILD_CHECK(
            connection.execute("UPDATE tasks SET cancel_reason = coalesce(cancel_reason, ?) "
                               "WHERE id = ? AND state = 1 AND attempt = ?",
                               std::string_view(reason), blob_of(lease.task), lease.attempt));
        return expect_changed(connection, lease);
      },
      std::move(done));
}

void Store::finish(const Lease& lease, End end, Instant at, Done done) {
  write([lease, end = std::move(end),
         at](Connection& connection) { return write_end(connection, lease, end, at); },
        std::move(done));
}

void Store::append(const Lease& lease, std::int64_t start, std::string bytes, Done done) {
  write([lease, start, bytes = std::move(bytes)](
            Connection& connection) { return write_output(connection, lease, start, bytes); },
        std::move(done));
}

void Store::settle_charge(const Lease& lease, std::string problem, Done done) {
  write(
      [lease, problem = std::move(problem)](Connection& connection) -> Result<void> {
        GUILD_CHECK(connection.execute(
            "UPDATE charges SET state = ?, problem = ? WHERE state = 0 AND attempt = ? AND "
            "task = (SELECT seq FROM tasks WHERE id = ?)",
            problem.empty() ? 1 : 2, std::string_view(problem), lease.attempt,
            blob_of(lease.task)));
        return expect_changed(connection, lease);
      },
      std::move(done));
}

Result<void> Store::finish_all(const std::vector<OrphanEnd>& ends, Instant at) {
  return writer_.run([&](Connection& connection) -> Result<void> {
    for (const OrphanEnd& orphan : ends)
      GUILD_CHECK(write_end(connection, orphan.lease, orphan.end, at));
    return {};
  });
}

}  // namespace guild::scheduler
