#include "broker/pending_requests.hpp"

#include "common/base/assert.hpp"

namespace guild::broker {
namespace {

constexpr unsigned generation_shift = 32;

std::uint32_t slot_of(std::uint64_t number) { return static_cast<std::uint32_t>(number); }

}  // namespace

PendingRequest& PendingRequests::add(SessionId requester, std::uint64_t correlation,
                                     SessionId responder, std::string_view name, Steady deadline) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  slot.used = true;
  slot.at = by_deadline_.emplace(deadline, index);
  const bool is_new = by_asked_.emplace(Asked{requester, correlation}, index).second;
  GUILD_ASSERT(is_new);

  PendingRequest& request = slot.request;
  request.number = (std::uint64_t{slot.generation} << generation_shift) | index;
  request.requester = requester;
  request.responder = responder;
  request.correlation = correlation;
  request.name.assign(name);
  request.deadline = deadline;
  request.delivered = false;
  return request;
}

PendingRequest* PendingRequests::find(std::uint64_t number) {
  const std::uint32_t index = slot_of(number);
  if (index >= slots_.size() || !slots_[index].used) return nullptr;
  PendingRequest& request = slots_[index].request;
  return request.number == number ? &request : nullptr;
}

PendingRequest* PendingRequests::find(SessionId requester, std::uint64_t correlation) {
  const auto found = by_asked_.find(Asked{requester, correlation});
  return found == by_asked_.end() ? nullptr : &slots_[found->second].request;
}

void PendingRequests::remove(std::uint64_t number) {
  const PendingRequest* request = find(number);
  GUILD_ASSERT(request != nullptr);
  const std::uint32_t index = slot_of(number);
  Slot& slot = slots_[index];
  by_asked_.erase(Asked{request->requester, request->correlation});
  by_deadline_.erase(slot.at);
  slot.used = false;
  if (++slot.generation == 0) slot.generation = 1;
  free_.push_back(index);
}

std::optional<Steady> PendingRequests::next_deadline() const {
  if (by_deadline_.empty()) return {};
  return by_deadline_.begin()->first;
}

PendingRequest* PendingRequests::first_expired(Steady now) {
  if (by_deadline_.empty() || by_deadline_.begin()->first > now) return nullptr;
  return &slots_[by_deadline_.begin()->second].request;
}

std::vector<std::uint64_t> PendingRequests::numbers_of(SessionId session) const {
  std::vector<std::uint64_t> numbers;
  for (const Slot& slot : slots_)
    if (slot.used && (slot.request.requester == session || slot.request.responder == session))
      numbers.push_back(slot.request.number);
  return numbers;
}

}  // namespace guild::broker
