#include "common/storage/writer.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace guild::storage {
namespace {

struct Job {
  Writer::Work work;
  Writer::Done done;
};

void call(const std::function<void()>& hook) {
  if (hook) hook();
}

/// The jobs of one transaction.
class Group {
 public:
  Group(Connection& connection, const Writer::Hooks& hooks, std::vector<Job> jobs)
      : connection_(connection), hooks_(hooks), jobs_(std::move(jobs)), outcomes_(jobs_.size()) {}

  Result<void> commit() {
    Result<void> committed = connection_.transaction([this](Connection&) { return try_all(); });
    if (committed) {
      call(hooks_.commit);
    } else {
      undo_try();
      std::ranges::fill(outcomes_, committed);
    }
    return committed;
  }

  void answer() {
    for (std::size_t i = 0; i < jobs_.size(); ++i)
      if (jobs_[i].done) jobs_[i].done(std::move(outcomes_[i]));
  }

  std::size_t size() const { return jobs_.size(); }
  std::size_t failed_count() const { return failed_count_; }

 private:
  Result<void> try_all() {
    undo_try();
    call(hooks_.begin);
    is_begun_ = true;
    failed_count_ = 0;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      // A job that failed for its own reasons is undone alone. When the file failed, the group did.
      GUILD_TRY(auto refused, connection_.attempt(jobs_[i].work));
      outcomes_[i] = {};
      if (!refused) continue;
      outcomes_[i] = fail(*std::move(refused));
      ++failed_count_;
      call(hooks_.undo);
    }
    return {};
  }

  void undo_try() {
    if (std::exchange(is_begun_, false)) call(hooks_.rollback);
  }

  Connection& connection_;
  const Writer::Hooks& hooks_;
  std::vector<Job> jobs_;
  std::vector<Result<void>> outcomes_;
  std::size_t failed_count_ = 0;
  bool is_begun_ = false;
};

}  // namespace

struct Writer::State {
  State(std::unique_ptr<Connection> with, WriterOptions limits, Hooks around)
      : connection(std::move(with)), options(limits), hooks(std::move(around)) {}

  void work_until_stopped() {
    while (true) {
      std::vector<Job> jobs = take();
      if (jobs.empty()) return;
      write(std::move(jobs));
    }
  }

  /// Everything that waits, up to a group; nothing once stopped and done.
  std::vector<Job> take() {
    spin();
    std::unique_lock lock(mutex);
    work_came.wait(lock, [this] { return !waiting.empty() || is_stopping; });
    const std::size_t count = std::min(waiting.size(), options.group_max);
    const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Job> jobs(std::move_iterator(waiting.begin()), std::move_iterator(end));
    waiting.erase(waiting.begin(), end);
    has_work.store(!waiting.empty(), std::memory_order_relaxed);
    return jobs;
  }

  /// Who asks one thing at a time asks the next soon, and a thread that sleeps is late for it.
  void spin() const {
    if (options.spin <= Duration::zero()) return;
    const auto end = std::chrono::steady_clock::now() + options.spin;
    while (!has_work.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
  }

  void write(std::vector<Job> jobs) {
    Group group(*connection, hooks, std::move(jobs));
    const Result<void> committed = group.commit();
    tell_if_lost(committed);
    count(group, committed.has_value());
    group.answer();
    note_answered(group.size());
  }

  void tell_if_lost(const Result<void>& committed) {
    if (committed || committed.error().code != "outcome_unknown") return;
    if (!std::exchange(is_lost, true) && hooks.lost) hooks.lost(committed.error());
  }

  void count(const Group& group, bool committed) {
    const std::lock_guard lock(mutex);
    ++counters.groups;
    counters.jobs += group.size();
    counters.failed_groups += committed ? 0 : 1;
    counters.failed_jobs += committed ? group.failed_count() : group.size();
    counters.connection = connection->counters();
  }

  void note_answered(std::size_t count) {
    {
      const std::lock_guard lock(mutex);
      answered += count;
    }
    answers_went.notify_all();
  }

  const std::unique_ptr<Connection> connection;
  const WriterOptions options;
  const Hooks hooks;

  std::mutex mutex;  // Guards what follows, up to the thread.
  std::condition_variable work_came, answers_went;
  std::deque<Job> waiting;
  std::uint64_t submitted = 0, answered = 0;
  bool is_stopping = false;
  Counters counters;
  // A hint for who spins; whether there is work, `waiting` tells.
  std::atomic<bool> has_work{false};

  bool is_lost = false;  // The writer's thread's own.
  std::jthread thread;
};

Writer::Writer(std::unique_ptr<Connection> connection, WriterOptions options, Hooks hooks)
    : state_(std::make_unique<State>(std::move(connection), options, std::move(hooks))) {
  GUILD_ASSERT(options.group_max > 0);
  state_->thread = std::jthread([state = state_.get()] { state->work_until_stopped(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_stopping = true;
    state_->has_work.store(true, std::memory_order_relaxed);
  }
  state_->work_came.notify_all();
  state_->thread.join();
}

Result<void> Writer::submit(Work work, Done done) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->is_stopping)
      return fail(ErrorKind::unavailable, "writer_stopping", "the writer is stopping");
    if (state_->waiting.size() >= state_->options.waiting_max)
      return fail(ErrorKind::exhausted, "writer_full", "as many writes wait as may wait",
                  "send again later, and slower");
    state_->waiting.push_back({std::move(work), std::move(done)});
    state_->has_work.store(true, std::memory_order_relaxed);
    ++state_->submitted;
  }
  state_->work_came.notify_one();
  return {};
}

Result<void> Writer::run(Work work) {
  GUILD_ASSERT(std::this_thread::get_id() != state_->thread.get_id());
  std::promise<Result<void>> answer;
  GUILD_CHECK(submit(std::move(work),
                     [&answer](Result<void> outcome) { answer.set_value(std::move(outcome)); }));
  return answer.get_future().get();
}

void Writer::drain() {
  GUILD_ASSERT(std::this_thread::get_id() != state_->thread.get_id());
  std::unique_lock lock(state_->mutex);
  const std::uint64_t until = state_->submitted;
  state_->answers_went.wait(lock, [&] { return state_->answered >= until; });
}

Writer::Counters Writer::counters() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counters;
}

}  // namespace guild::storage
