// HELLO, WELCOME, refusals, permissions: who gets in, what ends a session, and what it harms.
#include "tests/unit/broker/world.hpp"

namespace guild::broker {
namespace {

using bus::Code;
using bus::Kind;
using namespace std::chrono_literals;

const bus::Hello good_hello{.version = 1, .flags = 0, .credit_messages = 10, .credit_bytes = 1000};

TEST_CASE("HELLO is answered with the name of the key, the instance, the epoch and the window") {
  World world;
  world.allow("ada");
  auto& ada = world.connect("ada");
  world.send(ada, [](bus::FrameWriter& frame) { frame.hello(good_hello); });
  const Got& got = ada.only(Kind::welcome);
  CHECK(got.name == "ada");
  const auto welcome = bus::read_welcome(got.body);
  REQUIRE(welcome);
  CHECK(welcome->epoch == 2);  // The empty list was the first.
  CHECK(welcome->instance[0] == 7);
  CHECK(welcome->credit_bytes == Limits{}.window_bytes);
  CHECK(welcome->credit_messages == Limits{}.window_messages);
  REQUIRE(world.events.size() == 1);
  CHECK(world.events[0].client == "ada");
  CHECK(world.events[0].event == messages::BusClientChange::connected);
}

TEST_CASE("anything before HELLO is refused") {
  World world;
  world.allow("ada");
  auto& ada = world.connect("ada");
  world.plain(ada, Kind::subscribe, 1, "a/b");
  CHECK(refused_of(ada.only(Kind::refused)).code == Code::hello_expected);
  CHECK(ada.ended);
  CHECK(world.events.empty());
}

TEST_CASE("a body where the kind has none is malformed") {
  for (const Kind kind : {Kind::subscribe, Kind::unsubscribe, Kind::serve, Kind::unserve,
                          Kind::watch, Kind::goodbye, Kind::ping, Kind::cancel}) {
    World world;
    world.allow("ada");
    auto& ada = world.join("ada");
    world.send(ada, [&](bus::FrameWriter& frame) { frame.plain(kind, 1, "a/b", "body"); });
    CHECK(refused_of(ada.only(Kind::refused)).code == Code::malformed_frame);
    CHECK(ada.ended);
  }
}

TEST_CASE("a second HELLO, another version and a HELLO of the wrong size end the session") {
  World world;
  world.allow("ada");
  SECTION("second") {
    auto& ada = world.join("ada");
    world.send(ada, [](bus::FrameWriter& frame) { frame.hello(good_hello); });
    CHECK(refused_of(ada.only(Kind::refused)).code == Code::malformed_frame);
  }
  SECTION("version") {
    auto& ada = world.connect("ada");
    bus::Hello hello = good_hello;
    hello.version = 2;
    world.send(ada, [&](bus::FrameWriter& frame) { frame.hello(hello); });
    CHECK(refused_of(ada.only(Kind::refused)).code == Code::version_unsupported);
  }
  SECTION("size") {
    auto& ada = world.connect("ada");
    world.send(ada, [&](bus::FrameWriter& frame) { frame.plain(Kind::hello, 0, {}, "short"); });
    CHECK(refused_of(ada.only(Kind::refused)).code == Code::malformed_frame);
  }
}

TEST_CASE("a key that left the list between handshake and HELLO is refused as revoked") {
  World world;
  world.allow("ada");
  auto& ada = world.connect("ada");
  SECTION("gone") { world.revoke("ada"); }
  SECTION("replaced") {
    auto line = World::line("ada", {"**"});
    line.public_key.fill(0x55);
    world.allow(line);
  }
  if (!ada.ended) world.send(ada, [](bus::FrameWriter& frame) { frame.hello(good_hello); });
  CHECK(refused_of(ada.only(Kind::refused)).code == Code::revoked);
  CHECK(ada.all(Kind::welcome).empty());
}

TEST_CASE("a frame cut at any byte harms no session but its own") {
  World world;
  auto& watcher = world.join("watcher");
  world.subscribe(watcher, "a/**");
  bus::FrameWriter whole;
  whole.publish_item(1, "a/b", false, "first");
  const std::size_t first_record = whole.size();
  whole.publish_item(2, "a/c", false, "second");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    auto& sender = world.join("sender");
    watcher.inbox.clear();
    world.send_bytes(sender, whole.frame().substr(0, size));
    INFO("cut at " << size);
    // What came before the fault was applied.
    CHECK(watcher.payloads().size() == (size == whole.size()   ? 2U
                                        : size >= first_record ? 1U
                                                               : 0U));
    const bool sound = size == 0 || size == first_record || size == whole.size();
    CHECK(sender.ended == !sound);
    if (!sound) CHECK(refused_of(sender.only(Kind::refused)).code == Code::malformed_frame);
    CHECK_FALSE(watcher.ended);
    world.leave(sender);
  }
  world.check_law();
}

TEST_CASE("every kind that a client does not send ends its session") {
  World world;
  for (unsigned kind = 0; kind < 256; ++kind) {
    if (kind >= 1 && kind <= 13) continue;
    auto& liar = world.join("liar");
    world.plain(liar, static_cast<Kind>(kind), 1, "a/b");
    INFO("kind " << kind);
    CHECK(refused_of(liar.only(Kind::refused)).code == Code::malformed_frame);
    CHECK(liar.ended);
  }
  CHECK(world.core().sessions_open() == 0);
}

TEST_CASE("bodies of the wrong size end the session") {
  World world;
  const auto kind = GENERATE(Kind::publish, Kind::request, Kind::reply, Kind::credit);
  auto& liar = world.join("liar");
  world.plain(liar, kind, 1, "a/b");
  CHECK(refused_of(liar.only(Kind::refused)).code == Code::malformed_frame);
}

TEST_CASE("a frame over the limit ends the session") {
  World world;
  auto& liar = world.join("liar");
  world.send_bytes(liar, std::string(bus::frame_bytes_max + 1, '\0'));
  CHECK(refused_of(liar.only(Kind::refused)).code == Code::malformed_frame);
}

TEST_CASE("what a session sends once it is over is ignored") {
  World world;
  auto& watcher = world.join("watcher");
  world.subscribe(watcher, "**");
  auto& ada = world.join("ada");
  world.plain(ada, Kind::goodbye, 0);
  CHECK(ada.ended);
  world.publish(ada, "a/b", "late");
  CHECK(watcher.payloads().empty());
  CHECK(world.events.back().event == messages::BusClientChange::left);
}

TEST_CASE("sessions past the limit are refused, and let in when one has left") {
  Limits limits;
  limits.sessions_max = 2;
  World world(limits);
  auto& first = world.join("ada");
  world.join("ada");
  auto& third = world.connect("ada");
  world.send(third, [](bus::FrameWriter& frame) { frame.hello(good_hello); });
  CHECK(refused_of(third.only(Kind::refused)).code == Code::too_many);
  world.leave(first);
  world.join("ada");
  CHECK(world.core().sessions_open() == 2);
}

TEST_CASE("a revoked client's session ends at once, others stay") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.subscribe(ada, "a/**");
  world.revoke("ada");
  CHECK(refused_of(ada.only(Kind::refused)).code == Code::revoked);
  CHECK(ada.ended);
  CHECK_FALSE(bob.ended);
  CHECK(world.events.back().event == messages::BusClientChange::revoked);
  world.publish(bob, "a/b", "hello");
  CHECK(ada.payloads().empty());
}

