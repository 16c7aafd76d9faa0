// Histories of a broker and its clients: the real core and real client sessions on simulated links,
// in virtual time. Seeds are chosen as seeds.hpp says.
#include <catch2/catch.hpp>
#include <string>

#include "tests/simulation/broker/world.hpp"
#include "tests/simulation/seeds.hpp"

namespace guild::simulation {
namespace {

std::string told(const Outcome& sum) {
  const Reference::Seen& seen = sum.seen;
  return fmt::format(
      "{} frames, {} sessions, {} lives of brokers\n"
      "{} delivered, {} gaps; {} acked, {} denied, {} unknown, {} with a killed publisher\n"
      "{} sessions revoked, {} too slow\n"
      "{} replies, {} failures, {} cancelled, {} late; {} answers; {} presence",
      sum.frames, sum.sessions, sum.broker_lives, seen.delivered, seen.gaps, sum.acked, sum.denied,
      sum.unknown, sum.abandoned, seen.refused_revoked, seen.refused_slow, seen.replies,
      seen.failed, seen.cancelled, seen.late, sum.answered, seen.presence);
}

TEST_CASE("no history breaks a law of the bus") {
  const Seeds asked = seeds(300, 20'000);
  const Outcome sum = play(asked, [](std::uint64_t seed) { return World(seed).run(); });
  fmt::print("{} histories: {}\n", asked.count, told(sum));
  if (asked.is_chosen) return;
  // A law about what never happens proves nothing.
  const Reference::Seen& seen = sum.seen;
  for (const std::uint64_t happened :
       {sum.acked, sum.denied, sum.unknown, sum.abandoned, sum.answered, seen.delivered, seen.gaps,
        seen.refused_revoked, seen.refused_slow, seen.replies, seen.failed, seen.cancelled,
        seen.late, seen.presence})
    CHECK(happened > asked.count / 2);
}

TEST_CASE("one seed is one history, to the byte") {
  for (std::uint64_t seed = 1; seed <= test::scaled<std::uint64_t>(10, 200); ++seed) {
    const Outcome first = World(seed).run(), second = World(seed).run();
    INFO("seed " << seed);
    CHECK(first.frames == second.frames);
    CHECK(first.digest == second.digest);
  }
  CHECK(World(1).run().digest != World(2).run().digest);
}

TEST_CASE("a transport that loses or repeats frames breaks a law") {
  const auto sabotage = GENERATE(Sabotage::lose_frame_to_client, Sabotage::lose_frame_to_broker,
                                 Sabotage::repeat_frame_to_client);
  std::uint64_t sabotaged = 0, noticed = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed, sabotage);
    bool broken = false;
    try {
      world.run();
    } catch (const LawBroken&) {
      broken = true;
    }
    if (world.sabotaged() == 0) continue;
    ++sabotaged;
    noticed += broken ? 1U : 0U;
  }
  INFO(noticed << " noticed of " << sabotaged);
  CHECK(sabotaged > 10);
  // A single PONG or CANCEL may be missed by nobody.
  CHECK(noticed * 10 >= sabotaged * 8);
}

}  // namespace
}  // namespace guild::simulation
