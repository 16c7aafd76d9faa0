#include "ledgerd/list_check.hpp"

#include <array>

#include "common/base/bytes.hpp"
#include "ledgerd/keyed_hasher.hpp"

namespace guild::ledgerd {

void ListCheck::Side::take(std::int64_t seq) {
  std::array<std::uint8_t, 16> bytes{};
  store_le(bytes.data(), fold);
  store_le(bytes.data() + 8, seq);
  fold = KeyedHasher{}(as_text(bytes));
  ++count;
}

void ListCheck::booked(AccountNumber account, std::int64_t seq) {
  sides_[account].booked.take(seq);
}

void ListCheck::listed(AccountNumber account, std::int64_t first,
                       const std::optional<std::vector<std::int64_t>>& seqs) {
  Sides& sides = sides_[account];
  if (!seqs || first != sides.listed.count + 1) {
    sides.is_broken = true;
    return;
  }
  for (const std::int64_t seq : *seqs) sides.listed.take(seq);
}

std::optional<AccountNumber> ListCheck::first_difference() const {
  for (const auto& [account, sides] : sides_)
    if (sides.is_broken || sides.booked != sides.listed) return account;
  return {};
}

}  // namespace guild::ledgerd
