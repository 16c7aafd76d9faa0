// Settling: how markets and wagers end, as jobs of the journal: what is paid out of escrow, what is
// kept of the market and the posts of it are one transaction. How a pool is split
// economy/market.hpp decides. What cannot be settled, as when escrow and treasury together cannot
// pay it, is put off alone and tried again, later each time; the others end.
// Limits: settled_at_once markets, and as many wagers, are looked at in one job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/messages/economy.hpp"
#include "ledgerd/economy/constants.hpp"
#include "ledgerd/journal.hpp"

namespace guild::ledgerd {

inline constexpr std::int64_t settled_at_once = 256;

/// Ends a market of stakes: pays, tells, closes its escrow. Without an outcome it is refunded.
Result<messages::Market> end_staked(Transaction& transaction, messages::Market market,
                                    std::optional<std::string> outcome,
                                    std::optional<Money> close_price = {});

struct Settled {
  struct Refused {
    std::string what;           ///< "market ID", "wager ID of BOT"
    std::int64_t refusals = 0;  ///< This one counted.
    Error error;
  };
  std::int64_t ended = 0;
  std::vector<Refused> refused;
};
/// Ends the wagers that are due and have a price. An error is the file's.
Result<Settled> settle_wagers(Transaction& transaction);
/// Ends what is due. An error is the file's.
Result<Settled> settle_due(Transaction& transaction, const economy::Constants& constants);

}  // namespace guild::ledgerd
