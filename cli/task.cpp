// `guild task`: submit, list, show, logs, cancel. task_run.cpp runs one and waits for it.
#include "cli/task.hpp"

#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/nouns.hpp"
#include "cli/session.hpp"

namespace guild::cli {

using messages::Task;
using messages::TaskState;

Result<void> read_value(std::string_view text, Cost& into) {
  GUILD_TRY(const Money money, Money::parse(text));
  if (money.is_negative())
    return fail(ErrorKind::invalid, "amount_negative",
                fmt::format("{} is negative; a task costs nothing or more", quoted(text)));
  into.money = money;
  return {};
}

Result<messages::SubmitTask> submission_of(const SubmitArguments& arguments) {
  using Words = decltype(messages::SubmitTask::command);
  messages::SubmitTask task;
  task.id = arguments.id.value_or(Uuid::make());
  if (arguments.command.size() > Words::size_max)
    return fail(ErrorKind::invalid, "command_invalid",
                fmt::format("the command has {} words, where at most {} fit",
                            arguments.command.size(), Words::size_max));
  for (const std::string& word : arguments.command)
    if (auto read = cli::read_value(word, task.command.emplace_back()); !read)
      return fail(std::move(read).error().while_doing("command"));
  if (!arguments.cost.money.is_zero() && arguments.bot.empty())
    return fail(ErrorKind::invalid, "cost_without_bot", "a cost needs a bot to book it on",
                "name it with --bot");
  task.bot = arguments.bot;
  task.cost = arguments.cost.money;
  task.priority = arguments.priority;
  task.directory = arguments.directory;
  if (arguments.timeout) task.timeout = *arguments.timeout;
  return task;
}

std::string_view name_of(TaskState state) {
  switch (state) {
    case TaskState::queued:
      return "queued";
    case TaskState::running:
      return "running";
    case TaskState::succeeded:
      return "succeeded";
    case TaskState::failed:
      return "failed";
    case TaskState::cancelled:
      break;
  }
  return "cancelled";
}

bool has_ended(TaskState state) {
  return state != TaskState::queued && state != TaskState::running;
}

std::string summary_of(const Task& task) {
  std::string text(name_of(task.state));
  if (!has_ended(task.state)) return text;
  if (!task.reason.empty())
    text += ": " + task.reason.value;
  else if (!task.signal.empty())
    text += ": ended by " + task.signal.value;
  else if (task.exit_code && *task.exit_code != 0)
    text += fmt::format(": exit code {}", *task.exit_code);
  if (task.started_at && task.ended_at)
    text += fmt::format(" ({})", to_text(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     *task.ended_at - *task.started_at)));
  if (task.output_dropped > 0)
    text +=
        fmt::format("; {} of {} bytes of output left out", task.output_dropped, task.output_bytes);
  if (task.charged && !task.cost.is_zero())
    text += fmt::format("; {} booked to bot/{}", task.cost.text(), task.bot.value);
  if (!task.charge_problem.empty())
    text += fmt::format("; {} NOT booked: {}", task.cost.text(), task.charge_problem.value);
  return text;
}

namespace {

constexpr std::int64_t output_page_bytes = 65'536;

Colour colour_of(TaskState state) {
  if (state == TaskState::succeeded) return Colour::green;
  return state == TaskState::failed ? Colour::red : Colour::none;
}

std::string command_line(const Task& task) {
  std::string line;
  for (const auto& word : task.command) line += (line.empty() ? "" : " ") + word.value;
  return line;
}

Row row_of(const Task& task) {
  return {task.id.text(),
          {std::string(name_of(task.state)), colour_of(task.state)},
          fmt::to_string(task.priority),
          task.bot.empty() ? "-" : task.bot.value,
          task.cost.text() + (task.charged          ? ""
                              : task.cost.is_zero() ? ""
                                                    : " (open)"),
          to_rfc3339(task.submitted_at),
          command_line(task)};
}

void show(Context& context, const std::vector<Task>& tasks) {
  std::vector<Row> rows;
  for (const Task& task : tasks) {
    if (context.json())
      context.out.line(messages::encode(task));
    else
      rows.push_back(row_of(task));
  }
  if (!context.json())
    context.out.table({{"ID"},
                       {"STATE"},
                       {"P", Align::right},
                       {"BOT"},
                       {"COST", Align::right},
                       {"SUBMITTED"},
                       {"COMMAND"}},
                      rows);
}

Result<Exit> submit(Context& context, const SubmitArguments& arguments) {
  GUILD_TRY(const messages::SubmitTask submission, submission_of(arguments));
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const Task task, session.ask_until_answered<Task>("scheduler/submit", submission,
                                                              context.timeout_or(answer_limit)));
  context.out.line(context.json() ? messages::encode(task) : task.id.text());
  return Exit::ok;
}

