// Credit both ways, queues and their three policies, and the statistics that follow.
#include "tests/unit/broker/world.hpp"

namespace guild::broker {
namespace {

using bus::Code;
using bus::Kind;
using Strings = std::vector<std::string>;

std::uint64_t size_on_wire(const Got& got) {
  return bus::record_header_bytes + got.topic.size() + got.name.size() + got.body.size();
}

std::vector<OverflowRule> all(Overflow overflow) {
  return {{.topics = "**", .subscriber = "", .overflow = overflow}};
}

Limits small_queue(std::size_t messages) {
  Limits limits;
  limits.queue_messages_max = messages;
  limits.block_messages = messages;
  return limits;
}

TEST_CASE("past the subscriber's credit messages wait, and follow in order when credit returns") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 2);
  world.subscribe(bob, "**");
  for (int i = 0; i < 5; ++i) world.publish(ada, i % 2 == 0 ? "a" : "b", std::to_string(i));
  CHECK(bob.payloads() == Strings{"0", "1"});
  CHECK(world.row("bob", "a").queued == 2);
  CHECK(world.row("bob", "a").in_flight == 1);
  CHECK(world.row("bob", "b").queued == 1);
  world.check_law();
  world.credit(bob, size_on_wire(bob.all(Kind::deliver)[0]), 1);
  CHECK(bob.payloads() == Strings{"0", "1", "2"});
  CHECK(world.row("bob", "a").delivered == 1);
  CHECK(world.row("bob", "b").delivered == 0);
  world.credit(bob, 0, 2);
  CHECK(bob.payloads() == Strings{"0", "1", "2", "3", "4"});
  CHECK(world.row("bob", "b").delivered == 1);
  world.check_law();
}

TEST_CASE("credit in bytes holds back as well") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 100, 80);  // 20 of them are kept for requests and replies.
  world.subscribe(bob, "a");
  for (int i = 0; i < 3; ++i) world.publish(ada, "a", std::string(20, 'x'));
  REQUIRE(bob.payloads().size() == 2);  // Below zero by one record at most.
  world.credit(bob, size_on_wire(bob.all(Kind::deliver)[0]), 1);
  CHECK(bob.payloads().size() == 3);
}

TEST_CASE("under policy block who connects again and again cannot fill our memory") {
  Limits limits;
  limits.queue_bytes_max = 10'000;
  limits.window_bytes = 4'000;
  limits.windows_past_block = 1;
  World world(limits, all(Overflow::block));
  auto& slow = world.join("slow", 1);
  world.subscribe(slow, "news");
  std::int64_t accepted = 0, denied = 0;
  for (int life = 0; life < 20; ++life) {
    auto& ada = world.join("ada");
    for (int i = 0; i < 4; ++i) world.publish(ada, "news", std::string(1'000, 'x'), true);
    for (const Got& got : ada.inbox) {
      if (got.kind == Kind::ack) accepted += bus::read_u32(got.body).value();
      if (got.kind != Kind::denied) continue;
      CHECK(denied_of(got).code == Code::too_many);
      denied += denied_of(got).count;
    }
    world.leave(ada);
  }
  CHECK(accepted + denied == 80);
  CHECK(accepted < 16);
  CHECK(world.core().status().waiting == accepted);
  world.check_law();
}

TEST_CASE("who is behind with deliveries still gets requests and replies") {
  World world({}, all(Overflow::block));
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 8);
  world.subscribe(bob, "news");
  world.serve(bob, "bob/asked");
  world.serve(ada, "ada/asked");
  for (int i = 0; i < 10; ++i) world.publish(ada, "news", "x");
  CHECK(bob.payloads().size() == 6);  // Of 8: a quarter is kept.
  CHECK(world.row("bob", "news").queued == 4);

  world.request(ada, 1, "bob/asked", "?");
  CHECK(bob.all(Kind::request_delivery).size() == 1);
  world.request(bob, 7, "ada/asked", "?");
  world.reply(ada, ada.only(Kind::request_delivery).number, "!");
  CHECK(bob.only(Kind::reply_delivery).number == 7);
  CHECK(world.row("bob", "news").queued == 4);
  world.check_law();

  // Now all credit is used: the next request waits, and goes before what was published earlier.
  world.request(ada, 2, "bob/asked", "?");
  CHECK(bob.all(Kind::request_delivery).size() == 1);
  world.credit(bob, 0, 1);
  CHECK(bob.all(Kind::request_delivery).size() == 2);
  CHECK(bob.payloads().size() == 6);
  world.check_law();
}

TEST_CASE("requests and replies that wait are bounded apart from deliveries") {
  Limits limits = small_queue(2);
  World world(limits, all(Overflow::drop_oldest));
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 1);
  world.subscribe(bob, "news");
  world.serve(bob, "asked");
  for (int i = 0; i < 9; ++i) world.publish(ada, "news", "x");
  for (std::uint64_t i = 1; i <= 3; ++i) world.request(ada, i, "asked", "?");
  CHECK(ada.all(Kind::failed).empty());  // The queue of deliveries is full, not theirs.
  world.request(ada, 4, "asked", "?");
  CHECK(ada.only(Kind::failed).number == 4);
  world.check_law();
}

