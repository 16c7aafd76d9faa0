// PUBLISH to DELIVER: who gets what, in which order, stamped by whom, and what is refused.
#include "tests/unit/broker/world.hpp"

namespace guild::broker {
namespace {

using bus::Code;
using bus::Kind;
using Strings = std::vector<std::string>;

TEST_CASE("what is published after DONE is delivered, with the sender's proven name") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.publish(ada, "a/b", "before");
  world.plain(bob, Kind::subscribe, 42, "a/*");
  CHECK(bob.only(Kind::done).number == 42);
  CHECK(bob.only(Kind::done).topic == "a/*");
  // The name in a PUBLISH is nobody's business.
  std::string lie;
  {
    bus::FrameWriter frame;
    frame.publish_item(3, "a/b", false, "after");
    lie = frame.frame();
    lie[6] = 3;
    lie.insert(16 + 3, "bob");
    lie[0] = static_cast<char>(lie[0] + 3);
  }
  world.send_bytes(ada, lie);
  const Got& got = bob.only(Kind::deliver);
  CHECK(got.name == "ada");
  CHECK(got.topic == "a/b");
  CHECK(got.number == 3);
  CHECK(bus::read_deliver(got.body)->time_ns == world.now().wall.ns);
  CHECK(bob.payloads() == Strings{"after"});
}

TEST_CASE("overlapping patterns deliver once, also to the publisher itself") {
  World world;
  auto& ada = world.join("ada");
  for (const char* pattern : {"a/b", "a/*", "a/**", "**", "*/b"}) world.subscribe(ada, pattern);
  world.publish(ada, "a/b", "once");
  CHECK(ada.payloads() == Strings{"once"});
  CHECK(world.row("ada", "a/b").routed == 1);
}

TEST_CASE("a pattern delivers until its own UNSUBSCRIBE, whatever else is held") {
  World world;
  auto& ada = world.join("ada");
  world.subscribe(ada, "a/*");
  world.subscribe(ada, "a/b");
  world.plain(ada, Kind::unsubscribe, 2, "a/*");
  world.publish(ada, "a/b", "1");
  world.publish(ada, "a/c", "2");
  world.plain(ada, Kind::unsubscribe, 3, "a/b");
  world.publish(ada, "a/b", "3");
  CHECK(ada.payloads() == Strings{"1"});
}

TEST_CASE("a run is forwarded whole, in one record") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.subscribe(bob, "a/b");
  world.publish_run(ada, "a/b", {"1", "22", "", "4444"});
  CHECK(bob.all(Kind::deliver).size() == 1);
  CHECK(bob.payloads() == Strings{"1", "22", "", "4444"});
}

TEST_CASE("frames of one round share a frame to the subscriber") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.subscribe(bob, "a/b");
  bob.frame_sizes.clear();
  for (std::uint64_t i = 1; i <= 10; ++i) {
    bus::FrameWriter frame;
    frame.publish_item(i, "a/b", false, "x");
    world.core().receive(ada.id, frame.frame(), world.now());
  }
  CHECK(bob.frame_sizes.empty());
  world.core().flush();
  CHECK(bob.frame_sizes.size() == 1);
  CHECK(bob.all(Kind::deliver).size() == 1);
  CHECK(bob.payloads().size() == 10);
}

TEST_CASE("order per publisher holds over topics, small and shared runs mixed") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  auto& eve = world.join("eve");
  world.subscribe(bob, "**");
  world.subscribe(eve, "big/*");
  const std::string large(Limits{}.shared_run_min, 'x');
  Strings sent;
  for (int i = 0; i < 20; ++i) {
    const bool big = i % 3 == 0;
    sent.push_back(std::to_string(i) + (big ? large : ""));
    bus::FrameWriter frame;
    frame.publish_item(ada.next_sequence++,
                       big          ? "big/t"
                       : i % 2 == 0 ? "a"
                                    : "b",
                       false, sent.back());
    world.core().receive(ada.id, frame.frame(), world.now());
  }
  world.core().flush();
  CHECK(bob.payloads() == sent);
  CHECK(eve.payloads().size() == 7);
  world.check_law();
  CHECK(world.row("bob", "big/t").in_flight == 7);
}

