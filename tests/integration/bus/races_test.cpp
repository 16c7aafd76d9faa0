// The promise of a confirmed subscription: what is published after DONE has reached the subscriber
// is delivered. Threads with connections of their own race: a subscriber subscribes, hears DONE,
// and only then hands a publisher the word to say; the word must come back over the bus, once.
// Around it the subscriber subscribes and unsubscribes overlapping patterns, starts new sessions,
// and others talk. The other way round: what is published after the DONE of an UNSUBSCRIBE, and
// matches nothing that is held, does not come.

#include <catch2/catch.hpp>
#include <cstdio>
#include <random>
#include <thread>

#include "tests/integration/bus/racers.hpp"
#include "tests/integration/bus_home.hpp"
#include "tests/support/scale.hpp"

namespace guild::test {
namespace {

constexpr int subscribers = 3, publishers = 2;

std::uint64_t chosen_seed() {
  const char* given = std::getenv("GUILD_TEST_SEED");
  return given != nullptr ? std::stoull(given) : std::random_device{}();
}

TEST_CASE("what is published after a subscription was confirmed is delivered, every time") {
  const long races = scaled(20'000L, 1'000'000L);
  const std::uint64_t seed = chosen_seed();
  std::printf("seed %llu (GUILD_TEST_SEED)\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  INFO("seed " << seed);

  BusHome home;
  Racetrack track(home.bus_endpoint(), seed);
  std::vector<std::thread> threads;
  for (int i = 0; i < publishers; ++i)
    threads.emplace_back([&, i] { track.publish(home.keys_of("app-a"), i); });
  std::vector<std::thread> racers;
  for (int i = 0; i < subscribers; ++i)
    racers.emplace_back(
        [&, i] { track.subscribe(home.keys_of("app-b"), i, races / subscribers + 1); });
  for (std::thread& racer : racers) racer.join();
  track.finish();
  for (std::thread& thread : threads) thread.join();

  const Racetrack::Score score = track.score();
  std::printf("%ld races, %ld subscriptions, %ld unsubscriptions, %ld sessions, %ld bystanders\n",
              score.won, score.subscriptions, score.unsubscriptions, score.sessions, score.noise);
  for (const std::string& fault : score.faults) UNSCOPED_INFO(fault);
  CHECK(score.faults.empty());
  CHECK(score.won >= races);
  // Each kind of trap was met.
  CHECK(score.unsubscriptions > 0);
  CHECK(score.sessions > subscribers);
  CHECK(score.forbidden > 0);
  CHECK(score.noise > 0);
}

}  // namespace
}  // namespace guild::test