TEST_CASE("a list that narrows a client's rights ends a session that uses them, and only then") {
  World world;
  auto& user = world.join("user");
  auto& idle = world.join("idle");
  world.subscribe(user, "a/b");
  world.subscribe(idle, "c/d");
  world.allow("user", {"c/**"});
  world.allow("idle", {"c/**"});
  CHECK(refused_of(user.only(Kind::refused)).code == Code::revoked);
  CHECK_FALSE(idle.ended);
}

TEST_CASE("each list has its own epoch, and deliveries carry it") {
  World world;
  auto& ada = world.join("ada");
  world.subscribe(ada, "a/b");
  world.publish(ada, "a/b", "x");
  world.allow("bob");
  world.publish(ada, "a/b", "y");
  const auto delivers = ada.all(Kind::deliver);
  REQUIRE(delivers.size() == 2);
  CHECK(bus::read_deliver(delivers[1].body)->epoch ==
        bus::read_deliver(delivers[0].body)->epoch + 1);
}

TEST_CASE("a PING is answered with its number") {
  World world;
  auto& ada = world.join("ada");
  world.plain(ada, Kind::ping, 4711);
  CHECK(ada.only(Kind::pong).number == 4711);
}

TEST_CASE("draining refuses who is new and then everyone") {
  World world;
  auto& ada = world.join("ada");
  world.core().start_draining();
  auto& late = world.connect("ada");
  world.send(late, [](bus::FrameWriter& frame) { frame.hello(good_hello); });
  CHECK(refused_of(late.only(Kind::refused)).code == Code::shutting_down);
  CHECK(world.core().nothing_waits());
  world.core().refuse_all(world.now());
  CHECK(refused_of(ada.only(Kind::refused)).code == Code::shutting_down);
  CHECK(world.core().sessions_open() == 0);
}

TEST_CASE("refusals are told within 100 ms, by kind, with exact totals") {
  World world;
  world.allow("ada", {"a/**"});
  auto& ada = world.join("ada");
  for (int i = 0; i < 5; ++i) world.publish(ada, "b/c", "x");
  world.advance(50ms);
  REQUIRE(world.denials.size() == 1);
  CHECK(world.denials[0].reason == "no_permission");
  CHECK(world.denials[0].client == "ada");
  CHECK(world.denials[0].operation == "publish");
  CHECK(world.denials[0].topic == "b/c");
  CHECK(world.denials[0].count == 5);
  CHECK(world.denials[0].key.size() == 64);
  for (int i = 0; i < 7; ++i) world.publish(ada, "b/c", "x");
  world.advance(100ms);
  CHECK(world.denials.size() == 1);  // Its second is not over.
  world.advance(1s);
  REQUIRE(world.denials.size() == 2);
  CHECK(world.denials[1].count == 7);
  world.advance(5s);
  CHECK(world.denials.size() == 2);
  CHECK(world.core().stats().denied_by_reason.at("no_permission") == 12);
  CHECK_FALSE(world.core().next_deadline());
}

}  // namespace
}  // namespace guild::broker