TEST_CASE("the largest record is delivered, split where the stamp makes it too large") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.subscribe(bob, "a");
  const std::size_t half = (bus::frame_bytes_max - 16 - 1 - 1) / 2 - 4;
  const Strings payloads{std::string(half, 'x'), std::string(half, 'y')};
  world.publish_run(ada, "a", payloads, true);
  CHECK(bob.payloads() == payloads);
  CHECK(bob.all(Kind::deliver).size() == 2);
  CHECK(bob.all(Kind::deliver)[1].number == 2);
  const Got& ack = ada.only(Kind::ack);
  CHECK(ack.number == 2);
  CHECK(bus::read_u32(ack.body) == 2U);
}

TEST_CASE("a payload of 1 MiB passes, one byte more is denied, not the end") {
  World world;
  auto& ada = world.join("ada");
  world.subscribe(ada, "a");
  world.publish(ada, "a", std::string(bus::payload_bytes_max, 'x'));
  CHECK(ada.payloads().size() == 1);
  world.publish(ada, "a", std::string(bus::payload_bytes_max + 1, 'x'), true);
  const bus::Denied denied = denied_of(ada.only(Kind::denied));
  CHECK(denied.code == Code::payload_too_large);
  CHECK(denied.count == 1);
  CHECK(ada.all(Kind::ack).empty());
  CHECK_FALSE(ada.ended);
  CHECK(ada.payloads().size() == 1);
}

TEST_CASE("ACK counts accepted items; an ACK never passes a DENIED") {
  World world;
  world.allow("ada", {"a/**"});
  auto& ada = world.join("ada");
  world.send(ada, [](bus::FrameWriter& frame) {
    frame.publish_item(1, "a/b", true, "x");
    frame.publish_item(2, "a/c", true, "x");
    frame.publish_item(3, "b", true, "x");
    frame.publish_item(4, "b", true, "x");
    frame.publish_item(5, "a/b", true, "x");
    frame.publish_item(6, "a/b", false, "x");
    frame.publish_item(7, "a/b", true, "x");
  });
  REQUIRE(ada.inbox.size() == 4);
  CHECK(ada.inbox[0].kind == Kind::ack);
  CHECK(ada.inbox[0].number == 2);
  CHECK(bus::read_u32(ada.inbox[0].body) == 2U);
  CHECK(ada.inbox[1].kind == Kind::denied);
  CHECK(ada.inbox[1].number == 3);
  CHECK(denied_of(ada.inbox[1]).count == 2);
  CHECK(ada.inbox[2].number == 5);
  CHECK(bus::read_u32(ada.inbox[2].body) == 1U);
  CHECK(ada.inbox[3].number == 7);
  CHECK(bus::read_u32(ada.inbox[3].body) == 1U);
}

TEST_CASE("an ACK never passes a REFUSED: what came before the fault is acknowledged first") {
  World world;
  auto& ada = world.join("ada");
  bus::FrameWriter frame;
  frame.publish_item(1, "a", true, "x");
  frame.publish_item(2, "a", true, "x");
  world.send_bytes(ada, std::string(frame.frame()) + "no record");
  REQUIRE(ada.inbox.size() == 2);
  CHECK(ada.inbox[0].kind == Kind::ack);
  CHECK(ada.inbox[0].number == 2);
  CHECK(bus::read_u32(ada.inbox[0].body) == 2U);
  CHECK(ada.inbox[1].kind == Kind::refused);
  CHECK(refused_of(ada.inbox[1]).code == Code::malformed_frame);
}

TEST_CASE("bad topics are denied by name and leave no trace") {
  World world;
  auto& ada = world.join("ada");
  world.subscribe(ada, "**");
  ada.inbox.clear();
  for (const std::string& topic :
       {std::string(""), std::string("a//b"), std::string("/a"), std::string("a/*"),
        std::string("a b"), std::string("\xff"), std::string("1/2/3/4/5/6/7/8/9/10/11")}) {
    world.publish(ada, topic, "x");
    INFO(topic);
    CHECK(denied_of(ada.only(Kind::denied)).code == Code::topic_invalid);
    CHECK_FALSE(ada.ended);
    ada.inbox.clear();
  }
  CHECK(world.core().stats().rows.empty());
}

