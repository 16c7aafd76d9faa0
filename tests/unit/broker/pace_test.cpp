// Whose credit comes back at a rate, when, and that it costs nothing where nobody waits.
#include "broker/pace.hpp"

#include "tests/unit/broker/world.hpp"

namespace guild::broker {
namespace {

using bus::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t item_bytes = 60'000;
constexpr std::string_view flooded = "flood";

/// 1 MiB a second after a burst of 128 KiB, in parts of 64 KiB.
Limits slow_pace() {
  Limits limits;
  limits.pace_bytes_per_s = 1U << 20U;
  limits.pace_burst_bytes = 128U << 10U;
  limits.pace_part_bytes = 64U << 10U;
  return limits;
}

/// Publishes as long as credit lasts, as a client does; credit that came is used up too.
class Flooder {
 public:
  /// It keeps `reserve` of its credit for requests, as the client libraries do.
  Flooder(World& world, World::Client& client, std::int64_t reserve = 0)
      : world_(world),
        client_(client),
        reserve_(reserve),
        credit_(static_cast<std::int64_t>(Limits{}.window_bytes)) {}

  void flood() {
    const std::string item(item_bytes, 'x');
    for (take_grants(); credit_ > reserve_; take_grants()) {
      world_.publish(client_, flooded, item);
      credit_ -= static_cast<std::int64_t>(bus::record_header_bytes + flooded.size() + 1 + 4 +
                                           item.size());
      published_ += item.size();
      if (published_ > 100U << 20U) return;
    }
  }
  std::uint64_t published() const { return published_; }
  bool ran_dry() const { return credit_ <= reserve_; }

 private:
  void take_grants() {
    for (const Got& grant : client_.all(Kind::credit_grant))
      credit_ += static_cast<std::int64_t>(grant.number);
    client_.inbox.clear();
  }

