// Which histories a simulation plays: GUILDTEST_SEED=N that one alone, GUILDTEST_SEEDS=N as many,
// from that one or the first. A broken law is told with the seed that broke it.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/simulation/law.hpp"
#include "tests/support/scale.hpp"

namespace guild::simulation {

struct Seeds {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
  /// One was asked for by name: what only many histories show need not be seen.
  bool is_chosen = false;
};

/// Those that were asked for; else `usual` of them, and in a full run `full`.
inline Seeds seeds(std::uint64_t usual, std::uint64_t full) {
  const char* const first = std::getenv("GUILDTEST_SEED");
  const char* const count = std::getenv("GUILDTEST_SEEDS");
  Seeds seeds{.count = test::scaled(usual, full), .is_chosen = first != nullptr};
  if (first != nullptr) seeds.first = std::stoull(first), seeds.count = 1;
  if (count != nullptr) seeds.count = std::stoull(count);
  return seeds;
}

/// Plays each and adds them up.
template <class Run>
auto play(const Seeds& seeds, Run run) -> decltype(run(std::uint64_t{})) {
  decltype(run(std::uint64_t{})) sum;
  for (std::uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    try {
      sum += run(seed);
    } catch (const LawBroken& broken) {
      FAIL("GUILDTEST_SEED=" << seed << ": " << broken.what());
    }
  }
  return sum;
}

}  // namespace guild::simulation
