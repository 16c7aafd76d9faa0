#include "broker/denials.hpp"

#include <algorithm>

namespace guild::broker {
namespace {

/// Whether it is told with a key that is on no list. Such keys cost nothing to make.
template <class Refusal>
bool is_stranger(const Refusal& refusal) {
  return refusal.client.empty() && !refusal.key.empty();
}

}  // namespace

std::string Denials::key_of(const Denial& denial) {
  std::string key;
  for (const std::string_view part : {denial.reason, denial.client, denial.key, denial.operation})
    key.append(part).push_back('\0');
  return key;
}

void Denials::note(const Denial& denial, std::uint64_t count, const Moment& now) {
  total_ += count;
  by_reason_[std::string(denial.reason)] += count;

  Denial kind = denial;
  std::string key = key_of(kind);
  auto found = kinds_.find(key);
  const bool crowded =
      kinds_.size() >= kinds_max_ || (is_stranger(kind) && strangers_ >= strangers_max);
  if (found == kinds_.end() && crowded) {
    kind.client = kind.key = kind.topic = {};
    key = key_of(kind);
    found = kinds_.find(key);
  }
  if (found == kinds_.end()) {
    messages::BusDenied event{.reason = std::string(kind.reason),
                              .client = std::string(kind.client),
                              .key = std::string(kind.key),
                              .operation = std::string(kind.operation),
                              .topic = std::string(kind.topic),
                              .count = 0,
                              .time = now.wall};
    found = kinds_.emplace(std::move(key), Kind{std::move(event), now.steady + first_after}).first;
    if (is_stranger(kind)) ++strangers_;
  }
  messages::BusDenied& event = found->second.event;
  if (event.count == 0) {
    event.time = now.wall;
    event.topic = kind.topic;
  }
  event.count += static_cast<std::int64_t>(count);
}

void Denials::tell(const Moment& now,
                   const std::function<void(const messages::BusDenied&)>& tell_one) {
  for (auto entry = kinds_.begin(); entry != kinds_.end();) {
    Kind& kind = entry->second;
    if (kind.due > now.steady) {
      ++entry;
    } else if (kind.event.count == 0) {
      if (is_stranger(kind.event)) --strangers_;
      entry = kinds_.erase(entry);
    } else {
      tell_one(kind.event);
      kind.event.count = 0;
      kind.due = now.steady + then_every;
      ++entry;
    }
  }
}

void Denials::tell_rest(const std::function<void(const messages::BusDenied&)>& tell_one) {
  for (const auto& [key, kind] : kinds_)
    if (kind.event.count != 0) tell_one(kind.event);
  kinds_.clear();
  strangers_ = 0;
}

std::optional<Steady> Denials::next_due() const {
  std::optional<Steady> next;
  for (const auto& [key, kind] : kinds_)
    if (!next || kind.due < *next) next = kind.due;
  return next;
}

}  // namespace guild::broker