  World& world_;
  World::Client& client_;
  const std::int64_t reserve_;
  std::int64_t credit_;
  std::uint64_t published_ = 0;
};

bool is_paced(const World& world, const std::string& name) {
  for (const auto& client : world.core().clients().clients)
    if (client.name == name) return client.is_paced;
  FAIL("no client " << name);
  return false;
}

/// How Ada fares who floods after Eve spoke.
struct Beside {
  explicit Beside(const Limits& limits = slow_pace()) : world(limits) {
    world.publish(eve, "small", "x");
  }
  World world;
  World::Client& ada = world.join("ada");
  World::Client& eve = world.join("eve");
  Flooder flooder{world, ada};
};

/// `name` is a daemon of the suite.
World::Client& join_as_daemon(World& world, const std::string& name) {
  auto line = World::line(name, {"**"});
  line.role = name;
  world.allow(line);
  return world.join(name);
}

TEST_CASE("alone a flood has no pace") {
  World world(slow_pace());
  Flooder flooder(world, world.join("ada"));
  flooder.flood();
  CHECK(flooder.published() > 100U << 20U);
  CHECK_FALSE(flooder.ran_dry());
  CHECK(world.core().status().held_back == 0);
}

TEST_CASE("while another speaks a flood goes at the pace, and after it as before") {
  Beside beside;
  auto& [world, ada, eve, flooder] = beside;
  flooder.flood();
  CHECK(flooder.ran_dry());
  CHECK(is_paced(world, "ada"));
  CHECK_FALSE(is_paced(world, "eve"));
  CHECK(world.core().status().held_back >= 1);

  const std::uint64_t first = flooder.published();
  for (int i = 0; i < 1'000; ++i) {
    world.advance(milliseconds(10));
    world.publish(eve, "small", "x");
    flooder.flood();
  }
  const std::uint64_t in_ten_s = flooder.published() - first;
  CHECK(in_ten_s > 9U << 20U);
  CHECK(in_ten_s < 11U << 20U);
  world.check_law();

  // Eve is silent: what waited comes, and there is no pace.
  world.advance(Pace::attention + milliseconds(1));
  world.advance(Pace::look_again_after);
  flooder.flood();
  CHECK(flooder.published() > 100U << 20U);
}

TEST_CASE("parts smaller than what a client went past its credit by add up") {
  Limits limits = slow_pace();
  limits.pace_part_bytes = 2U << 10U;  // And an item has 60,000.
  const auto reserve = GENERATE(std::int64_t{0}, std::int64_t{1 << 18});
  World world(limits);
  auto& ada = world.join("ada");
  auto& eve = world.join("eve");
  Flooder flooder(world, ada, reserve);
  world.publish(eve, "small", "x");
  flooder.flood();
  REQUIRE(flooder.ran_dry());
  const std::uint64_t first = flooder.published();
  for (int i = 0; i < 10'000; ++i) {
    world.advance(milliseconds(1));
    world.publish(eve, "small", "x");
    flooder.flood();
  }
  CHECK(flooder.published() - first > 8U << 20U);
  CHECK(flooder.published() - first < 11U << 20U);
}

TEST_CASE("what a flood becomes for its subscribers counts as its own work") {
  World world(slow_pace());
  auto& ada = world.join("ada");
  auto& eve = world.join("eve");
  for (const char* name : {"s1", "s2", "s3"}) world.subscribe(world.join(name), flooded);
  Flooder flooder(world, ada);
  world.publish(eve, "small", "x");
  flooder.flood();
  const std::uint64_t first = flooder.published();
  for (int i = 0; i < 1'000; ++i) {
    world.advance(milliseconds(10));
    world.publish(eve, "small", "x");
    flooder.flood();
  }
  const std::uint64_t in_ten_s = flooder.published() - first;
  CHECK(in_ten_s > 2U << 20U);
  CHECK(in_ten_s < 3U << 20U);
}

TEST_CASE("a session is not paced for its own voice, nor for that of who is busy too") {
  World world(slow_pace());
  auto& ada = world.join("ada");
  auto& eve = world.join("eve");
  world.publish(ada, "small", "x");
  Flooder first(world, ada), second(world, eve);
  first.flood();
  CHECK(first.published() > 100U << 20U);
  world.advance(Pace::attention + milliseconds(1));
  // Ada is busy, and has been all the time in which Eve would have heard her.
  second.flood();
  CHECK(second.published() > 100U << 20U);
}

TEST_CASE("who asks, answers or pings speaks; who only takes deliveries does not") {
  const auto paced_after = [](const std::function<void(World&, World::Client&)>& speak) {
    World world(slow_pace());
    auto& ada = world.join("ada");
    auto& eve = world.join("eve");
    world.subscribe(eve, "news");
    world.serve(ada, "asked");
    world.publish(ada, "news", "x");
    world.advance(seconds(1));
    speak(world, eve);
    Flooder flooder(world, ada);
    flooder.flood();
    return flooder.ran_dry();
  };
  CHECK(paced_after([](World& world, World::Client& eve) { world.publish(eve, "a", "x"); }));
  CHECK(paced_after([](World& world, World::Client& eve) { world.request(eve, 1, "asked", "?"); }));
  CHECK(paced_after([](World& world, World::Client& eve) { world.plain(eve, Kind::ping, 1); }));
  CHECK_FALSE(paced_after([](World& world, World::Client& eve) { world.credit(eve, 0, 1); }));
  CHECK_FALSE(paced_after([](World& world, World::Client& eve) {
    world.publish(eve, "a", "x");
    world.advance(Pace::attention + milliseconds(1));
  }));
}

TEST_CASE("nobody makes way for what a daemon of the suite says of itself") {
  World world(slow_pace());
  world.publish(join_as_daemon(world, "ledgerd"), "small", "x");
  Flooder flooder(world, world.join("ada"));
  flooder.flood();
  CHECK_FALSE(flooder.ran_dry());
}

TEST_CASE("a daemon of the suite has no pace: what it says others have asked for") {
  World world(slow_pace());
  Flooder flooder(world, join_as_daemon(world, "ledgerd"));
  world.publish(world.join("eve"), "small", "x");
  flooder.flood();
  CHECK(flooder.published() > 100U << 20U);
}

TEST_CASE("a rate of 0 is no limit") {
  Limits limits = slow_pace();
  limits.pace_bytes_per_s = 0;
  Beside beside(limits);
  beside.flooder.flood();
  CHECK(beside.flooder.published() > 100U << 20U);
}

TEST_CASE("credit that waits is bounded in time, however wide one message went") {
  Limits limits = slow_pace();
  Pace pace(limits);
  Pace::Account eve, ada;
  const Steady start{seconds(100)};
  pace.charge(eve, 10, start);
  pace.note_speech(SessionId{1}, eve, start);
  pace.charge(ada, 1U << 30U, start);
  CHECK(pace.allow(SessionId{2}, ada, start) == 0);
  CHECK(pace.allow(SessionId{2}, ada, start) == 0);
  CHECK(pace.held_back() == 1);
  REQUIRE(pace.next_due());
  CHECK(*pace.next_due() <= start + milliseconds(1'000 / Pace::waits_per_s));
  CHECK(pace.take_due(start).empty());
  CHECK(pace.take_due(*pace.next_due()) == std::vector<SessionId>{SessionId{2}});
  CHECK_FALSE(pace.next_due());
}

TEST_CASE("a session that ends while its credit waits is forgotten") {
  Beside beside;
  auto& [world, ada, eve, flooder] = beside;
  flooder.flood();
  REQUIRE(flooder.ran_dry());
  world.leave(ada);
  world.advance(seconds(1));
  CHECK_FALSE(world.core().next_deadline());
}

}  // namespace
}  // namespace guild::broker
