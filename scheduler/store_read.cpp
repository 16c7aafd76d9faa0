#include <algorithm>
#include <utility>

#include "scheduler/rows.hpp"
#include "scheduler/store.hpp"

namespace guild::scheduler {
namespace {

using messages::TaskState;
using storage::Connection;
using storage::Statement;

// Newest first, from before a place in the order. One statement per filter, so that each can use
// the index that fits it.
constexpr std::string_view list_all =
    GUILD_SELECT_TASK "WHERE t.seq < ?1 ORDER BY t.seq DESC LIMIT ?2";
constexpr std::string_view list_by_state =
    GUILD_SELECT_TASK "WHERE t.seq < ?1 AND t.state = ?3 ORDER BY t.seq DESC LIMIT ?2";
constexpr std::string_view list_by_bot = GUILD_SELECT_TASK
    "WHERE t.seq < ?1 AND t.bot = ?4 AND t.bot <> '' ORDER BY t.seq DESC LIMIT ?2";
constexpr std::string_view list_by_both = GUILD_SELECT_TASK
    "WHERE t.seq < ?1 AND t.state = ?3 AND t.bot = ?4 AND t.bot <> '' ORDER BY t.seq DESC LIMIT ?2";

std::string_view sql_for(const Store::Listing& listing) {
  if (listing.state && listing.bot) return list_by_both;
  if (listing.state) return list_by_state;
  return listing.bot ? list_by_bot : list_all;
}

Result<std::int64_t> place_before(Connection& connection, const Store::Listing& listing) {
  if (!listing.before) return std::numeric_limits<std::int64_t>::max();
  GUILD_TRY(const auto seq, connection.query_integer("SELECT seq FROM tasks WHERE id = ?",
                                                     blob_of(*listing.before)));
  if (seq) return *seq;
  return fail(ErrorKind::not_found, "task_not_found",
              "before: there is no task " + listing.before->text());
}

/// At most what `text` takes in JSON.
std::size_t json_bytes(std::string_view text) {
  std::size_t bytes = 2;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    bytes += byte < 0x20 ? 6 : byte == '"' || byte == '\\' ? 2 : 1;
  }
  return bytes;
}

std::size_t json_bytes(const messages::Task& task) {
  constexpr std::size_t names_and_numbers = 900;
  std::size_t bytes = names_and_numbers;
  for (const auto& argument : task.command) bytes += json_bytes(argument.view()) + 1;
  for (const std::string& text :
       {task.bot.value, task.charge_problem.value, task.reason.value, task.submitted_by.value})
    bytes += json_bytes(text);
  return bytes;
}

Result<std::vector<StoredTask>> read_all(Connection& connection, std::string_view sql) {
  std::vector<StoredTask> tasks;
  GUILD_TRY(Statement row, connection.prepare(sql));
  while (true) {
    GUILD_TRY(const bool found, row.step());
    if (!found) return tasks;
    tasks.push_back(read_task(row));
  }
}

}  // namespace

Result<std::optional<StoredTask>> Store::find(const Uuid& id) {
  std::optional<StoredTask> task;
  GUILD_CHECK(reader_->snapshot([&](Connection& connection) -> Result<void> {
    GUILD_TRY(task, find_task(connection, id));
    return {};
  }));
  return task;
}

Result<messages::TasksPage> Store::list(const Listing& listing) {
  messages::TasksPage page;
  GUILD_CHECK(reader_->snapshot([&](Connection& connection) -> Result<void> {
    page = {};
    std::size_t bytes = 0;
    GUILD_TRY(const std::int64_t before, place_before(connection, listing));
    GUILD_TRY(Statement row, connection.prepare(sql_for(listing)));
    row.bind(1, before).bind(2, listing.limit + 1);
    if (listing.state) row.bind(3, static_cast<int>(*listing.state));
    if (listing.bot) row.bind(4, std::string_view(*listing.bot));
    while (true) {
      GUILD_TRY(const bool found, row.step());
      if (!found) return {};
      messages::Task task = read_task(row).shown;
      bytes += json_bytes(task);
      const bool is_full = static_cast<std::int64_t>(page.tasks.size()) == listing.limit ||
                           (!page.tasks.empty() && bytes > listing.bytes_max);
      page.more = is_full;
      if (is_full) return {};
      page.tasks.push_back(std::move(task));
    }
  }));
  return page;
}

