// The names that accounts may have, by docs/ledger.md: `world`, `treasury`, `escrow/<id>`,
// `bot/<handle>`, `user/<name>`. A name that is none of these is refused, not tolerated: two
// spellings of one account would be two accounts.
#pragma once

#include <cstddef>
#include <string_view>

namespace guild::verifier {

inline constexpr std::size_t account_name_size_max = 71;  ///< `escrow/` and 64.
inline constexpr std::string_view world_account = "world";
inline constexpr std::string_view treasury_account = "treasury";

bool is_account_name(std::string_view name);
bool is_bot_account(std::string_view name);

}  // namespace guild::verifier