TEST_CASE("credit that was never in flight ends the session") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.subscribe(bob, "a");
  world.publish(ada, "a", "x");
  SECTION("messages") { world.credit(bob, 0, 2); }
  SECTION("bytes") { world.credit(bob, 1'000, 1); }
  CHECK(refused_of(bob.only(Kind::refused)).code == Code::credit_exceeded);
  CHECK(world.row("bob", "a").dropped.at("session_ended") == 1);
  world.check_law();
}

TEST_CASE("however much credit HELLO offers, what is in flight is bounded") {
  Limits limits;
  limits.in_flight_messages_max = 3;
  World world(limits);
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 0xFFFF'FFFFU, 0xFFFF'FFFF'FFFF'FFFFU);
  world.subscribe(bob, "a");
  for (int i = 0; i < 10; ++i) world.publish(ada, "a", "x");
  CHECK(bob.payloads().size() == 3);
}

TEST_CASE("the publisher's credit comes back in quarters of its window") {
  Limits limits;
  limits.window_messages = 8;
  World world(limits);
  auto& ada = world.join("ada");
  world.publish(ada, "a", "1");
  CHECK(ada.all(Kind::credit_grant).empty());
  world.publish(ada, "a", "2");
  CHECK(bus::read_u32(ada.only(Kind::credit_grant).body) == 2U);
}

TEST_CASE("requests and replies take credit and give it back, however many there are") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "echo");
  const std::string payload(1'000, 'x');
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    world.request(ada, i, "echo", payload);
    const Got request = bob.inbox.back();
    world.reply(bob, request.number, payload);
    REQUIRE(ada.inbox.back().kind != Kind::refused);
    world.advance(std::chrono::milliseconds(1));  // Two that both do much have a pace (pace.hpp).
    if (i % 16 == 0) {
      for (auto* client : {&ada, &bob}) {
        std::uint64_t bytes = 0;
        std::uint32_t messages = 0;
        for (const Got& got : client->inbox)
          if (got.kind == Kind::request_delivery || got.kind == Kind::reply_delivery) {
            bytes += size_on_wire(got);
            ++messages;
          }
        client->inbox.clear();
        world.credit(*client, bytes, messages);
      }
    }
  }
  CHECK_FALSE(ada.ended);
  CHECK_FALSE(bob.ended);
}

TEST_CASE("a session that sends far beyond its credit is refused") {
  // The grants never reach it: a window of one quarter of nothing.
  World world({}, all(Overflow::block));
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 0);
  world.subscribe(bob, "a");
  // Bob takes nothing, so after 8 MiB Ada gets no credit back; she goes on all the same.
  for (int i = 0; i < 40 && !ada.ended; ++i) world.publish(ada, "a", std::string(500'000, 'x'));
  CHECK(refused_of(ada.only(Kind::refused)).code == Code::credit_exceeded);
  CHECK(world.row("bob", "a").queued < 25);
  world.check_law();
}

TEST_CASE("drop_oldest: the newest stay, a GAP stands for the rest, and every item is counted") {
  World world(small_queue(3), all(Overflow::drop_oldest));
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 1);
  world.subscribe(bob, "**");
  for (int i = 1; i <= 10; ++i) world.publish(ada, "a", std::to_string(i));
  CHECK(bob.payloads() == Strings{"1"});
  CHECK(world.row("bob", "a").queued == 3);
  CHECK(world.row("bob", "a").dropped.at("dropped_oldest") == 6);
  world.check_law();
  bob.inbox.clear();
  world.credit(bob, 0, 1);
  const Got& gap = bob.only(Kind::gap);
  CHECK(gap.topic == "a");
  CHECK(gap.name == "ada");
  CHECK(gap.number == 2);
  const auto body = bus::read_gap(gap.body);
  CHECK(body->last == 7);
  CHECK(body->count == 6);
  CHECK(body->reason == Code::dropped_oldest);
  world.credit(bob, 0, 1);  // For the GAP, which is one message.
  world.credit(bob, 0, 1);
  world.credit(bob, 0, 1);
  CHECK(bob.payloads() == Strings{"8", "9", "10"});
}

TEST_CASE("drop_oldest cuts a run item by item") {
  World world(small_queue(3), all(Overflow::drop_oldest));
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 1);
  world.subscribe(bob, "a");
  world.publish(ada, "a", "0");
  world.publish_run(ada, "a", {"1", "2", "3", "4", "5"});
  world.credit(bob, 0, 1);
  CHECK(bus::read_gap(bob.only(Kind::gap).body)->count == 2);
  world.credit(bob, 0, 1);
  CHECK(bob.payloads() == Strings{"0", "3", "4", "5"});
  CHECK(bob.all(Kind::deliver)[1].number == 4);
  world.check_law();
}

