#include "ledgerd/economy/observations.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::ledgerd::economy;
using namespace std::chrono_literals;

namespace {

constexpr Instant start{1'800'000'000'000'000'000};
Uuid id(int number) { return Uuid::of_name(std::to_string(number)); }

}  // namespace

TEST_CASE("an observation is its bot's, until it expires and not after") {
  Observations shown;
  shown.add(id(1), "alice", start + 5s);
  CHECK(shown.look_up(id(1), "alice", start) == Ticket::valid);
  CHECK(shown.look_up(id(1), "alice", start + 5s) == Ticket::valid);
  CHECK(shown.look_up(id(1), "alice", {start.ns + (5s + 1ns).count()}) == Ticket::expired);
  CHECK(shown.look_up(id(1), "bob", start) == Ticket::foreign);
  CHECK(shown.look_up(id(2), "alice", start) == Ticket::expired);
}

TEST_CASE("what is long over is forgotten, and memory is bounded") {
  Observations shown;
  shown.add(id(1), "alice", start);
  shown.add(id(2), "alice", start + observation_remembered);
  CHECK(shown.look_up(id(1), "bob", start) == Ticket::foreign);
  shown.add(id(3), "alice", start + observation_remembered + 1ns);
  CHECK(shown.look_up(id(1), "bob", start) == Ticket::expired);
  CHECK(shown.size() == 2);
  for (std::size_t i = 0; i < observations_max + 10; ++i)
    shown.add(Uuid::make(), "crowd", start + observation_remembered + 1ns);
  CHECK(shown.size() == observations_max);
  CHECK(shown.look_up(id(3), "alice", start) == Ticket::expired);
}
