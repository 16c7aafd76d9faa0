// Maker: which questions the market maker asks next, so that there are always enough open research
// markets. A question is asked when no market asks it and none that it was asked with was solved;
// those that were asked least often come first, then as the file has them, so that one that nobody
// solves does not keep the others from being asked. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "ledgerd/economy/questions.hpp"

namespace guild::ledgerd::economy {

/// What became of a question that the maker asked.
struct Asked {
  std::int64_t times = 0;
  bool is_solved = false;

  bool operator==(const Asked&) const = default;
};

struct MakerFacts {
  std::int64_t research_open = 0;  ///< Research markets that can be answered now.
  std::int64_t room = 0;           ///< For markets of any kind.
  Money treasury;                  ///< What it could pay.
  std::set<Digest> open;           ///< What research markets ask that have not ended.
  std::map<Digest, Asked> asked;   ///< Those that were asked before.
};

/// Why there are fewer open markets than there should be.
enum class MakerLack { nothing, questions, funds, room };

struct MakerPlan {
  /// A question of the file, and how often it was asked before this.
  struct Ask {
    std::size_t question = 0;
    std::int64_t times = 0;

    bool operator==(const Ask&) const = default;
  };
  std::vector<Ask> asks;
  MakerLack lack = MakerLack::nothing;
  std::int64_t left = 0;  ///< Questions that could still be asked after these.
};

/// A question whose bounty the treasury cannot pay is waited for: a cheaper one does not go first.
MakerPlan plan(const Questions& questions, const MakerFacts& facts, std::int64_t open_min);

}  // namespace guild::ledgerd::economy