TEST_CASE("sequences that go back or overflow end the session") {
  World world;
  auto& ada = world.join("ada");
  world.send(ada, [](bus::FrameWriter& frame) { frame.publish_item(5, "a", false, "x"); });
  CHECK_FALSE(ada.ended);
  SECTION("again") {
    world.send(ada, [](bus::FrameWriter& frame) { frame.publish_item(5, "a", false, "x"); });
  }
  SECTION("over the end") {
    world.send(ada, [](bus::FrameWriter& frame) {
      frame.publish_item(0xFFFF'FFFF'FFFF'FFFFU, "a", false, "x");
    });
  }
  CHECK(refused_of(ada.only(Kind::refused)).code == Code::malformed_frame);
}

TEST_CASE("the list decides on publish, subscribe, request, serve and watch") {
  World world;
  keys::AuthorizedClient line = World::line("ada", {});
  line.publish = {"p/**"};
  line.subscribe = {"s/*"};
  line.request = {"r/one"};
  line.serve = {"v/*"};
  world.allow(line);
  auto& ada = world.join("ada");
  const auto answer = [&](Kind kind, std::string_view topic) {
    ada.inbox.clear();
    if (kind == Kind::publish) world.publish(ada, topic, "x", true);
    if (kind == Kind::request) world.request(ada, 9, topic, "x");
    if (kind != Kind::publish && kind != Kind::request) world.plain(ada, kind, 9, topic);
    REQUIRE_FALSE(ada.inbox.empty());
    const Got& got = ada.inbox.front();
    if (got.kind == Kind::failed) return refused_of(got).code;
    return got.kind == Kind::denied ? denied_of(got).code : Code{};
  };
  CHECK(answer(Kind::publish, "p/x/y") == Code{});
  CHECK(answer(Kind::publish, "s/x") == Code::no_permission);
  CHECK(answer(Kind::subscribe, "s/x") == Code{});
  CHECK(answer(Kind::subscribe, "s/*") == Code{});
  CHECK(answer(Kind::subscribe, "s/**") == Code::no_permission);
  CHECK(answer(Kind::subscribe, "p/x") == Code::no_permission);
  CHECK(answer(Kind::request, "r/one") == Code::no_responder);
  CHECK(answer(Kind::request, "r/two") == Code::no_permission);
  CHECK(answer(Kind::serve, "v/a") == Code{});
  CHECK(answer(Kind::serve, "v/a/b") == Code::no_permission);
  CHECK(answer(Kind::serve, "r/one") == Code::no_permission);
  CHECK(answer(Kind::watch, "p/x") == Code{});
  CHECK(answer(Kind::watch, "s/x") == Code{});
  CHECK(answer(Kind::watch, "v/a") == Code::no_permission);
  world.advance(std::chrono::seconds(2));
  std::map<std::string, std::int64_t> told;
  for (const auto& denied : world.denials) told[denied.operation] += denied.count;
  CHECK(told == std::map<std::string, std::int64_t>{
                    {"publish", 1}, {"subscribe", 2}, {"request", 1}, {"serve", 2}, {"watch", 1}});
}

TEST_CASE("whatever the list says, nobody speaks as a daemon or in another's log") {
  World world;
  auto& ada = world.join("ada");  // `**` in every column.
  for (const char* topic :
       {"ledger/entry", "bus/denied", "tasks/1", "logs/bob/x", "logs-committed/ada", "logs"}) {
    ada.inbox.clear();
    world.publish(ada, topic, "x");
    INFO(topic);
    CHECK(denied_of(ada.only(Kind::denied)).code == Code::no_permission);
  }
  ada.inbox.clear();
  world.serve(ada, "ledgerd/transfer");
  world.serve(ada, "**");
  for (const Got& got : ada.all(Kind::denied)) CHECK(denied_of(got).code == Code::no_permission);
  CHECK(ada.all(Kind::denied).size() == 2);

  keys::AuthorizedClient line = World::line("bob", {"logs/**", "ledger/**"});
  world.allow(line);
  auto& bob = world.join("bob");
  world.publish(bob, "logs/bob/main", "mine");
  world.publish(bob, "ledger/entry", "named");
  CHECK(bob.all(Kind::denied).empty());
  world.publish(bob, "logs/ada/main", "forged");
  CHECK(denied_of(bob.only(Kind::denied)).code == Code::no_permission);
}

TEST_CASE("a subscription past the limit is denied") {
  Limits limits;
  limits.subscriptions_max = 2;
  World world(limits);
  auto& ada = world.join("ada");
  world.subscribe(ada, "a");
  world.subscribe(ada, "b");
  world.subscribe(ada, "c");
  CHECK(denied_of(ada.only(Kind::denied)).code == Code::too_many);
}

TEST_CASE("a watcher learns who is confirmed, now and at every change") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  auto& bob_too = world.join("bob");
  world.subscribe(bob, "a/**");
  world.plain(ada, Kind::watch, 77, "a/b");
  REQUIRE(ada.inbox.size() == 2);
  CHECK(ada.inbox[0].kind == Kind::done);
  CHECK(ada.inbox[1].kind == Kind::presence);
  CHECK(ada.inbox[1].number == 77);
  CHECK(ada.inbox[1].body == "bob");
  ada.inbox.clear();
  world.subscribe(bob_too, "a/b");
  CHECK(ada.inbox.empty());  // The same names.
  world.subscribe(ada, "**");
  CHECK(ada.only(Kind::presence).body == "ada\nbob");
  ada.inbox.clear();
  world.leave(bob);
  CHECK(ada.inbox.empty());
  world.leave(bob_too);
  CHECK(ada.only(Kind::presence).body == "ada");
  ada.inbox.clear();
  world.plain(ada, Kind::unsubscribe, 5, "**");
  CHECK(ada.only(Kind::presence).body.empty());
}

