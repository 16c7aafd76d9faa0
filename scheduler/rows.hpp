// Rows of scheduler.db as values: what store_read.cpp and store_write.cpp share. SQL stays in these
// three.
#pragma once

#include "common/storage/connection.hpp"
#include "scheduler/task.hpp"

namespace guild::scheduler {

/// Columns for read_task, in its order. Continues with WHERE.
#define GUILD_SELECT_TASK                                                                       \
  "SELECT t.seq, t.id, t.state, t.attempt, t.priority, t.command, t.bot, t.cost, t.directory, " \
  "t.timeout, t.output_bytes_max, t.orphan, t.trace, t.submitted_by, t.submitted_at, "          \
  "t.started_at, t.ended_at, t.pid, t.pid_start, t.boot_id, t.exit_code, t.signal, t.reason, "  \
  "t.cancel_reason, t.output_bytes, t.output_dropped, c.state, c.problem "                      \
  "FROM tasks t LEFT JOIN charges c ON c.task = t.seq AND c.attempt = t.attempt "

StoredTask read_task(const storage::Statement& row);
Result<std::optional<StoredTask>> find_task(storage::Connection& connection, const Uuid& id);

std::string encode_command(const messages::SubmitTask& task);
/// Whether `task` is what `asked` asks for: the same, but for who asks and under which trace.
bool is_same(const StoredTask& task, const messages::SubmitTask& asked);

/// Bytes [from, until) of a task's output. Code output_missing when some are not stored.
Result<std::string> read_output_bytes(storage::Connection& connection, std::int64_t seq,
                                      std::int64_t from, std::int64_t until);

inline BytesView blob_of(const Uuid& id) { return id.bytes; }

}  // namespace guild::scheduler
