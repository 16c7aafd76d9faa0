#include "ledgerd/economy/observations.hpp"

#include <cstring>

namespace guild::ledgerd::economy {

std::size_t Observations::Hash::operator()(const Uuid& id) const {
  // The last bytes of one that we made are random.
  std::size_t hash = 0;
  std::memcpy(&hash, id.bytes.data() + id.bytes.size() - sizeof hash, sizeof hash);
  return hash;
}

void Observations::add(const Uuid& id, std::string_view bot, Instant expires_at) {
  forget_before(expires_at - observation_remembered);
  if (by_id_.insert_or_assign(id, Shown{std::string(bot), expires_at}).second)
    in_order_.push_back(id);
}

void Observations::forget_before(Instant time) {
  while (!in_order_.empty()) {
    const auto oldest = by_id_.find(in_order_.front());
    if (in_order_.size() < observations_max && oldest->second.expires_at >= time) return;
    by_id_.erase(oldest);
    in_order_.pop_front();
  }
}

Ticket Observations::look_up(const Uuid& id, std::string_view bot, Instant now) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return Ticket::expired;
  if (found->second.bot != bot) return Ticket::foreign;
  return now <= found->second.expires_at ? Ticket::valid : Ticket::expired;
}

}  // namespace guild::ledgerd::economy
