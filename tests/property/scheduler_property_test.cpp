// Laws of the scheduler's queue and of what it keeps of output, over random histories.
// A failure prints the seed; rerun with RC_PARAMS="seed=N".
#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "common/base/text.hpp"
#include "scheduler/ending.hpp"
#include "scheduler/output.hpp"
#include "scheduler/queue.hpp"

using guild::Duration;
using guild::Uuid;
using namespace guild::scheduler;
using guild::messages::TaskState;

namespace {

template <class Law>
void holds(const std::string& name, Law law) {
  CHECK(rc::check(name, law));
}

template <class T>
T one_of(const std::vector<T>& values) {
  return values.at(*rc::gen::inRange<std::size_t>(0, values.size()));
}

/// A world around one queue: commits that come late and sometimes fail, workers that end late or
/// twice, people who cancel. It keeps its own books and compares.
class World {
 public:
  World()
      : limits_{.slots = *rc::gen::inRange<std::size_t>(1, 5),
                .queued_max = *rc::gen::inRange<std::size_t>(1, 12),
                .grace = Duration(5)},
        queue_(limits_) {}

  void step() {
    switch (*rc::gen::inRange(0, 9)) {
      case 0:
        return admit();
      case 1:
        return settle_admission();
      case 2:
        return take();
      case 3:
        return settle_start();
      case 4:
        return cancel();
      case 5:
        return settle_leave();
      case 6:
        return end_attempt();
      case 7:
        return settle_end();
      default:
        return pass_time();
    }
  }

  /// Every commit succeeds and every worker ends, until nothing is left to do.
  void finish() {
    may_fail_ = false;
    for (int rounds = 0; rounds < 10'000 && !is_idle(); ++rounds) {
      settle_admission();
      settle_leave();
      take();
      settle_start();
      for (const Lease& lease : queue_.all_running()) end_attempt(lease);
      settle_end();
    }
    RC_ASSERT(is_idle());
  }

  void check() const {
    RC_ASSERT(queue_.slots_used() <= limits_.slots);
    RC_ASSERT(queue_.slots_used() ==
              starting_.size() + queue_.all_running().size() + ending_.size());
    for (const auto& [id, ends] : ends_) RC_ASSERT(ends == 1);
  }

  void check_all_ended() const {
    RC_ASSERT(ends_.size() == entered_.size());
    RC_ASSERT(queue_.slots_used() == 0U);
    for (const Lease& lease : used_leases_) RC_ASSERT(lease_is_refused(lease));
  }

 private:
  bool fails() { return may_fail_ && *rc::gen::inRange(0, 4) == 0; }
  bool is_idle() const {
    return admitted_.empty() && starting_.empty() && ending_.empty() && leaving_.empty() &&
           ends_.size() == entered_.size();
  }

  void admit() {
    const bool is_full = queue_.queued_count() + admitted_.size() >= limits_.queued_max;
    RC_ASSERT(queue_.admit().has_value() == !is_full);
    if (is_full) return;
    ++next_seq_;
    admitted_.push_back({.id = Uuid::of_name(std::to_string(next_seq_)),
                         .seq = next_seq_,
                         .priority = *rc::gen::inRange(0, 3)});
  }

  void settle_admission() {
    if (admitted_.empty()) return;
    const Waiting task = admitted_.front();
    admitted_.erase(admitted_.begin());
    if (fails()) return queue_.withdraw();
    queue_.enter(task);
    entered_.emplace(task.id, task);
  }

  void take() {
    const auto first = first_in_order();
    const bool has_slot = queue_.slots_used() < limits_.slots;
    const auto lease = queue_.take();
    RC_ASSERT(lease.has_value() == (first.has_value() && has_slot));
    if (!lease) return;
    RC_ASSERT(lease->task == *first);
    RC_ASSERT(lease->attempt == attempts_[lease->task] + 1);
    starting_.push_back(*lease);
  }

  void settle_start() {
    if (starting_.empty()) return;
    const Lease lease = starting_.front();
    starting_.erase(starting_.begin());
    if (fails()) return queue_.give_back(lease);
    queue_.started(lease, now_ + Duration(*rc::gen::inRange(1, 20)));
    attempts_[lease.task] = lease.attempt;
    used_leases_.push_back(lease);
  }

