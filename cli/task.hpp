// What the verbs of `guild task` share: a submission from arguments, and how a task's end is told.
// A submission is checked whole before anything is sent; its errors are kind invalid.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/context.hpp"
#include "common/messages/scheduler.hpp"

namespace guild::cli {

/// Nothing or more; what a task costs.
struct Cost {
  Money money;
};
/// Code amount_negative.
Result<void> read_value(std::string_view text, Cost& into);

struct SubmitArguments {
  messages::Handle bot;
  Cost cost;
  messages::Range<0, 2, 2> priority;
  std::optional<Duration> timeout;
  Text<1'024> directory;
  std::optional<Uuid> id;
  std::vector<std::string> command;
};
/// Codes: command_invalid, cost_without_bot. Pure but for a new id.
Result<messages::SubmitTask> submission_of(const SubmitArguments& arguments);

std::string_view name_of(messages::TaskState state);
bool has_ended(messages::TaskState state);
/// "failed: exit code 3 (1s200ms)" for a task that has ended; its state otherwise. Pure.
std::string summary_of(const messages::Task& task);

/// run
void add_task_run(Command& task);

}  // namespace guild::cli