struct ListArguments {
  messages::ListTasks request;
};

Result<Exit> list(Context& context, const ListArguments& arguments) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto page,
            session.ask_until_answered<messages::TasksPage>("scheduler/list", arguments.request,
                                                            context.timeout_or(answer_limit)));
  show(context, page.tasks);
  if (page.more)
    context.out.say(
        fmt::format("there are more; --before {} shows them", page.tasks.back().id.text()));
  return Exit::ok;
}

Result<Exit> show_one(Context& context, const Uuid& id) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const Task task,
            session.ask_until_answered<Task>("scheduler/show", messages::GetTask{id},
                                             context.timeout_or(answer_limit)));
  if (context.json()) {
    context.out.line(messages::encode(task));
    return Exit::ok;
  }
  show(context, {task});
  context.out.line(escape_to_ascii(summary_of(task)));
  return Exit::ok;
}

Result<Exit> logs(Context& context, const Uuid& id) {
  GUILD_TRY(Session session, Session::open(context));
  messages::GetTaskOutput request{id, 0, output_page_bytes};
  for (;;) {
    GUILD_TRY(const auto output, session.ask_until_answered<messages::TaskOutput>(
                                     "scheduler/logs", request, context.timeout_or(answer_limit)));
    if (context.json())
      context.out.line(messages::encode(output));
    else
      context.out.stream(output.text.view());
    if (output.end || output.next == request.from) return Exit::ok;
    request.from = output.next;
  }
}

struct CancelArguments {
  Uuid id;
  Text<256> reason;
};

Result<Exit> cancel(Context& context, const CancelArguments& arguments) {
  GUILD_TRY(Session session, Session::open(context));
  messages::CancelTask request;
  request.id = arguments.id;
  request.reason = arguments.reason;
  GUILD_TRY(const Task task,
            session.ask<Task>("scheduler/cancel", request, context.timeout_or(answer_limit)));
  context.out.line(context.json() ? messages::encode(task) : escape_to_ascii(summary_of(task)));
  return Exit::ok;
}

}  // namespace

void add_task(Command& root) {
  Command& noun = root.add("task", "work: commands that run as worker processes");
  add_task_run(noun);

  const auto submitted = std::make_shared<SubmitArguments>();
  noun.add("submit", "queue a command; prints the task's id")
      .option("--bot", "HANDLE", submitted->bot, "whom the cost is booked on")
      .option("--cost", "AMOUNT", submitted->cost, "booked once it has ended (0)")
      .option("--timeout", "TIME", submitted->timeout, "of the run (30m)")
      .option("--priority", "N", submitted->priority, "0 is first, 2 last (2)")
      .option("--directory", "DIR", submitted->directory, "where it runs")
      .option("--id", "ID", submitted->id, "a UUID; the same one again queues nothing twice")
      .takes_words_after_dashes("COMMAND...", submitted->command)
      .runs([submitted](Context& context) { return submit(context, *submitted); });

  const auto listed = std::make_shared<ListArguments>();
  noun.add("list", "tasks, newest first")
      .option("--state", "STATE", listed->request.state, "queued, running, succeeded, ...")
      .option("--bot", "HANDLE", listed->request.bot, "of this bot")
      .option("--before", "ID", listed->request.before, "older than this one")
      .option("--limit", "N", listed->request.limit, "at most so many (100)")
      .runs([listed](Context& context) { return list(context, *listed); });

  const auto shown = std::make_shared<Uuid>();
  noun.add("show", "one task").takes("ID", *shown, "its id").runs([shown](Context& context) {
    return show_one(context, *shown);
  });

  const auto read = std::make_shared<Uuid>();
  noun.add("logs", "what a task has written so far")
      .takes("ID", *read, "its id")
      .runs([read](Context& context) { return logs(context, *read); });

  const auto cancelled = std::make_shared<CancelArguments>();
  noun.add("cancel", "stop a task, and all that came of it")
      .takes("ID", cancelled->id, "its id")
      .option("--reason", "TEXT", cancelled->reason, "kept with the task")
      .runs([cancelled](Context& context) { return cancel(context, *cancelled); });
}

}  // namespace guild::cli