TEST_CASE("statistics past the limit of rows are folded, and add up") {
  Limits limits;
  limits.rows_max = 8;
  World world(limits);
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 1'000'000);
  world.subscribe(bob, "**");
  std::uint64_t bytes = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string topic = "t/" + std::to_string(i);
    world.publish(ada, topic, "x");
    const Got got = bob.inbox.back();
    bytes = 16 + got.topic.size() + got.name.size() + got.body.size();
    if (i % 2 == 0) world.credit(bob, bytes, 1);
    world.check_law();
  }
  std::int64_t published = 0, delivered = 0, in_flight = 0;
  for (const auto& row : world.core().stats().rows) {
    published += row.published;
    delivered += row.delivered;
    in_flight += row.in_flight;
  }
  CHECK(published == 100);
  CHECK(delivered + in_flight == 100);
  CHECK(delivered == 50);
}

TEST_CASE("topics that look alike at their ends are told apart, and each follows its subscribers") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  auto& eve = world.join("eve");
  // The broker remembers where a publisher's recent topics go by their last bytes.
  const std::string mine = "bob/the-same-end", hers = "eve/the-same-end";
  world.subscribe(bob, mine);
  for (int round = 0; round < 3; ++round) {
    world.publish(ada, mine, "for bob");
    world.publish(ada, hers, "for eve");
    world.publish(ada, "other", "for nobody");
    // Eve hears hers from the second round on, bob his until the third.
    if (round == 0) world.subscribe(eve, hers);
    if (round == 1) world.plain(bob, Kind::unsubscribe, 9, mine);
  }
  CHECK(bob.payloads() == Strings{"for bob", "for bob"});
  CHECK(eve.payloads() == Strings{"for eve", "for eve"});
  CHECK(world.row("ada", mine).published == 3);
  CHECK(world.row("ada", hers).published == 3);
  world.check_law();
}

TEST_CASE("topics past the limit of the cache are still routed") {
  Limits limits;
  limits.topics_max = 4;
  World world(limits);
  auto& ada = world.join("ada");
  world.subscribe(ada, "**");
  for (int i = 0; i < 20; ++i) world.publish(ada, "t/" + std::to_string(i % 7), "x");
  CHECK(ada.payloads().size() == 20);
}

}  // namespace
}  // namespace guild::broker
