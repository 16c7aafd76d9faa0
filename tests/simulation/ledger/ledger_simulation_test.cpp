// Histories of the book on a disk that loses, keeps or tears what was not synced: ledgerd's own
// journal, store, recovery and verification, over SQLCipher in WAL mode, in virtual time. Seeds are
// chosen as seeds.hpp says.
#include <catch2/catch.hpp>

#include "tests/simulation/ledger/world.hpp"
#include "tests/simulation/seeds.hpp"
#include "tests/support/scale.hpp"

namespace guild::simulation {
namespace {

std::string told(const Outcome& sum) {
  std::string text = fmt::format(
      "{} lives, {} transactions, {} crashes looked at, {} receipts asked for again; under way: {} "
      "kept, {} lost",
      sum.lives, sum.transactions, sum.crashes, sum.asked_again, sum.in_flight_kept,
      sum.in_flight_lost);
  for (const auto& [name, count] : sum.booked) {
    const auto refused = sum.refused.find(name);
    text += fmt::format("\n  {:<16} {:>6} done {:>6} refused", name, count,
                        refused == sum.refused.end() ? 0 : refused->second);
  }
  return text;
}

template <class Run>
Outcome run_seeds(const Seeds& seeds, Run run) {
  const Outcome sum = play(seeds, [&](std::uint64_t seed) { return run(World(seed)); });
  fmt::print("{} histories: {}\n", seeds.count, told(sum));
  return sum;
}

TEST_CASE(
    "no crash at any operation of the disk breaks a law of the book: short histories, whole") {
  const Seeds asked = seeds(2, 100);
  const Outcome sum = run_seeds(asked, [](World world) { return world.run_exhaustively(); });
  if (asked.is_chosen) return;
  CHECK(sum.in_flight_kept > 0);
  CHECK(sum.in_flight_lost > 0);
}

TEST_CASE("no history of crashes breaks a law of the book") {
  const Seeds asked = seeds(40, 5'000);
  const Outcome sum = run_seeds(asked, [](World world) { return world.run(); });
  if (asked.is_chosen) return;
  // A law about what never happens proves nothing.
  CHECK(sum.in_flight_kept > 0);
  CHECK(sum.in_flight_lost > 0);
  for (const char* const deed :
       {"transfer", "linked", "batch", "hold", "hold-post", "hold-void", "floor", "reopen", "bot",
        "grant", "permit", "settle", "market", "tick", "mark", "checkpoint"}) {
    INFO(deed);
    CHECK(sum.booked.contains(deed));
  }
}

TEST_CASE("one seed is one history: the same answers, hashes, roots and rows") {
  // The bytes of the file differ: SQLCipher salts each file and each page anew.
  for (std::uint64_t seed = 1; seed <= test::scaled<std::uint64_t>(3, 100); ++seed) {
    INFO("seed " << seed);
    CHECK(World(seed).run().digest == World(seed).run().digest);
  }
  CHECK(World(1).run().digest != World(2).run().digest);
}

TEST_CASE("a disk that lies, or loses what it had settled, breaks a law") {
  const auto sabotage = GENERATE(Sabotage::syncs_lie, Sabotage::seq_goes_back);
  int sabotaged = 0, noticed = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    World world(seed, sabotage);
    bool broken = false;
    try {
      world.run();
    } catch (const LawBroken&) {
      broken = true;
    }
    sabotaged += world.is_sabotaged() ? 1 : 0;
    noticed += broken ? 1 : 0;
  }
  CHECK(sabotaged >= 5);
  CHECK(noticed == sabotaged);
}

}  // namespace
}  // namespace guild::simulation
