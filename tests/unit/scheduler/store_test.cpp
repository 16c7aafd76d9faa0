// The store on a real encrypted file: every transition is guarded, and what is read is what was
// written.
#include "scheduler/store.hpp"

#include <catch2/catch.hpp>

#include "common/base/file.hpp"
#include "tests/unit/scheduler/store_file.hpp"

using namespace guild::scheduler;
using namespace guild::scheduler::testing;
using guild::Money;
using guild::Uuid;
using guild::messages::OrphanPolicy;
using guild::messages::SubmitTask;
using guild::messages::TaskState;
using namespace std::chrono_literals;

namespace {

SubmitTask full_task() {
  SubmitTask task = some_task({"sh", "-c", "echo \"a b\"\n", ""});
  task.bot = "ada";
  task.cost = Money::of_units(150);
  task.priority = 1;
  task.directory = "/srv/x";
  task.timeout = 90s;
  task.output_bytes_max = 2'048;
  task.orphan = OrphanPolicy::requeue;
  task.trace = "t-1";
  return task;
}

End succeeded() { return {.state = TaskState::succeeded, .exit_code = 0, .is_charged = true}; }

}  // namespace

TEST_CASE("a submitted task reads as it was asked for, also after a reopen") {
  StoreFile file;
  const SubmitTask asked = full_task();
  const auto submitted = file.submit(asked);
  REQUIRE(submitted);
  CHECK(submitted->is_new);
  file.reopen();
  const StoredTask task = file.find(asked.id);
  CHECK(task.shown.state == TaskState::queued);
  CHECK(std::ranges::equal(task.shown.command, asked.command));
  CHECK(task.shown.bot == asked.bot);
  CHECK(task.shown.cost == asked.cost);
  CHECK(task.shown.priority == 1);
  CHECK(task.shown.attempt == 0);
  CHECK(task.directory == "/srv/x");
  CHECK(task.timeout == 90s);
  CHECK(task.output_bytes_max == 2'048);
  CHECK(task.orphan == OrphanPolicy::requeue);
  CHECK(task.trace == "t-1");
  CHECK(task.shown.submitted_by == "operator");
  CHECK(task.shown.submitted_at.ns == 1'000);
  CHECK_FALSE(task.shown.started_at);
}

TEST_CASE("sent again, a task is the same; with other content its id is refused") {
  StoreFile file;
  const SubmitTask asked = full_task();
  const auto first = file.submit(asked);
  SubmitTask again = asked;
  again.trace = "t-2";
  const auto second = file.submit(again);
  REQUIRE(second);
  CHECK_FALSE(second->is_new);
  CHECK(second->seq == first->seq);

  const auto refused = [&](auto change) {
    SubmitTask other = asked;
    change(other);
    const auto answer = file.submit(other);
    return !answer && answer.error().code == "id_reused" &&
           answer.error().kind == guild::ErrorKind::conflict;
  };
  CHECK(refused([](SubmitTask& task) { task.command.pop_back(); }));
  CHECK(refused([](SubmitTask& task) { task.bot = "bob"; }));
  CHECK(refused([](SubmitTask& task) { task.cost = Money::of_units(151); }));
  CHECK(refused([](SubmitTask& task) { task.priority = 0; }));
  CHECK(refused([](SubmitTask& task) { task.directory = "/srv"; }));
  CHECK(refused([](SubmitTask& task) { task.timeout = 91s; }));
  CHECK(refused([](SubmitTask& task) { task.output_bytes_max = 2'049; }));
  CHECK(refused([](SubmitTask& task) { task.orphan = OrphanPolicy::fail; }));
}

TEST_CASE("a task runs and ends once; no other attempt can write to it") {
  StoreFile file;
  const SubmitTask asked = some_task();
  REQUIRE(file.submit(asked));
  const Lease lease{asked.id, 1}, later{asked.id, 2};

  CHECK(file.code_of(file.finish(lease, succeeded())) == "lease_stale");
  CHECK(file.code_of(file.start(later)) == "lease_stale");
  REQUIRE(file.start(lease));
  CHECK(file.code_of(file.start(lease)) == "lease_stale");
  CHECK(file.code_of(file.start(later)) == "lease_stale");
  CHECK(file.find(asked.id).shown.state == TaskState::running);
  CHECK(file.find(asked.id).process == ProcessMark{77, 88});
  CHECK(file.find(asked.id).boot_id == "boot");

  CHECK(file.code_of(file.append(later, 0, "late")) == "lease_stale");
  CHECK(file.code_of(file.finish(later, succeeded())) == "lease_stale");
  CHECK(file.code_of(file.outcome_of([&](Store::Done done) {
    file.store->cancel_queued(asked.id, 1, "why", {5}, std::move(done));
  })) == "lease_stale");

  REQUIRE(file.finish(lease, succeeded()));
  CHECK(file.code_of(file.finish(lease, {.state = TaskState::failed})) == "lease_stale");
  CHECK(file.code_of(file.append(lease, 0, "late")) == "lease_stale");
  const StoredTask task = file.find(asked.id);
  CHECK(task.shown.state == TaskState::succeeded);
  CHECK(task.shown.exit_code == 0);
  CHECK(task.shown.pid == 0);
  CHECK(task.shown.ended_at->ns == 3'000);
  CHECK(task.shown.output_bytes == 0);
}

TEST_CASE("a queued task is cancelled; an attempt that could not begin has failed") {
  StoreFile file;
  const SubmitTask cancelled = some_task(), failed = some_task();
  REQUIRE(file.submit(cancelled));
  REQUIRE(file.submit(failed));
  REQUIRE(file.outcome_of([&](Store::Done done) {
    file.store->cancel_queued(cancelled.id, 0, "cancelled by operator", {5}, std::move(done));
  }));
  CHECK(file.find(cancelled.id).shown.state == TaskState::cancelled);
  CHECK(file.find(cancelled.id).shown.reason == "cancelled by operator");
  REQUIRE(file.outcome_of([&](Store::Done done) {
    file.store->fail_start({failed.id, 1}, "no such folder", {6}, std::move(done));
  }));
  const StoredTask task = file.find(failed.id);
  CHECK(task.shown.state == TaskState::failed);
  CHECK(task.shown.attempt == 1);
  CHECK_FALSE(task.shown.started_at);
  CHECK(file.code_of(file.start({cancelled.id, 1})) == "lease_stale");
}

TEST_CASE("the wish to cancel is on disk before the kill, and the first who asked is named") {
  StoreFile file;
  const SubmitTask asked = some_task();
  REQUIRE(file.submit(asked));
  const Lease lease{asked.id, 1};
  REQUIRE(file.start(lease));
  for (const char* reason : {"by ann", "by bob"}) {
    REQUIRE(file.outcome_of(
        [&](Store::Done done) { file.store->want_cancel(lease, reason, std::move(done)); }));
  }
  file.reopen();
  CHECK(file.find(asked.id).cancel_reason == "by ann");
  CHECK(file.find(asked.id).shown.reason == "by ann");
  CHECK(file.find(asked.id).shown.state == TaskState::running);
}

TEST_CASE("output is stored byte for byte as it comes") {
  StoreFile file;
  const SubmitTask asked = some_task();
  REQUIRE(file.submit(asked));
  const Lease lease{asked.id, 1};
  REQUIRE(file.start(lease));
  const std::string first("a\0\xFF\xE2\x82", 5), second = "\xAC end";
  REQUIRE(file.append(lease, 0, first));
  auto page =
      file.store->read_output(asked.id, {.from = 0, .bytes_max = 100, .text_bytes_max = 100});
  CHECK((**page).text == std::string("a\0\xEF\xBF\xBD", 5));
  CHECK((**page).next == 3);
  CHECK_FALSE((**page).end);
  REQUIRE(file.append(lease, 5, second));
  page = file.store->read_output(asked.id, {.from = 3, .bytes_max = 100, .text_bytes_max = 100});
  CHECK((**page).text == "\xE2\x82\xAC end");
  CHECK_FALSE((**page).end);
  REQUIRE(file.finish(lease, succeeded()));
  page = file.store->read_output(asked.id, {.from = 10, .bytes_max = 100, .text_bytes_max = 100});
  CHECK((**page).end);
  CHECK_FALSE(
      (*file.store->read_output(Uuid::make(), {.from = 0, .bytes_max = 9, .text_bytes_max = 9}))
          .has_value());
}

TEST_CASE("output past its bound keeps its head and tail, and the file stays bounded") {
  StoreFile file;
  SubmitTask asked = some_task();
  asked.output_bytes_max = 1'024;
  REQUIRE(file.submit(asked));
  const Lease lease{asked.id, 1};
  REQUIRE(file.start(lease));
  std::string all;
  for (int i = 0; i < 500; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    REQUIRE(file.append(lease, static_cast<std::int64_t>(all.size()), line));
    all += line;
  }
  REQUIRE(file.finish(lease, succeeded()));
  const auto page =
      file.store->read_output(asked.id, {.from = 0, .bytes_max = 65'536, .text_bytes_max = 65'536});
  const std::string dropped = std::to_string(all.size() - 1'024);
  CHECK((**page).text == all.substr(0, 512) + "\n[... " + dropped + " bytes left out ...]\n" +
                             all.substr(all.size() - 512));
  CHECK(file.find(asked.id).shown.output_bytes == static_cast<std::int64_t>(all.size()));
  CHECK(file.find(asked.id).shown.output_dropped == static_cast<std::int64_t>(all.size()) - 1'024);
  auto reader = open_file(file.folder / "scheduler.db", guild::storage::Mode::read_only);
  CHECK(*reader->query_integer("SELECT sum(length(bytes)) FROM output") <= 1'024 + 512);
}

TEST_CASE("a new attempt begins with no output") {
  StoreFile file;
  const SubmitTask asked = some_task();
  REQUIRE(file.submit(asked));
  REQUIRE(file.start({asked.id, 1}));
  REQUIRE(file.append({asked.id, 1}, 0, "first"));
  REQUIRE(
      file.finish({asked.id, 1}, {.state = TaskState::queued, .reason = "the scheduler stopped"}));
  CHECK(file.find(asked.id).shown.state == TaskState::queued);
  CHECK_FALSE(file.find(asked.id).shown.ended_at);
  REQUIRE(file.start({asked.id, 2}));
  CHECK(file.find(asked.id).shown.output_bytes == 0);
  CHECK(file.find(asked.id).shown.reason.empty());
  REQUIRE(file.append({asked.id, 2}, 0, "second"));
  const auto page =
      file.store->read_output(asked.id, {.from = 0, .bytes_max = 99, .text_bytes_max = 99});
  CHECK((**page).text == "second");
}

TEST_CASE("an attempt that is to be paid for has one pending charge, settled once") {
  StoreFile file;
  const SubmitTask paid = full_task();
  SubmitTask free = some_task();
  free.bot = "ada";
  for (const SubmitTask& asked : {paid, free}) {
    REQUIRE(file.submit(asked));
    REQUIRE(file.start({asked.id, 1}));
    REQUIRE(file.finish({asked.id, 1}, succeeded()));
  }
  auto pending = file.store->pending_charges(10);
  REQUIRE(pending->size() == 1);
  CHECK(pending->front().lease == Lease{paid.id, 1});
  CHECK(pending->front().bot == "ada");
  CHECK(pending->front().amount == Money::of_units(150));
  CHECK(file.find(paid.id).is_charge_pending);
  CHECK_FALSE(file.find(paid.id).shown.charged);

  const auto settle = [&](std::string problem) {
    return file.outcome_of([&](Store::Done done) {
      file.store->settle_charge({paid.id, 1}, std::move(problem), std::move(done));
    });
  };
  REQUIRE(settle(""));
  CHECK(file.code_of(settle("funds_short")) == "lease_stale");
  CHECK(file.find(paid.id).shown.charged);
  CHECK(file.find(paid.id).shown.charge_problem.empty());
  CHECK(file.store->pending_charges(10)->empty());
  CHECK(file.store->pending_charges_count() == 0);
}

TEST_CASE("an attempt whose command never ran is not paid for, and says so") {
  StoreFile file;
  const SubmitTask never = full_task(), almost = full_task();
  REQUIRE(file.submit(never));
  REQUIRE(file.submit(almost));
  REQUIRE(file.outcome_of([&](Store::Done done) {
    file.store->fail_start({never.id, 1}, "no such folder", {6}, std::move(done));
  }));
  REQUIRE(file.start({almost.id, 1}));
  REQUIRE(file.finish({almost.id, 1}, {.state = TaskState::failed, .reason = "no such command"}));
  for (const SubmitTask& task : {never, almost}) {
    CHECK(file.find(task.id).shown.charge_problem == "not_started");
    CHECK_FALSE(file.find(task.id).shown.charged);
  }
  CHECK(file.store->pending_charges_count() == 0);
}

TEST_CASE("a refused charge says why") {
  StoreFile file;
  const SubmitTask asked = full_task();
  REQUIRE(file.submit(asked));
  REQUIRE(file.start({asked.id, 1}));
  REQUIRE(file.finish({asked.id, 1}, succeeded()));
  REQUIRE(file.outcome_of([&](Store::Done done) {
    file.store->settle_charge({asked.id, 1}, "funds_short", std::move(done));
  }));
  CHECK_FALSE(file.find(asked.id).shown.charged);
  CHECK(file.find(asked.id).shown.charge_problem == "funds_short");
}

TEST_CASE("lists go from the newest back, filter before they limit, and page") {
  StoreFile file;
  std::vector<Uuid> ids;
  for (int i = 0; i < 10; ++i) {
    SubmitTask asked = some_task();
    asked.bot = i % 2 == 0 ? "even" : "";
    REQUIRE(file.submit(asked));
    ids.push_back(asked.id);
  }
  REQUIRE(file.start({ids[4], 1}));
  constexpr std::size_t large = 1'000'000;
  const auto list = [&](Store::Listing listing) {
    std::vector<Uuid> found;
    const auto page = file.store->list(listing);
    for (const auto& task : page->tasks) found.push_back(task.id);
    return found;
  };
  using Ids = std::vector<Uuid>;
  CHECK(list({.limit = 3, .bytes_max = large}) == Ids{ids[9], ids[8], ids[7]});
  CHECK(list({.before = ids[7], .limit = 2, .bytes_max = large}) == Ids{ids[6], ids[5]});
  CHECK(list({.bot = "even", .limit = 2, .bytes_max = large}) == Ids{ids[8], ids[6]});
  CHECK(list({.state = TaskState::running, .limit = 5, .bytes_max = large}) == Ids{ids[4]});
  CHECK(list({.state = TaskState::queued, .bot = "even", .limit = 9, .bytes_max = large}).size() ==
        4);
  CHECK(file.store->list({.limit = 9, .bytes_max = large})->more);
  CHECK_FALSE(file.store->list({.limit = 10, .bytes_max = large})->more);
  const auto tight = file.store->list({.limit = 10, .bytes_max = 3'000});
  CHECK(tight->tasks.size() == 3);
  CHECK(tight->more);
  const auto unknown = file.store->list({.before = Uuid::make(), .limit = 1, .bytes_max = large});
  CHECK(unknown.error().code == "task_not_found");
}

TEST_CASE("what waits, what runs and how many there are is known after a reopen") {
  StoreFile file;
  const SubmitTask first = some_task(), second = full_task(), third = some_task();
  for (const SubmitTask& asked : {first, second, third}) REQUIRE(file.submit(asked));
  REQUIRE(file.start({second.id, 1}));
  file.reopen();
  const auto queued = file.store->all_queued();
  REQUIRE(queued->size() == 2);
  CHECK(queued->front().id == first.id);
  const auto running = file.store->all_running();
  REQUIRE(running->size() == 1);
  CHECK(running->front().lease() == Lease{second.id, 1});
  CHECK((*file.store->counts())[TaskState::queued] == 2);

  const End again{.state = TaskState::queued, .reason = "the scheduler died while it ran"};
  REQUIRE(file.store->finish_all({{{second.id, 1}, again}}, {9}));
  CHECK(file.store->all_queued()->size() == 3);
  const auto stale = file.store->finish_all({{{second.id, 1}, again}}, {9});
  CHECK(file.code_of(stale) == "lease_stale");
}

TEST_CASE("neither commands nor output are readable in the file") {
  StoreFile file;
  const SubmitTask asked = some_task({"echo", "needle-in-the-command"});
  REQUIRE(file.submit(asked));
  REQUIRE(file.start({asked.id, 1}));
  REQUIRE(file.append({asked.id, 1}, 0, "needle-in-the-output"));
  for (const char* name : {"scheduler.db", "scheduler.db-wal"}) {
    const auto bytes = guild::read_file(file.folder / name, 100'000'000);
    REQUIRE(bytes);
    CHECK(bytes->find("needle") == std::string::npos);
  }
}
