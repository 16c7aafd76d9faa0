// A whole scheduler but for the bus: a real file, real processes, one loop. `crash` takes it away
// as SIGKILL would, and `start` begins another on the same file.
#pragma once

#include <algorithm>
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/runner.hpp"
#include "tests/unit/scheduler/attempt.hpp"
#include "tests/unit/scheduler/store_file.hpp"

namespace guild::scheduler::testing {

class World {
 public:
  explicit World(Queue::Limits with = {.slots = 4, .grace = std::chrono::seconds(5)})
      : limits(with) {
    start();
  }
  ~World() { crash(); }

  Runner::Recovered start() {
    field = std::make_unique<Field>();
    const auto path = scratch / "scheduler.db";
    auto connection = open_file(path, storage::Mode::read_write);
    store = std::make_unique<Store>(
        std::move(connection), open_file(path, storage::Mode::read_only),
        [this](std::function<void()> work) { boost::asio::post(field->loop, std::move(work)); },
        [this](const Error& error) { problems.push_back(error.text()); });
    folders = std::make_unique<Folders>(scratch / "work", std::vector<std::string>{},
                                        std::vector<std::string>{});
    REQUIRE(folders->make());
    runner = std::make_unique<Runner>(
        field->loop, *store, *field->workers, *folders, limits,
        RunnerHooks{.changed = [this](const StoredTask& task) { changes.push_back(task); },
                    .trouble =
                        [this](const std::string& action, const Error& error) {
                          problems.push_back(action + ": " + error.code);
                        },
                    .fatal = [](const Error& error) { FAIL(error.text()); }});
    auto recovered = runner->recover();
    REQUIRE(recovered);
    runner->open();
    return std::move(*recovered);
  }

  void crash() {
    runner.reset();
    store.reset();
    field.reset();
  }

  Uuid submit(messages::SubmitTask task) {
    const Uuid id = task.id;
    std::optional<Result<messages::Task>> answer;
    runner->submit({.asked = std::move(task), .submitted_by = "operator", .submitted_at = now()},
                   [&](Result<messages::Task> outcome) { answer = std::move(outcome); });
    field->run_until([&] { return answer.has_value(); });
    REQUIRE(*answer);
    return id;
  }
  Uuid submit_shell(const std::string& script) { return submit(some_task({"sh", "-c", script})); }

  Result<messages::Task> cancel(const Uuid& id,
                                const std::string& reason = "cancelled by operator") {
    std::optional<Result<messages::Task>> answer;
    runner->cancel(id, reason,
                   [&](Result<messages::Task> outcome) { answer = std::move(outcome); });
    field->run_until([&] { return answer.has_value(); });
    return *answer;
  }

  StoredTask find(const Uuid& id) {
    const auto task = store->find(id);
    REQUIRE((task && *task));
    return **task;
  }
  /// Its last known state, as it was told.
  messages::TaskState told(const Uuid& id) const {
    const auto last = std::find_if(changes.rbegin(), changes.rend(),
                                   [&](const StoredTask& change) { return change.shown.id == id; });
    return last == changes.rend() ? messages::TaskState::queued : last->shown.state;
  }
  StoredTask run_to_end(const Uuid& id) {
    field->run_until([&] {
      return told(id) != messages::TaskState::queued && told(id) != messages::TaskState::running;
    });
    return find(id);
  }
  std::string output(const Uuid& id) {
    const auto page =
        store->read_output(id, {.from = 0, .bytes_max = 1'000'000, .text_bytes_max = 65'536});
    REQUIRE((page && *page));
    return (**page).text;
  }
  void run_until_output(const Uuid& id, const std::string& text) {
    field->run_until([&] { return output(id).find(text) != std::string::npos; });
  }
  void drain() {
    bool is_done = false;
    runner->drain(std::chrono::seconds(1), std::chrono::seconds(20), [&] { is_done = true; });
    field->run_until([&] { return is_done; });
  }

  Queue::Limits limits;
  ScratchFolder scratch;
  std::unique_ptr<Field> field;
  std::unique_ptr<Store> store;
  std::unique_ptr<Folders> folders;
  std::unique_ptr<Runner> runner;
  std::vector<StoredTask> changes;
  std::vector<std::string> problems;
};

}  // namespace guild::scheduler::testing
