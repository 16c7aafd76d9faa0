#include "broker/pace.hpp"

#include <algorithm>
#include <utility>

namespace guild::broker {
namespace {

using std::chrono::nanoseconds;
using Seconds = std::chrono::duration<double>;

/// The time in which so much work is allowed.
nanoseconds time_for(std::uint64_t bytes, std::uint64_t bytes_per_s) {
  return std::chrono::ceil<nanoseconds>(
      Seconds(static_cast<double>(bytes) / static_cast<double>(bytes_per_s)));
}

}  // namespace

void Pace::charge(Account& account, std::uint64_t bytes, Steady now) const {
  if (limits_.pace_bytes_per_s == 0 || account.is_exempt) return;
  drain(account, now);
  account.debt_bytes = std::min(account.debt_bytes + bytes,
                                limits_.pace_burst_bytes + limits_.pace_bytes_per_s / waits_per_s);
  if (account.debt_bytes > limits_.pace_burst_bytes) account.is_busy = true;
}

void Pace::note_speech(SessionId session, const Account& account, Steady now) {
  if (account.is_busy || account.is_exempt) return;
  if (speakers_[0].session != session) speakers_[1] = speakers_[0];
  speakers_[0] = {session, now};
}

std::uint64_t Pace::allow(SessionId session, Account& account, Steady now) {
  if (account.waits) return 0;
  if (!account.is_busy || !has_other_speakers(session, now)) return everything;
  drain(account, now);
  if (!account.is_busy) return everything;
  ++held_back_;
  account.waits = true;
  const std::uint64_t rate = limits_.pace_bytes_per_s, part = limits_.pace_part_bytes;
  if (account.debt_bytes > limits_.pace_burst_bytes) {
    const nanoseconds wait = time_for(account.debt_bytes - limits_.pace_burst_bytes, rate);
    account.due = now + std::min<nanoseconds>(wait, look_again_after);
    due_.push_back({session, account.due});
    return 0;
  }
  // The next part comes whether this one was used or not: it may be too little to be of use. A
  // quarter more than the rate, so that it is the debt that decides; and more for being late.
  const Seconds late = std::min(now - account.due, time_for(parts_at_once * part, rate));
  account.due = now + time_for(part, rate) * 4 / 5;
  due_.push_back({session, account.due});
  return part + static_cast<std::uint64_t>(static_cast<double>(rate) * late.count());
}

std::vector<SessionId> Pace::take_due(Steady now) {
  std::vector<SessionId> taken;
  if (due_.empty()) return taken;
  const auto rest = std::ranges::partition(due_, [&](const Due& due) { return due.at > now; });
  for (const Due& due : rest) taken.push_back(due.session);
  due_.erase(rest.begin(), rest.end());
  return taken;
}

std::optional<Steady> Pace::next_due() const {
  if (due_.empty()) return std::nullopt;
  return std::ranges::min_element(due_, {}, &Due::at)->at;
}

void Pace::drain(Account& account, Steady now) const {
  const Seconds passed = now - std::exchange(account.at, now);
  const std::uint64_t rate = limits_.pace_bytes_per_s * (account.is_busy ? 1 : busy_factor);
  const auto drained = static_cast<double>(rate) * passed.count();
  if (drained < static_cast<double>(account.debt_bytes)) {
    account.debt_bytes -= static_cast<std::uint64_t>(drained);
    return;
  }
  account.debt_bytes = 0;
  account.is_busy = false;
}

bool Pace::has_other_speakers(SessionId session, Steady now) const {
  return std::ranges::any_of(speakers_, [&](const Speaker& speaker) {
    return speaker.session != SessionId{} && speaker.session != session &&
           now - speaker.at <= attention;
  });
}

}  // namespace guild::broker