  void cancel() {
    if (entered_.empty()) return;
    const Uuid id = one_of(ids());
    const auto place = queue_.place(id);
    if (queue_.begin_leave(id)) {
      RC_ASSERT(place == Queue::Place::queued);
      leaving_.push_back(id);
    } else if (const auto lease = queue_.running(id)) {
      RC_ASSERT(queue_.stop(*lease, Stop::cancelled, now_).has_value());
    }
  }

  void settle_leave() {
    if (leaving_.empty()) return;
    const Uuid id = leaving_.front();
    leaving_.erase(leaving_.begin());
    if (fails()) return queue_.leave_failed(id);
    queue_.left(id);
    ++ends_[id];
  }

  /// Of a live attempt, or of one long gone: only the live one may end.
  void end_attempt() {
    if (!used_leases_.empty()) end_attempt(one_of(used_leases_));
  }
  void end_attempt(const Lease& lease) {
    const bool is_live = queue_.running(lease.task) == lease;
    const auto began = queue_.begin_end(lease);
    RC_ASSERT(began.has_value() == is_live);
    if (began) ending_.push_back(lease);
  }

  void settle_end() {
    if (ending_.empty()) return;
    const Lease lease = ending_.front();
    ending_.erase(ending_.begin());
    if (fails()) return queue_.requeued(lease);
    queue_.ended(lease);
    ++ends_[lease.task];
  }

  void pass_time() {
    now_ += Duration(*rc::gen::inRange(0, 10));
    for (const Queue::Due& due : queue_.due(now_)) {
      RC_ASSERT(queue_.running(due.lease.task) == due.lease);
      if (due.action == Queue::DueAction::time_out)
        RC_ASSERT(queue_.stop(due.lease, Stop::timed_out, now_).has_value());
    }
    const auto next = queue_.next_due();
    RC_ASSERT(!next || *next > now_);
  }

  std::vector<Uuid> ids() const {
    std::vector<Uuid> ids;
    for (const auto& [id, task] : entered_) ids.push_back(id);
    return ids;
  }

  std::optional<Uuid> first_in_order() const {
    const Waiting* first = nullptr;
    for (const auto& [id, task] : entered_) {
      if (queue_.place(id) != Queue::Place::queued) continue;
      if (first == nullptr ||
          std::pair(task.priority, task.seq) < std::pair(first->priority, first->seq))
        first = &task;
    }
    return first == nullptr ? std::nullopt : std::optional(first->id);
  }

  bool lease_is_refused(const Lease& lease) const {
    Queue copy = queue_;
    return !copy.begin_end(lease) && !copy.stop(lease, Stop::cancelled, now_);
  }

  Queue::Limits limits_;
  Queue queue_;
  Duration now_{};
  bool may_fail_ = true;
  std::int64_t next_seq_ = 0;
  std::vector<Waiting> admitted_;
  std::vector<Lease> starting_, ending_, used_leases_;
  std::vector<Uuid> leaving_;
  std::map<Uuid, Waiting> entered_;
  std::map<Uuid, std::int64_t> attempts_;
  std::map<Uuid, int> ends_;
};

/// Output as a store keeps it: rows, trimmed as it goes.
class Rows {
 public:
  explicit Rows(OutputBound bound) : bound_(bound) {}

  void append(std::string_view bytes) {
    for (const Piece& piece : pieces_to_keep(bound_, total_, bytes))
      rows_[piece.start] = std::string(piece.bytes);
    total_ += static_cast<std::int64_t>(bytes.size());
    std::erase_if(rows_, [&](const auto& row) {
      const auto end = row.first + static_cast<std::int64_t>(row.second.size());
      return row.first >= bound_.head_max() && end <= bound_.tail_start(total_);
    });
  }

  /// Fails the law when a byte that is asked for is not stored.
  guild::Result<std::string> read(std::int64_t from, std::int64_t until) const {
    std::string bytes;
    while (from < until) {
      const auto row = std::prev(rows_.upper_bound(from));
      const std::string part = row->second.substr(static_cast<std::size_t>(from - row->first),
                                                  static_cast<std::size_t>(until - from));
      RC_ASSERT(!part.empty());
      bytes += part;
      from += static_cast<std::int64_t>(part.size());
    }
    return bytes;
  }

