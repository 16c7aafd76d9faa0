#include "scheduler/charges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "common/log/log.hpp"

namespace guild::scheduler {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t asked_max = 64;
constexpr Duration first_pause = 100ms, longest_pause = 30s;

/// Doubles with each failure; between half and all of its length, so that many do not ask at once.
Duration pause_after(int failures) {
  static thread_local std::minstd_rand random(std::random_device{}());
  const Duration pause = std::min(longest_pause, first_pause * (1L << std::min(failures - 1, 16)));
  return pause / 2 + pause / 2 * static_cast<std::int64_t>(random() % 1'000) / 1'000;
}

}  // namespace

messages::ChargeTask charge_message(const PendingCharge& charge) {
  const std::string name = fmt::format("{}/{}", charge.lease.task.text(), charge.lease.attempt);
  return {.id = Uuid::of_name(name),
          .bot = charge.bot,
          .amount = charge.amount,
          .task = charge.lease.task,
          .attempt = charge.lease.attempt};
}

bool is_passing(const Error& error) {
  switch (error.kind) {
    case ErrorKind::failed:
    case ErrorKind::timeout:
    case ErrorKind::exhausted:
    case ErrorKind::unavailable:
    case ErrorKind::denied:
      return true;
    case ErrorKind::invalid:
    case ErrorKind::not_found:
    case ErrorKind::funds:
    case ErrorKind::conflict:
      break;
  }
  return false;
}

void Charges::wake() {
  if (is_closed_ || is_waiting_ || asked_.size() >= asked_max) return;
  // Those asked already are among them.
  const auto pending = store_.pending_charges(static_cast<std::int64_t>(2 * asked_max));
  if (!pending) {
    GUILD_LOG(error, "charges", "cannot read the pending charges: {}", pending.error().text());
    return retry_later();
  }
  for (const PendingCharge& charge : *pending)
    if (asked_.size() < asked_max && asked_.insert(charge.lease).second) book(charge);
}

void Charges::book(const PendingCharge& charge) {
  ask_(charge_message(charge), [this, lease = charge.lease](Result<messages::Receipt> receipt) {
    answered(lease, receipt);
  });
}

void Charges::answered(const Lease& lease, const Result<messages::Receipt>& receipt) {
  if (receipt) {
    failures_ = 0;
    return settle(lease, {});
  }
  const Error& error = receipt.error();
  if (!is_passing(error)) {
    GUILD_LOG_WITH(warn, "charges", (log::Extra{{"task", lease.task.text()}}),
                   "attempt {} of task {} is not paid for: {}", lease.attempt, lease.task.text(),
                   error.text());
    return settle(lease, error.code);
  }
  if (failures_ == 0) {
    GUILD_LOG(warn, "charges", "cannot book charges now, and tries again: {}", error.text());
  }
  asked_.erase(lease);
  retry_later();
}

void Charges::settle(const Lease& lease, std::string problem) {
  store_.settle_charge(lease, std::move(problem), [this, lease](Result<void> outcome) {
    asked_.erase(lease);
    if (!outcome && outcome.error().code != "lease_stale") {
      GUILD_LOG(error, "charges", "cannot note a booked charge: {}", outcome.error().text());
      return retry_later();
    }
    settled_(lease);
    wake();
  });
}

void Charges::retry_later() {
  if (is_waiting_) return;
  is_waiting_ = true;
  timer_.expires_after(pause_after(++failures_));
  timer_.async_wait([this](boost::system::error_code problem) {
    is_waiting_ = false;
    if (!problem) wake();
  });
}

}  // namespace guild::scheduler