TEST_CASE("each publisher and topic has its own GAP") {
  World world(small_queue(2), all(Overflow::drop_oldest));
  auto& ada = world.join("ada");
  auto& eve = world.join("eve");
  auto& bob = world.join("bob", 1);
  world.subscribe(bob, "**");
  world.publish(ada, "a", "x");
  for (int i = 0; i < 4; ++i) {
    world.publish(ada, "a", "a");
    world.publish(ada, "b", "b");
    world.publish(eve, "a", "e");
  }
  for (int i = 0; i < 3; ++i) world.credit(bob, 0, 1);
  std::map<std::string, std::uint64_t> lost;
  for (const Got& got : bob.all(Kind::gap))
    lost[got.name + " " + got.topic] += bus::read_gap(got.body)->count;
  CHECK(lost == std::map<std::string, std::uint64_t>{{"ada a", 4}, {"ada b", 3}, {"eve a", 3}});
  world.check_law();
}

TEST_CASE("disconnect: a subscriber whose queue is full is refused, and what waited is counted") {
  World world(small_queue(2), all(Overflow::disconnect));
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 1);
  world.subscribe(bob, "a");
  for (int i = 0; i < 4; ++i) world.publish(ada, "a", "x");
  CHECK(refused_of(bob.only(Kind::refused)).code == Code::slow_consumer);
  const auto row = world.row("bob", "a");
  CHECK(row.dropped.at("slow_consumer") == 3);
  CHECK(row.dropped.at("session_ended") == 1);
  world.check_law();
  world.publish(ada, "a", "x");
  CHECK(world.row("bob", "a").routed == 4);
}

TEST_CASE("a subscriber that refuses itself while it publishes harms nothing") {
  World world(small_queue(1), all(Overflow::disconnect));
  auto& ada = world.join("ada", 1);
  auto& bob = world.join("bob");
  world.subscribe(ada, "**");
  world.subscribe(bob, "**");
  world.publish_run(ada, "a", {"1", "2", "3"}, true);
  world.publish_run(ada, "a", {"4", "5"}, true);
  CHECK(ada.ended);
  CHECK(bob.payloads() == Strings{"1", "2", "3", "4", "5"});
  world.check_law();
}

TEST_CASE("block: nothing is lost, the publisher's credit is held back, then let go") {
  Limits limits;
  limits.window_messages = 8;
  limits.block_messages = 4;
  World world(limits, all(Overflow::block));
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 1);
  auto& eve = world.join("eve");
  world.subscribe(bob, "a");
  for (int i = 0; i < 8; ++i) world.publish(ada, "a", std::to_string(i));
  std::uint32_t granted = 0;
  for (const Got& got : ada.all(Kind::credit_grant)) granted += *bus::read_u32(got.body);
  CHECK(granted == 4);  // What came before Bob was crowded.
  // Another publisher, to another topic, is not held back.
  for (int i = 0; i < 4; ++i) world.publish(eve, "b", "x");
  CHECK(eve.all(Kind::credit_grant).size() == 2);
  // Neither are Ada's requests.
  ada.inbox.clear();
  world.request(ada, 1, "nobody", "x");
  world.request(ada, 2, "nobody", "x");
  CHECK(bus::read_u32(ada.only(Kind::credit_grant).body) == 2U);
  ada.inbox.clear();
  for (int i = 0; i < 8; ++i) world.credit(bob, 0, 1);
  CHECK(bob.payloads().size() == 8);
  granted = 0;
  for (const Got& got : ada.all(Kind::credit_grant)) granted += *bus::read_u32(got.body);
  CHECK(granted == 4);
  CHECK(world.row("bob", "a").dropped.empty());
  world.check_law();
}

TEST_CASE("a publisher that waited is let go when the subscriber leaves") {
  Limits limits;
  limits.window_messages = 4;
  limits.block_messages = 1;
  World world(limits, all(Overflow::block));
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 0);
  world.subscribe(bob, "a");
  for (int i = 0; i < 4; ++i) world.publish(ada, "a", "x");
  ada.inbox.clear();
  world.leave(bob);
  CHECK_FALSE(ada.all(Kind::credit_grant).empty());
  CHECK(world.row("bob", "a").dropped.at("session_ended") == 4);
}

TEST_CASE("by default only the log consumer may hold back others' logs") {
  const auto rules = default_overflow_rules();
  CHECK(overflow_for(rules, "logs/ledgerd/main", "logconsumer") == Overflow::block);
  CHECK(overflow_for(rules, "logs/ledgerd/main", "viewer") == Overflow::drop_oldest);
  CHECK(overflow_for(rules, "ledger/entry/bot-7", "gateway") == Overflow::drop_oldest);
  CHECK(overflow_for(rules, "bench/t", "bench") == Overflow::block);
}

TEST_CASE("a session's end counts what waited and what was in flight") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 2);
  world.subscribe(bob, "a");
  for (int i = 0; i < 5; ++i) world.publish(ada, "a", "x");
  world.credit(bob, 0, 1);
  world.leave(bob);
  const auto row = world.row("bob", "a");
  CHECK(row.delivered == 1);
  CHECK(row.dropped.at("session_ended") == 4);
  CHECK(row.queued == 0);
  CHECK(row.in_flight == 0);
  world.check_law();
}

}  // namespace
}  // namespace guild::broker
