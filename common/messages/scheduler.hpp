// The scheduler's messages (DESIGN §7, BEHAVIOUR §3). Requests are served as `scheduler/<verb>`;
// events on `tasks/<task>/<state>`.
#pragma once

#include <optional>
#include <string>

#include "common/messages/codec.hpp"
#include "common/messages/ledgerd.hpp"  // Handle
#include "common/messages/principal.hpp"
#include "common/messages/types.hpp"

namespace guild::messages {

enum class TaskState { queued, running, succeeded, failed, cancelled };
BOOST_DESCRIBE_ENUM(TaskState, queued, running, succeeded, failed, cancelled)
/// What to do with a task that was running when the scheduler died.
enum class OrphanPolicy { fail, requeue };
BOOST_DESCRIBE_ENUM(OrphanPolicy, fail, requeue)

/// `scheduler/submit` → Task. The same `id` with the same content answers the task as it is now,
/// with other content `id_reused`. Codes: queue_full (RESOURCE_EXHAUSTED), bot_unknown,
/// command_empty, directory_invalid, not_permitted.
struct SubmitTask {
  Uuid id;
  List<Text<4'000>, 256> command;  ///< argv; no shell in between.
  Handle bot;                      ///< Whom the cost is charged to; empty: nobody.
  Money cost;                      ///< Booked once when an attempt has ended; zero: nothing.
  Range<0, 2, 2> priority;
  Text<1'024> directory;                        ///< Empty: the scheduler's work folder.
  Duration timeout = std::chrono::minutes(30);  ///< 1 s to 24 h.
  Range<1'024, 1'073'741'824, 10'000'000> output_bytes_max;
  OrphanPolicy orphan = OrphanPolicy::fail;
  Text<64> trace;
  std::optional<Credential>
      credential;  ///< Required from a carrier; the operator's, while exec is theirs alone.
};
BOOST_DESCRIBE_STRUCT(SubmitTask, (),
                      (id, command, bot, cost, priority, directory, timeout, output_bytes_max,
                       orphan, trace, credential))
GUILD_OPTIONAL_FIELDS(SubmitTask, "bot", "cost", "priority", "directory", "timeout",
                      "output_bytes_max", "orphan", "trace")

struct Task {
  Uuid id;
  TaskState state{};
  List<Text<4'000>, 256> command;
  Handle bot;
  Money cost;
  bool charged = false;      ///< The cost of the last attempt is booked.
  Text<256> charge_problem;  ///< Why it could not be, e.g. "funds_short".
  std::int64_t priority = 2;
  std::int64_t attempt = 0;  ///< 0 until first started; the lease's epoch.
  std::int64_t pid = 0;      ///< While running.
  std::optional<std::int64_t> exit_code;
  Text<32> signal;   ///< "SIGKILL" when a signal ended it.
  Text<256> reason;  ///< Why it failed or was cancelled.
  Text<64> submitted_by;
  Instant submitted_at;
  std::optional<Instant> started_at, ended_at;
  std::int64_t output_bytes = 0;    ///< Produced, not only kept.
  std::int64_t output_dropped = 0;  ///< Left out of the middle.
};
BOOST_DESCRIBE_STRUCT(Task, (),
                      (id, state, command, bot, cost, charged, charge_problem, priority, attempt,
                       pid, exit_code, signal, reason, submitted_by, submitted_at, started_at,
                       ended_at, output_bytes, output_dropped))

/// `scheduler/show` → Task; `scheduler/cancel` → Task. Codes: task_not_found, task_cannot_cancel.
struct GetTask {
  Uuid id;
};
BOOST_DESCRIBE_STRUCT(GetTask, (), (id))
struct CancelTask {
  Uuid id;
  Text<256> reason;
  std::optional<Credential> credential;  ///< Required from a carrier.
};
BOOST_DESCRIBE_STRUCT(CancelTask, (), (id, reason, credential))
GUILD_OPTIONAL_FIELDS(CancelTask, "reason")

/// `scheduler/list` → TasksPage, newest first, before `before` (a task id) when given.
struct ListTasks {
  std::optional<TaskState> state;
  std::optional<Handle> bot;
  std::optional<Uuid> before;
  Range<1, 1'000, 100> limit;
};
BOOST_DESCRIBE_STRUCT(ListTasks, (), (state, bot, before, limit))
GUILD_OPTIONAL_FIELDS(ListTasks, "limit")
struct TasksPage {
  List<Task, 1'000> tasks;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(TasksPage, (), (tasks, more))

/// `scheduler/logs` → TaskOutput: kept output from byte offset `from` of the kept stream.
struct GetTaskOutput {
  Uuid id;
  std::int64_t from = 0;
  Range<1, 524'288, 65'536> bytes_max;
};
BOOST_DESCRIBE_STRUCT(GetTaskOutput, (), (id, from, bytes_max))
GUILD_OPTIONAL_FIELDS(GetTaskOutput, "from", "bytes_max")
struct TaskOutput {
  Uuid id;
  TaskState state{};
  Text<1'048'576> text;      ///< UTF-8; invalid bytes and NULs as U+FFFD; no character split.
  std::int64_t next = 0;     ///< Ask again with from = this.
  bool end = false;          ///< The task has ended and this reaches its last byte.
  std::int64_t dropped = 0;  ///< Bytes left out of the middle; a marker stands in the text.
};
BOOST_DESCRIBE_STRUCT(TaskOutput, (), (id, state, text, next, end, dropped))

/// `scheduler/wait` → Task once it has ended, or `timeout`.
struct WaitTask {
  Uuid id;
};
BOOST_DESCRIBE_STRUCT(WaitTask, (), (id))

}  // namespace guild::messages
