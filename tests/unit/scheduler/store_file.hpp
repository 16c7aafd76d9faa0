// A real scheduler.db of the test's own, and a Store on it whose answers are taken by `next`.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "scheduler/schema.hpp"
#include "scheduler/store.hpp"
#include "tests/unit/base/scratch_folder.hpp"

namespace guild::scheduler::testing {

inline std::unique_ptr<storage::Connection> open_file(const std::filesystem::path& path,
                                                      storage::Mode mode) {
  // A short patience, so that a test can meet a file that is locked.
  auto connection =
      storage::Connection::open({.path = path,
                                 .key = Secret32(std::array<std::uint8_t, 32>{1, 2, 3}),
                                 .mode = mode,
                                 .busy_timeout_ms = 20,
                                 .retry = {.budget = std::chrono::milliseconds(100)}});
  REQUIRE(connection);
  if (mode == storage::Mode::read_write) REQUIRE(storage::migrate(**connection, schema()));
  return std::move(*connection);
}

/// What a loop would run; the test's thread is the loop.
class Mailbox {
 public:
  void post(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
    }
    came_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    REQUIRE(came_.wait_for(lock, std::chrono::seconds(20), [this] { return !work_.empty(); }));
    const auto work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> work_;
};

struct StoreFile {
  StoreFile() { reopen(); }

  void reopen() {
    store.reset();
    const auto path = folder / "scheduler.db";
    auto connection = open_file(path, storage::Mode::read_write);
    store = std::make_unique<Store>(
        std::move(connection), open_file(path, storage::Mode::read_only),
        [this](std::function<void()> work) { mailbox.post(std::move(work)); },
        [](const Error& error) { FAIL(error.text()); });
  }

  /// Calls a write of the store with a `done`, and waits for its outcome.
  template <class Write>
  Result<void> outcome_of(Write write) {
    std::optional<Result<void>> outcome;
    write([&](Result<void> answer) { outcome = std::move(answer); });
    while (!outcome) mailbox.run_one();
    return *outcome;
  }
  std::string code_of(const Result<void>& outcome) const {
    return outcome ? "" : outcome.error().code;
  }

  Result<Store::Submitted> submit(messages::SubmitTask asked) {
    std::optional<Result<Store::Submitted>> outcome;
    store->submit({.asked = std::move(asked), .submitted_by = "operator", .submitted_at = {1'000}},
                  [&](Result<Store::Submitted> answer) { outcome = std::move(answer); });
    while (!outcome) mailbox.run_one();
    return *outcome;
  }
  Result<void> start(const Lease& lease) {
    return outcome_of([&](Store::Done done) {
      store->start(lease, {.process = {77, 88}, .boot_id = "boot", .at = {2'000}}, std::move(done));
    });
  }
  Result<void> append(const Lease& lease, std::int64_t start, std::string bytes) {
    return outcome_of(
        [&](Store::Done done) { store->append(lease, start, std::move(bytes), std::move(done)); });
  }
  Result<void> finish(const Lease& lease, End end) {
    return outcome_of(
        [&](Store::Done done) { store->finish(lease, std::move(end), {3'000}, std::move(done)); });
  }
  StoredTask find(const Uuid& id) {
    const auto task = store->find(id);
    REQUIRE(task);
    REQUIRE(task->has_value());
    return **task;
  }

  ScratchFolder folder;
  Mailbox mailbox;
  std::unique_ptr<Store> store;
};

inline messages::SubmitTask some_task(std::vector<std::string> command = {"true"}) {
  messages::SubmitTask task;
  task.id = Uuid::make();
  for (std::string& argument : command) task.command.emplace_back(std::move(argument));
  return task;
}

}  // namespace guild::scheduler::testing
