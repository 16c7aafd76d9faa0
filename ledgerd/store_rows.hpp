// Reading rows: what the parts of the store share; internal to it. What a row holds that fits no
// type becomes a value that nothing that is checked has, and the check finds it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "common/storage/connection.hpp"
#include "ledgerd/accounts.hpp"

namespace guild::ledgerd::store {

/// Runs `take` for each row of `statement`, until it answers false.
template <class Take>
Result<void> each_row(storage::Statement& statement, Take take) {
  while (true) {
    GUILD_TRY(const bool row, statement.step());
    if (!row || !take(statement)) return {};
  }
}

/// The zero array for bytes of another size, which then fit nothing that is checked.
template <std::size_t N>
std::array<std::uint8_t, N> exactly(BytesView bytes) {
  std::array<std::uint8_t, N> exact{};
  if (bytes.size() == N) std::ranges::copy(bytes, exact.begin());
  return exact;
}

/// 0, which no account has, for what cannot be a number.
inline AccountNumber account_number(std::int64_t stored) {
  return std::in_range<AccountNumber>(stored) ? static_cast<AccountNumber>(stored) : 0;
}

}  // namespace guild::ledgerd::store
