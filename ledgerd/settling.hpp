// Settling: how markets and wagers end, as jobs of the journal: what is paid out of escrow, what is
// kept of the market and the posts of it are one transaction. How a pool is split
// economy/market.hpp decides. Limits: settled_at_once markets, and as many wagers, end in one job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/messages/economy.hpp"
#include "ledgerd/economy/constants.hpp"
#include "ledgerd/journal.hpp"

namespace guild::ledgerd {

inline constexpr std::int64_t settled_at_once = 256;

/// Ends a market of stakes: pays, tells, closes its escrow. Without an outcome it is refunded.
Result<messages::Market> end_staked(Transaction& transaction, messages::Market market,
                                    std::optional<std::string> outcome,
                                    std::optional<Money> close_price = {});

/// Ends the wagers that are due and have a price; answers how many.
Result<std::int64_t> settle_wagers(Transaction& transaction);
/// Ends what is due; answers how much.
Result<std::int64_t> settle_due(Transaction& transaction, const economy::Constants& constants);

}  // namespace guild::ledgerd