Result<std::optional<messages::TaskOutput>> Store::read_output(const Uuid& id,
                                                               PageRequest request) {
  std::optional<messages::TaskOutput> output;
  GUILD_CHECK(reader_->snapshot([&](Connection& connection) -> Result<void> {
    output.reset();
    GUILD_TRY(const auto task, find_task(connection, id));
    if (!task) return {};
    request.is_ended = task->is_ended();
    const std::int64_t total = task->shown.output_bytes;
    const auto read = [&](std::int64_t from, std::int64_t until) {
      return read_output_bytes(connection, task->seq, from, until);
    };
    GUILD_TRY(OutputPage page, read_page(task->output_bound(), total, request, read));
    output = {.id = id,
              .state = task->shown.state,
              .text = std::move(page.text),
              .next = page.next,
              .end = request.is_ended && page.next >= total,
              .dropped = page.dropped};
    return {};
  }));
  return output;
}

Result<std::vector<StoredTask>> Store::all_running() {
  std::vector<StoredTask> tasks;
  GUILD_CHECK(reader_->snapshot([&](Connection& connection) -> Result<void> {
    GUILD_TRY(tasks, read_all(connection, GUILD_SELECT_TASK "WHERE t.state = 1 ORDER BY t.seq"));
    return {};
  }));
  return tasks;
}

Result<std::vector<Waiting>> Store::all_queued() {
  std::vector<Waiting> tasks;
  GUILD_CHECK(reader_->snapshot([&](Connection& connection) -> Result<void> {
    GUILD_TRY(const auto found,
              read_all(connection, GUILD_SELECT_TASK "WHERE t.state = 0 ORDER BY t.seq"));
    tasks.clear();
    for (const StoredTask& task : found) {
      tasks.push_back({.id = task.shown.id,
                       .seq = task.seq,
                       .priority = task.shown.priority,
                       .attempt = task.shown.attempt});
    }
    return {};
  }));
  return tasks;
}

Result<std::vector<PendingCharge>> Store::pending_charges(std::int64_t limit) {
  std::vector<PendingCharge> charges;
  GUILD_CHECK(reader_->snapshot([&](Connection& connection) -> Result<void> {
    charges.clear();
    GUILD_TRY(Statement row,
              connection.prepare(
                  "SELECT t.id, c.attempt, t.bot, t.cost FROM charges c "
                  "JOIN tasks t ON t.seq = c.task WHERE c.state = 0 ORDER BY c.task LIMIT ?"));
    row.bind_all(limit);
    while (true) {
      GUILD_TRY(const bool found, row.step());
      if (!found) return {};
      PendingCharge charge;
      std::ranges::copy(row.blob(0), charge.lease.task.bytes.begin());
      charge.lease.attempt = row.integer(1);
      charge.bot = row.text(2);
      charge.amount = Money::of_units(row.integer(3));
      charges.push_back(std::move(charge));
    }
  }));
  return charges;
}

Result<std::map<TaskState, std::int64_t>> Store::counts() {
  std::map<TaskState, std::int64_t> counts;
  GUILD_CHECK(reader_->snapshot([&](Connection& connection) -> Result<void> {
    counts.clear();
    GUILD_TRY(Statement row,
              connection.prepare("SELECT state, count(*) FROM tasks GROUP BY state"));
    while (true) {
      GUILD_TRY(const bool found, row.step());
      if (!found) return {};
      counts[static_cast<TaskState>(row.integer(0))] = row.integer(1);
    }
  }));
  return counts;
}

Result<std::int64_t> Store::pending_charges_count() {
  std::int64_t count = 0;
  GUILD_CHECK(reader_->snapshot([&](Connection& connection) -> Result<void> {
    GUILD_TRY(const auto found,
              connection.query_integer("SELECT count(*) FROM charges WHERE state = 0"));
    count = found.value_or(0);
    return {};
  }));
  return count;
}

}  // namespace guild::scheduler
