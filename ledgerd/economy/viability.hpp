// Viability: how the bots do together, from 0 to 100: 40·survival + 30·min(3·wins/ticks, 1) +
// 20·(1 − min(10·phantom/ticks, 1)) + 10·min(tools/wins, 1); 70 or more is VIABLE, 45 or more
// MARGINAL, else AT_RISK. `phantom` are the ticks that would have liquidated their bot. Of nothing
// (no bots, no ticks, no wins) the part is 0, but for the phantom one, which is 20. Pure; exact:
// one fraction, rounded down where it is shown. Limit: 10^7 bots, 10^14 ticks and wins.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/messages/economy.hpp"
#include "ledgerd/posting.hpp"

namespace guild::ledgerd::economy {

inline messages::Viability viability_of(std::int64_t bots, std::int64_t alive, std::int64_t ticks,
                                        std::int64_t wins, std::int64_t phantom,
                                        std::int64_t tools) {
  messages::Viability viability{.score = {},
                                .verdict = messages::Verdict::AT_RISK,
                                .bots = bots,
                                .alive = alive,
                                .ticks = ticks,
                                .wins = wins,
                                .phantom = phantom,
                                .tools = tools};
  const auto at_least_one = [](std::int64_t count) {
    return Int128{std::max<std::int64_t>(count, 1)};
  };
  const Int128 n = at_least_one(bots), t = at_least_one(ticks), w = at_least_one(wins);
  const Int128 won = std::min(Int128{3} * wins, t), lost = std::min(Int128{10} * phantom, t);
  const Int128 used = wins == 0 ? Int128{0} : std::min(Int128{tools}, w);
  const Int128 whole = n * t * w;
  const Int128 points =
      Int128{40} * alive * t * w + 30 * won * n * w + 20 * (t - lost) * n * w + 10 * used * n * t;
  Int128 units = points / whole, rest = points % whole;
  for (std::int64_t one = 1; one < Money::units_per_one; one *= 10) {
    units = units * 10 + rest * 10 / whole;
    rest = rest * 10 % whole;
  }
  viability.score = Money::of_units(static_cast<std::int64_t>(units));
  if (points >= 70 * whole)
    viability.verdict = messages::Verdict::VIABLE;
  else if (points >= 45 * whole)
    viability.verdict = messages::Verdict::MARGINAL;
  return viability;
}

}  // namespace guild::ledgerd::economy
