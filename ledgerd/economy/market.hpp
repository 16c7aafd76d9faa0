// Market: how a market comes out, and what each stake in it then gets. Pure; products round down
// and what rounding leaves over is the treasury's.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/hash.hpp"
#include "common/messages/economy.hpp"
#include "ledgerd/economy/constants.hpp"
#include "ledgerd/economy/intents.hpp"
#include "ledgerd/posting.hpp"

namespace guild::ledgerd::economy {

inline constexpr std::string_view up_outcome = "UP", down_outcome = "DOWN";
/// Of one market, so that one job can pay all of them.
inline constexpr std::int64_t stakes_max = 10'000;

/// The text without white space around it.
std::string_view trimmed(std::string_view text);
/// SHA-256 of the text without white space around it; upper and lower case differ.
Digest hash_of_answer(std::string_view answer);

/// Which way the price went; nothing when it stands where it was.
std::optional<Direction> moved(Money from, Money to);
std::string_view outcome_of(Direction direction);

/// What is staked in a market by one bot on one outcome.
struct Stake {
  std::string bot, outcome;
  Money amount;
};
struct Share {
  std::string bot;
  Money amount;
};
/// How the pool is given out.
struct Settlement {
  bool is_refund = false;
  std::vector<Share> shares;  ///< Each above zero, one for each bot.
  Money remainder;            ///< To the treasury.
};
/// The pool goes to those who staked on `outcome`, by what they staked; when nobody did, or there
/// is no outcome, everybody gets their stakes back.
Settlement settle(std::span<const Stake> stakes, const std::optional<std::string>& outcome);

/// What was refused to settle is tried again after that: a second at first, then twice as long each
/// time, up to ten minutes.
Duration settle_again_after(std::int64_t refusals);

/// What is wrong with a market that is to be opened; codes market_unfit and deadline_unfit.
Result<void> check_market(const messages::OpenMarket& request, const Constants& constants);
/// Codes: symbol_format.
Result<void> check_symbol(std::string_view symbol);

/// After that, a price is stale.
Duration stale_after(const Constants& constants);

/// A post's text: at most 280 characters, the last one an ellipsis when it was cut.
std::string post_text(std::string_view text);

}  // namespace guild::ledgerd::economy
