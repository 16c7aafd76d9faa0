#include "scheduler/rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.hpp"

namespace guild::scheduler {
namespace {

using storage::Statement;

/// Hands out the columns of a row one after the other.
class Columns {
 public:
  explicit Columns(const Statement& row) : row_(row) {}

  std::int64_t integer() { return row_.integer(next_++); }
  std::string text() { return std::string(row_.text(next_++)); }
  Money money() { return Money::of_units(integer()); }
  Instant instant() { return {integer()}; }
  BytesView blob() { return row_.blob(next_++); }
  Uuid uuid() {
    const BytesView bytes = blob();
    Uuid id;
    GUILD_ASSERT(bytes.size() == id.bytes.size());  // The schema checks it.
    std::ranges::copy(bytes, id.bytes.begin());
    return id;
  }
  template <class Read>
  auto optional(Read read) -> std::optional<decltype((this->*read)())> {
    if (!row_.is_null(next_)) return (this->*read)();
    ++next_;
    return std::nullopt;
  }

 private:
  const Statement& row_;
  int next_ = 0;
};

void decode_command(BytesView bytes, messages::Task& task) {
  for (std::string_view rest = as_text(bytes); !rest.empty();) {
    const std::size_t size = rest.find('\0');
    task.command.emplace_back(std::string(rest.substr(0, size)));
    rest.remove_prefix(size + 1);
  }
}

void read_charge(Columns& columns, StoredTask& task) {
  const auto state = columns.optional(&Columns::integer);
  task.shown.charge_problem = columns.optional(&Columns::text).value_or("");
  task.is_charge_pending = state == 0;
  task.shown.charged = state == 1;
}

}  // namespace

StoredTask read_task(const Statement& row) {
  Columns columns(row);
  StoredTask task;
  messages::Task& shown = task.shown;
  task.seq = columns.integer();
  shown.id = columns.uuid();
  shown.state = static_cast<messages::TaskState>(columns.integer());
  shown.attempt = columns.integer();
  shown.priority = columns.integer();
  decode_command(columns.blob(), shown);
  shown.bot = columns.text();
  shown.cost = columns.money();
  task.directory = columns.text();
  task.timeout = Duration(columns.integer());
  task.output_bytes_max = columns.integer();
  task.orphan = static_cast<messages::OrphanPolicy>(columns.integer());
  task.trace = columns.text();
  shown.submitted_by = columns.text();
  shown.submitted_at = columns.instant();
  shown.started_at = columns.optional(&Columns::instant);
  shown.ended_at = columns.optional(&Columns::instant);
  shown.pid = columns.optional(&Columns::integer).value_or(0);
  task.process.pid = static_cast<pid_t>(shown.pid);
  task.process.start_ticks =
      static_cast<std::uint64_t>(columns.optional(&Columns::integer).value_or(0));
  task.boot_id = columns.optional(&Columns::text).value_or("");
  shown.exit_code = columns.optional(&Columns::integer);
  shown.signal = columns.text();
  shown.reason = columns.text();
  task.cancel_reason = columns.optional(&Columns::text);
  if (shown.state == messages::TaskState::running && task.cancel_reason)
    shown.reason = *task.cancel_reason;
  shown.output_bytes = columns.integer();
  shown.output_dropped = columns.integer();
  read_charge(columns, task);
  return task;
}

Result<std::optional<StoredTask>> find_task(storage::Connection& connection, const Uuid& id) {
  GUILD_TRY(Statement row, connection.prepare(GUILD_SELECT_TASK "WHERE t.id = ?"));
  row.bind_all(blob_of(id));
  GUILD_TRY(const bool found, row.step());
  if (!found) return std::optional<StoredTask>{};
  return std::optional(read_task(row));
}

std::string encode_command(const messages::SubmitTask& task) {
  std::string bytes;
  for (const auto& argument : task.command) (bytes += argument.value) += '\0';
  return bytes;
}

bool is_same(const StoredTask& task, const messages::SubmitTask& asked) {
  return std::ranges::equal(task.shown.command, asked.command) && task.shown.bot == asked.bot &&
         task.shown.cost == asked.cost && task.shown.priority == asked.priority &&
         task.directory == asked.directory.value && task.timeout == asked.timeout &&
         task.output_bytes_max == asked.output_bytes_max && task.orphan == asked.orphan;
}

Result<std::string> read_output_bytes(storage::Connection& connection, std::int64_t seq,
                                      std::int64_t from, std::int64_t until) {
  GUILD_TRY(Statement row,
            connection.prepare(
                "SELECT start, bytes FROM output WHERE task = ?1 AND start < ?3 AND start >= "
                "coalesce((SELECT max(start) FROM output WHERE task = ?1 AND start <= ?2), 0) "
                "ORDER BY start"));
  row.bind_all(seq, from, until);
  std::string bytes;
  std::int64_t position = from;
  while (position < until) {
    GUILD_TRY(const bool found, row.step());
    const std::string_view part = found ? as_text(row.blob(1)) : std::string_view{};
    const std::int64_t skip = found ? position - row.integer(0) : -1;
    if (skip < 0 || skip >= static_cast<std::int64_t>(part.size())) {
      return fail(ErrorKind::failed, "output_missing",
                  fmt::format("bytes {} to {} of the output are not stored", position, until));
    }
    bytes +=
        part.substr(static_cast<std::size_t>(skip), static_cast<std::size_t>(until - position));
    position = from + static_cast<std::int64_t>(bytes.size());
  }
  return bytes;
}

}  // namespace guild::scheduler
