#include "ledgerd/list_check.hpp"

#include "common/base/secret.hpp"

namespace guild::ledgerd {

namespace {

/// Of this process: who writes a file cannot know which lists would fold alike.
std::uint64_t make_key() {
  std::uint64_t key = 0;
  fill_random(&key, sizeof key);
  return key | 1U;
}

/// A bijection of `value` that depends on every bit of it (the finalizer of SplitMix64).
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

}  // namespace

void ListCheck::Side::take(std::int64_t seq) {
  static const std::uint64_t key = make_key();
  fold = mix((fold + static_cast<std::uint64_t>(seq)) * key);
  ++count;
}

ListCheck::Sides& ListCheck::sides_of(AccountNumber account) {
  if (account >= sides_.size()) sides_.resize(account + std::size_t{1});
  return sides_[account];
}

void ListCheck::booked(AccountNumber account, std::int64_t seq) {
  sides_of(account).booked.take(seq);
}

void ListCheck::listed(AccountNumber account, std::int64_t first,
                       const std::optional<std::vector<std::int64_t>>& seqs) {
  if (account > accounts_max) {  // No account has this number.
    sides_of(0).is_broken = true;
    return;
  }
  Sides& sides = sides_of(account);
  // An empty one would stand where the next one is to be written.
  if (!seqs || seqs->empty() || first != sides.listed.count + 1) {
    sides.is_broken = true;
    return;
  }
  for (const std::int64_t seq : *seqs) sides.listed.take(seq);
}

std::optional<AccountNumber> ListCheck::first_difference() const {
  for (std::size_t account = 0; account < sides_.size(); ++account)
    if (sides_[account].is_broken || sides_[account].booked != sides_[account].listed)
      return static_cast<AccountNumber>(account);
  return {};
}

}  // namespace guild::ledgerd
