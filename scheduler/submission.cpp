#include "scheduler/submission.hpp"

#include <fmt/format.h>

namespace guild::scheduler {
namespace {

std::unexpected<Error> refuse(std::string code, std::string message, std::string next_step = {}) {
  return fail(ErrorKind::invalid, std::move(code), std::move(message), std::move(next_step));
}

std::size_t command_bytes(const messages::SubmitTask& submission) {
  std::size_t bytes = 0;
  for (const auto& argument : submission.command) bytes += argument.value.size() + 1;
  return bytes;
}

Result<void> check_command(const messages::SubmitTask& submission) {
  if (submission.command.empty() || submission.command.front().empty()) {
    return refuse("command_empty", "the command is empty",
                  "name a program and its arguments; no shell stands in between");
  }
  if (command_bytes(submission) > command_bytes_max) {
    return refuse("command_too_big",
                  fmt::format("the command has {} bytes; at most {} are taken",
                              command_bytes(submission), command_bytes_max),
                  "put large input in a file and name that");
  }
  return {};
}

Result<void> check_cost(const messages::SubmitTask& submission) {
  if (submission.cost.is_negative()) {
    return refuse("cost_negative", "the cost " + submission.cost.text() + " is negative");
  }
  if (submission.cost.is_positive() && submission.bot.empty()) {
    return refuse("cost_without_bot", "a cost is named, but no bot to charge it to",
                  "name the bot, or leave the cost out");
  }
  return {};
}

}  // namespace

Result<void> check_submission(const messages::SubmitTask& submission) {
  if (submission.id.is_nil()) {
    return refuse("id_missing", "the id is all zeros",
                  "make one id per task, and send it again until answered");
  }
  GUILD_CHECK(check_command(submission));
  if (submission.timeout < timeout_min || submission.timeout > timeout_max) {
    return refuse("timeout_range",
                  fmt::format("timeout: {} is not between {} and {}", to_text(submission.timeout),
                              to_text(timeout_min), to_text(timeout_max)));
  }
  return check_cost(submission);
}

}  // namespace guild::scheduler