  std::int64_t stored_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [start, row] : rows_) bytes += row.size();
    return static_cast<std::int64_t>(bytes);
  }
  std::int64_t total() const { return total_; }

 private:
  OutputBound bound_;
  std::map<std::int64_t, std::string> rows_;
  std::int64_t total_ = 0;
};

std::vector<std::string> any_chunks() {
  const auto chunk = rc::gen::map(
      rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
          "a", "bc", "\n", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xFF", "\x80"})),
      [](const std::vector<std::string>& parts) {
        std::string text;
        for (const std::string& part : parts) text += part;
        return text;
      });
  return *rc::gen::container<std::vector<std::string>>(chunk);
}

std::string read_all(const Rows& rows, const OutputBound& bound, std::int64_t page_bytes) {
  const ReadBytes read = [&](std::int64_t from, std::int64_t until) {
    return rows.read(from, until);
  };
  std::string text;
  for (std::int64_t from = 0; from < rows.total();) {
    const auto page = read_page(
        bound, rows.total(),
        {.from = from, .bytes_max = page_bytes, .text_bytes_max = 200, .is_ended = true}, read);
    RC_ASSERT(page.has_value());
    RC_ASSERT(page->next > from);
    text += page->text;
    from = page->next;
  }
  return text;
}

}  // namespace

TEST_CASE("the queue's laws") {
  holds("slots are never exceeded, order is kept, a lease holds once, a task ends once", [] {
    World world;
    const int steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
      world.step();
      world.check();
    }
    world.finish();
    world.check();
    world.check_all_ended();
  });
}

TEST_CASE("the ends' laws") {
  holds("every end is one end state, or queued only by the requeue policy", [] {
    AttemptReport report;
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        report.not_started = "no such file";
        break;
      case 1:
        report.exit_code = *rc::gen::inRange(0, 256);
        break;
      default:
        report.signal = *rc::gen::inRange(1, 65);
    }
    const auto stop =
        *rc::gen::element(Stop::none, Stop::cancelled, Stop::timed_out, Stop::shutdown);
    const EndTerms terms{.timeout = Duration(1),
                         .orphan = *rc::gen::element(guild::messages::OrphanPolicy::fail,
                                                     guild::messages::OrphanPolicy::requeue),
                         .attempt = *rc::gen::inRange(1, 12),
                         .cancel_reason = "why"};
    const End end = decide_end(report, stop, terms);
    RC_ASSERT(end.state != TaskState::running);
    RC_ASSERT((end.state == TaskState::succeeded) == (stop == Stop::none && report.exit_code == 0));
    RC_ASSERT((end.state == TaskState::cancelled) == (stop == Stop::cancelled));
    if (end.state == TaskState::queued) {
      RC_ASSERT(stop == Stop::shutdown);
      RC_ASSERT(terms.orphan == guild::messages::OrphanPolicy::requeue);
    }
    if (!report.not_started.empty() || end.state == TaskState::queued) RC_ASSERT(!end.is_charged);
    RC_ASSERT((end.state == TaskState::succeeded) == end.reason.empty());
  });
}

TEST_CASE("output's laws") {
  holds("what is kept is bounded, and reads as the same text whatever the pages", [] {
    const OutputBound bound{*rc::gen::inRange<std::int64_t>(2, 60)};
    Rows rows(bound);
    std::string all;
    for (const std::string& chunk : any_chunks()) {
      rows.append(chunk);
      all += chunk;
      RC_ASSERT(rows.stored_bytes() <= bound.bytes_max + bound.tail_max());
    }
    const std::string text = read_all(rows, bound, *rc::gen::inRange<std::int64_t>(1, 50));
    RC_ASSERT(guild::is_utf8(text));
    RC_ASSERT(text == read_all(rows, bound, 1'000'000));
    if (rows.total() <= bound.bytes_max) RC_ASSERT(text == to_utf8(all, false, 100'000).text);
  });
  holds("to_utf8 gives valid UTF-8 and leaves valid text alone", [] {
    const auto bytes = *rc::gen::arbitrary<std::string>();
    const Utf8Text text = to_utf8(bytes, false, 1'000'000);
    RC_ASSERT(guild::is_utf8(text.text));
    RC_ASSERT(text.consumed == bytes.size());
    if (guild::is_utf8(bytes)) RC_ASSERT(text.text == bytes);
  });
}
