#include "ledgerd/holds.hpp"

#include "common/base/assert.hpp"

namespace guild::ledgerd {

const Hold* Holds::find(std::int64_t seq) const {
  const auto found = by_seq_.find(seq);
  return found == by_seq_.end() ? nullptr : &found->second;
}

std::optional<Instant> Holds::next_expiry() const {
  if (by_expiry_.empty()) return {};
  return Instant{by_expiry_.begin()->first};
}

std::int64_t Holds::expired(Instant now) const {
  if (by_expiry_.empty() || by_expiry_.begin()->first > now.ns) return 0;
  return by_expiry_.begin()->second;
}

void Holds::open(std::int64_t seq, const Hold& hold) {
  const bool is_new = by_seq_.emplace(seq, hold).second;
  GUILD_ASSERT(is_new);
  by_expiry_.emplace(hold.terms.expires_at.ns, seq);
}

void Holds::end(std::int64_t seq) {
  const auto found = by_seq_.find(seq);
  GUILD_ASSERT(found != by_seq_.end());
  by_expiry_.erase({found->second.terms.expires_at.ns, seq});
  by_seq_.erase(found);
}

}  // namespace guild::ledgerd
