#include "scheduler/queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"

namespace guild::scheduler {
namespace {

std::unexpected<Error> not_found(const Uuid& id) {
  return fail(ErrorKind::not_found, "task_not_found",
              fmt::format("task {} is not queued or running", id.text()));
}

std::unexpected<Error> stale(const Lease& lease) {
  return fail(
      ErrorKind::conflict, "lease_stale",
      fmt::format("attempt {} of task {} no longer holds it", lease.attempt, lease.task.text()));
}

}  // namespace

Result<void> Queue::admit() {
  if (is_closed_) {
    return fail(ErrorKind::unavailable, "stopping", "the scheduler is stopping",
                "submit again, with the same id, once it runs");
  }
  if (order_.size() + places_held_ >= limits_.queued_max) {
    return fail(ErrorKind::exhausted, "queue_full",
                fmt::format("{} tasks wait already, as many as may", limits_.queued_max),
                "submit again later, or raise [scheduler] queue_max");
  }
  ++places_held_;
  return {};
}

void Queue::withdraw() {
  GUILD_ASSERT(places_held_ > 0);
  --places_held_;
}

void Queue::enter(const Waiting& task) {
  withdraw();
  restore(task);
}

void Queue::restore(const Waiting& task) {
  const bool is_new = entries_.emplace(task.id, Entry{.task = task}).second;
  GUILD_ASSERT(is_new);
  order_.insert(order_of(task));
}

std::optional<Lease> Queue::take() {
  if (is_closed_ || slots_used_ >= limits_.slots || order_.empty()) return std::nullopt;
  Entry& entry = entries_.at(std::get<Uuid>(*order_.begin()));
  order_.erase(order_.begin());
  entry.place = Place::starting;
  ++entry.task.attempt;
  ++slots_used_;
  return Lease{entry.task.id, entry.task.attempt};
}

void Queue::started(const Lease& lease, Duration deadline) {
  Entry& entry = held(lease, Place::starting);
  entry.place = Place::running;
  set_deadline(entry, deadline);
}

void Queue::give_back(const Lease& lease) {
  Entry& entry = held(lease, Place::starting);
  --entry.task.attempt;
  free_slot();
  entry.place = Place::queued;
  order_.insert(order_of(entry.task));
}

Result<std::int64_t> Queue::begin_leave(const Uuid& id) {
  Entry* entry = find(id);
  if (entry == nullptr) return not_found(id);
  if (entry->place != Place::queued) {
    return fail(ErrorKind::conflict, "task_not_queued",
                fmt::format("task {} is no longer queued", id.text()));
  }
  entry->place = Place::leaving;
  order_.erase(order_of(entry->task));
  return entry->task.attempt;
}

void Queue::left(const Uuid& id) {
  GUILD_ASSERT(place(id) == Place::leaving);
  entries_.erase(id);
}

void Queue::leave_failed(const Uuid& id) {
  GUILD_ASSERT(place(id) == Place::leaving);
  Entry& entry = entries_.at(id);
  entry.place = Place::queued;
  order_.insert(order_of(entry.task));
}

Result<void> Queue::stop(const Lease& lease, Stop why, Duration now) {
  Entry* entry = find(lease.task);
  if (entry == nullptr || entry->task.attempt != lease.attempt) return stale(lease);
  if (entry->place != Place::running) {
    return fail(ErrorKind::conflict, "task_not_running",
                fmt::format("task {} does not run now", lease.task.text()));
  }
  if (entry->stop != Stop::none) return {};
  entry->stop = why;
  set_deadline(*entry, std::nullopt);
  set_kill(*entry, now + limits_.grace);
  return {};
}

Result<Stop> Queue::begin_end(const Lease& lease) {
  Entry* entry = find(lease.task);
  if (entry == nullptr || entry->task.attempt != lease.attempt) return stale(lease);
  if (entry->place != Place::running && entry->place != Place::starting) return stale(lease);
  entry->place = Place::ending;
  set_deadline(*entry, std::nullopt);
  set_kill(*entry, std::nullopt);
  return entry->stop;
}

void Queue::ended(const Lease& lease) {
  held(lease, Place::ending);
  free_slot();
  entries_.erase(lease.task);
}

void Queue::requeued(const Lease& lease) {
  Entry& entry = held(lease, Place::ending);
  free_slot();
  entry.place = Place::queued;
  entry.stop = Stop::none;
  order_.insert(order_of(entry.task));
}

void Queue::close(Duration now, Duration grace_max) {
  is_closed_ = true;
  limits_.grace = std::min(limits_.grace, grace_max);
  for (auto& [id, entry] : entries_)
    if (entry.kill_at) set_kill(entry, std::min(*entry.kill_at, now + limits_.grace));
}

std::vector<Queue::Due> Queue::due(Duration now) {
  std::vector<Due> found;
  const auto collect = [&](auto& times, std::optional<Duration> Entry::* field, DueAction action) {
    while (!times.empty() && times.begin()->first <= now) {
      Entry& entry = entries_.at(times.begin()->second);
      (entry.*field).reset();
      times.erase(times.begin());
      found.push_back({{entry.task.id, entry.task.attempt}, action});
    }
  };
  collect(deadlines_, &Entry::deadline, DueAction::time_out);
  collect(kills_, &Entry::kill_at, DueAction::kill);
  return found;
}

std::optional<Duration> Queue::next_due() const {
  std::optional<Duration> next;
  for (const auto* times : {&deadlines_, &kills_}) {
    if (!times->empty() && (!next || times->begin()->first < *next)) next = times->begin()->first;
  }
  return next;
}

std::optional<Queue::Place> Queue::place(const Uuid& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return found->second.place;
}

std::optional<Lease> Queue::running(const Uuid& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.place != Place::running) return std::nullopt;
  return Lease{id, found->second.task.attempt};
}

std::vector<Lease> Queue::all_running() const {
  std::vector<Lease> leases;
  for (const auto& [id, entry] : entries_)
    if (entry.place == Place::running) leases.push_back({id, entry.task.attempt});
  return leases;
}

Queue::Entry* Queue::find(const Uuid& id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

Queue::Entry& Queue::held(const Lease& lease, Place place) {
  Entry* entry = find(lease.task);
  GUILD_ASSERT(entry != nullptr && entry->task.attempt == lease.attempt && entry->place == place);
  return *entry;
}

void Queue::set_deadline(Entry& entry, std::optional<Duration> deadline) {
  if (entry.deadline) deadlines_.erase({*entry.deadline, entry.task.id});
  entry.deadline = deadline;
  if (deadline) deadlines_.insert({*deadline, entry.task.id});
}

void Queue::set_kill(Entry& entry, std::optional<Duration> kill_at) {
  if (entry.kill_at) kills_.erase({*entry.kill_at, entry.task.id});
  entry.kill_at = kill_at;
  if (kill_at) kills_.insert({*kill_at, entry.task.id});
}

void Queue::free_slot() {
  GUILD_ASSERT(slots_used_ > 0);
  --slots_used_;
}

}  // namespace guild::scheduler
