#include "scheduler/submission.hpp"

#include <catch2/catch.hpp>

using guild::Money;
using guild::messages::SubmitTask;
using guild::scheduler::check_submission;
using namespace std::chrono_literals;

namespace {

SubmitTask good() {
  SubmitTask submission;
  submission.id = guild::Uuid::of_name("a task");
  submission.command = {"true"};
  return submission;
}

std::string code_of(const SubmitTask& submission) {
  const auto checked = check_submission(submission);
  return checked ? "" : checked.error().code;
}

}  // namespace

TEST_CASE("a plain command is taken") { CHECK(check_submission(good())); }

TEST_CASE("each wrong field of a submission is refused by its own code") {
  SubmitTask task = good();
  task.id = {};
  CHECK(code_of(task) == "id_missing");

  task = good();
  task.command = {};
  CHECK(code_of(task) == "command_empty");
  task.command = {""};
  CHECK(code_of(task) == "command_empty");

  task = good();
  task.command.resize(40, std::string(4'000, 'x'));
  CHECK(code_of(task) == "command_too_big");

  task = good();
  task.timeout = 1s - 1ns;
  CHECK(code_of(task) == "timeout_range");
  task.timeout = 24h + 1ns;
  CHECK(code_of(task) == "timeout_range");

  task = good();
  task.cost = Money::of_units(-1);
  CHECK(code_of(task) == "cost_negative");
  task.cost = Money::of_units(1);
  CHECK(code_of(task) == "cost_without_bot");
}

TEST_CASE("the ends of the ranges are taken") {
  SubmitTask task = good();
  task.timeout = 1s;
  CHECK(check_submission(task));
  task.timeout = 24h;
  CHECK(check_submission(task));
}
