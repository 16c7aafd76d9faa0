// The session without a socket: HELLO, WELCOME, acks, and what a lost session leaves behind.
#include <map>

#include "tests/unit/bus/session_world.hpp"

using namespace guild;
using namespace guild::bus;
using namespace guild::bus::test;
using namespace std::chrono_literals;

TEST_CASE("HELLO is the first and only record until WELCOME") {
  World world;
  REQUIRE(world.subscribe("a/b"));
  CHECK(world.sent().empty());
  world.session->connection_opened();
  CHECK(world.outputs > 0);
  const auto hello = world.sent();
  REQUIRE(hello.size() == 1);
  CHECK(hello[0].kind == Kind::hello);
  CHECK(read_hello(hello[0].body)->credit_messages == 1'000);
  CHECK(read_hello(hello[0].body)->credit_bytes == 100'000);
  CHECK(world.session->publish("a/b", "x", {}).error().code == "not_connected");
  CHECK_FALSE(world.session->connected());

  REQUIRE(world.welcome());
  CHECK(world.session->connected());
  CHECK(world.session->own_name() == "anna");
  const auto asked = world.sent();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].kind == Kind::subscribe);
  CHECK(asked[0].topic == "a/b");
}

TEST_CASE("what a broker must not say ends the session as malformed") {
  World world;
  world.session->connection_opened();
  SECTION("anything before WELCOME") {
    CHECK(malformed(world.receive_plain(Kind::pong, 1)) == "malformed_frame");
  }
  SECTION("a WELCOME of another size") {
    CHECK(malformed(world.receive_plain(Kind::welcome, 0, {}, "short")) == "malformed_frame");
  }
  SECTION("after WELCOME") {
    REQUIRE(world.welcome());
    SECTION("a second one") { CHECK(malformed(world.welcome()) == "malformed_frame"); }
    SECTION("a client's kind") {
      CHECK(malformed(world.receive_plain(Kind::subscribe, 1, "a")) == "malformed_frame");
    }
    SECTION("no kind at all") {
      CHECK(malformed(world.receive_plain(static_cast<Kind>(0), 1)) == "malformed_frame");
      CHECK(malformed(world.receive_plain(static_cast<Kind>(79), 1)) == "malformed_frame");
      CHECK(malformed(world.receive_plain(static_cast<Kind>(255), 1)) == "malformed_frame");
    }
    SECTION("bodies of the wrong size") {
      for (const Kind kind :
           {Kind::refused, Kind::denied, Kind::deliver, Kind::ack, Kind::gap, Kind::credit_grant,
            Kind::request_delivery, Kind::reply_delivery, Kind::failed}) {
        INFO(static_cast<int>(kind));
        CHECK(malformed(world.receive_plain(kind, 1, "a/b")) == "malformed_frame");
      }
    }
    SECTION("a delivery with half an item") {
      CHECK(malformed(world.receive_plain(Kind::deliver, 1, "a/b", std::string(12, '\0') + "\5")) ==
            "malformed_frame");
    }
    SECTION("an ack for what was never published") {
      CHECK(malformed(world.receive([](FrameWriter& w) { w.ack(1, 1); })) == "malformed_frame");
    }
    SECTION("a denial for what was never published") {
      CHECK(malformed(world.receive([](FrameWriter& w) {
              w.denied(1, "a", Code::no_permission, 2, "");
            })) == "malformed_frame");
      CHECK(malformed(world.receive([](FrameWriter& w) {
              w.denied(0xFFFF'FFFF'FFFF'FFFF, "a", Code::no_permission, 0xFFFF'FFFF, "");
            })) == "malformed_frame");
    }
  }
}

TEST_CASE("an empty frame means nothing") {
  World world;
  world.connect();
  CHECK(world.session->receive("", world.now).has_value());
  CHECK(world.session->connected());
}

TEST_CASE("a broker of another version is refused by name") {
  World world;
  world.session->connection_opened();
  Welcome welcome;
  welcome.version = 2;
  const auto result = world.receive([&](FrameWriter& w) { w.welcome("anna", welcome); });
  CHECK(result.error().code == "version_unsupported");
  CHECK(result.error().message == "the broker speaks version 2 of the protocol, this client 1");
  CHECK_FALSE(world.session->connected());
}

TEST_CASE("records before the fault take effect") {
  World world;
  world.connect();
  int got = 0;
  REQUIRE(world.subscribe("a/b", [&](const Delivery&) { ++got; }));
  FrameWriter writer;
  writer.deliver_run(1, 1, "a/b", "bert", 1, 1, items_of({"x"}));
  CHECK(malformed(world.session->receive(std::string(writer.frame()) + "junk", world.now)) ==
        "malformed_frame");
  CHECK(got == 1);
}

TEST_CASE("an ack counts the items that wanted one, in order, over denials and silent items") {
  World world;
  world.connect();
  std::vector<std::string> answers;
  std::vector<std::string> denied;
  world.session->on_denied = [&](std::string_view topic, std::uint64_t count, const Error& error) {
    denied.push_back(std::string(topic) + " " + std::to_string(count) + " " + error.code);
  };
  const auto publish = [&](const std::string& what, bool ack) {
    REQUIRE(world.session->publish("a/b", what, ack ? into(answers, what) : OnDone{}));
  };
  publish("1", true);
  publish("2", false);
  publish("3", true);
  publish("4", true);
  publish("5", false);
  publish("6", true);

  // 4 and 5 are denied together; the denial comes first, and the ack counts past it.
  REQUIRE(world.receive([](FrameWriter& w) { w.denied(4, "a/b", Code::no_permission, 2, ""); }));
  CHECK(answers == std::vector<std::string>{"4 no_permission"});
  CHECK(denied == std::vector<std::string>{"a/b 1 no_permission"});
  REQUIRE(world.receive([](FrameWriter& w) { w.ack(3, 2); }));
  REQUIRE(world.receive([](FrameWriter& w) { w.ack(6, 1); }));
  CHECK(answers == std::vector<std::string>{"4 no_permission", "1 ok", "3 ok", "6 ok"});
  CHECK(malformed(world.receive([](FrameWriter& w) { w.ack(6, 1); })) == "malformed_frame");
}

TEST_CASE("an ack cannot count past its own number") {
  World world;
  world.connect();
  std::vector<std::string> answers;
  REQUIRE(world.session->publish("a/b", "1", into(answers, "1")));
  REQUIRE(world.session->publish("a/b", "2", into(answers, "2")));
  CHECK(malformed(world.receive([](FrameWriter& w) { w.ack(1, 2); })) == "malformed_frame");
}

TEST_CASE("sequences begin at one in every session") {
  World world;
  for (int life = 0; life < 2; ++life) {
    world.connect();
    REQUIRE(world.session->publish("a/b", "x", {}));
    REQUIRE(world.session->publish("a/c", "y", {}));
    const auto published = world.sent(Kind::publish);
    REQUIRE(published.size() == 2);
    CHECK(published[0].number == 1);
    CHECK(published[1].number == 2);
    world.lose();
  }
}

TEST_CASE("a lost session answers all that waited, tells how many acks are unknown, and forgets") {
  World world;
  world.connect();
  std::vector<std::string> answers;
  REQUIRE(world.session->publish("a/b", "1", into(answers, "1")));
  REQUIRE(world.session->publish("a/b", "2", into(answers, "2")));
  REQUIRE(world.session->publish("a/b", "3", {}));
  REQUIRE(world.receive([](FrameWriter& w) { w.ack(1, 1); }));
  std::string reply;
  REQUIRE(world.session->request(
      "s/x", "q", 1s, [&](const Result<std::string>& r) { reply = r.error().text(); }, world.now));
  world.lose();
  CHECK(answers == std::vector<std::string>{"1 ok", "2 session_lost"});
  CHECK(reply.find("request s/x: the session with the broker ended") == 0);
  CHECK(world.events.back().state == SessionState::connecting);
  CHECK(world.events.back().unknown_acks == 1);
  CHECK(world.session->counters().dropped_unsent == 3);
  CHECK(world.session->publish("a/b", "x", {}).error().message ==
        "not connected to the broker: lost");
  world.session->connection_opened();
  const auto first = world.sent();
  REQUIRE(first.size() == 1);
  CHECK(first[0].kind == Kind::hello);
}

TEST_CASE("a callback that answers a lost session sees it lost, and may not revive it") {
  World world;
  world.connect();
  std::string inside;
  REQUIRE(world.session->publish("a/b", "1", [&](const Result<void>&) {
    inside = world.session->publish("a/b", "again", {}).error().code;
  }));
  world.lose();
  CHECK(inside == "not_connected");
}

TEST_CASE("after a reconnect, resubscribed comes with the last confirmation") {
  World world;
  std::vector<std::string> answers;
  REQUIRE(world.subscribe("a/*", [](const Delivery&) {}, into(answers, "a")));
  REQUIRE(world.subscribe("b/*", [](const Delivery&) {}, into(answers, "b")));
  world.session->connection_opened();
  world.sent();
  REQUIRE(world.welcome());
  for (const Sent& record : world.sent(Kind::subscribe))
    REQUIRE(world.receive_plain(Kind::done, record.number, record.topic));
  CHECK(answers == std::vector<std::string>{"a ok", "b ok"});
  CHECK_FALSE(world.events.back().resubscribed);

  world.lose();
  world.session->connection_opened();
  world.sent();
  REQUIRE(world.welcome());
  CHECK(world.events.back().state == SessionState::connected);
  CHECK_FALSE(world.events.back().resubscribed);
  const auto asked = world.sent(Kind::subscribe);
  REQUIRE(asked.size() == 2);
  SECTION("all confirmed") {
    REQUIRE(world.receive_plain(Kind::done, asked[0].number, asked[0].topic));
    CHECK_FALSE(world.events.back().resubscribed);
    REQUIRE(world.receive_plain(Kind::done, asked[1].number, asked[1].topic));
    CHECK(world.events.back().resubscribed);
    CHECK(world.events.back().own_name == "anna");
    CHECK(world.events.back().broker_instance.substr(0, 2) == "02");
  }
  SECTION("one denied") {
    REQUIRE(world.receive([&](FrameWriter& w) {
      w.denied(asked[0].number, asked[0].topic, Code::no_permission, 0, "no more");
    }));
    REQUIRE(world.receive_plain(Kind::done, asked[1].number, asked[1].topic));
    CHECK_FALSE(world.events.back().resubscribed);
    CHECK(world.events.back().error->message == "subscribe to a/*: no more");
  }
  SECTION("one withdrawn meanwhile") {
    world.session->unsubscribe("a/*");
    REQUIRE(world.receive_plain(Kind::done, asked[0].number, asked[0].topic));
    REQUIRE(world.receive_plain(Kind::done, asked[1].number, asked[1].topic));
    CHECK(world.events.back().resubscribed);
  }
  CHECK(answers.size() == 2);
}

TEST_CASE("a reconnect with nothing to make again says so at once") {
  World world;
  world.connect();
  CHECK_FALSE(world.events.back().resubscribed);
  world.lose();
  world.connect();
  CHECK(world.events.back().resubscribed);
  CHECK(world.session->counters().reconnects == 1);
}

TEST_CASE("a permission taken away in a session is told, and asked for again in the next") {
  World world;
  world.connect();
  REQUIRE(world.subscribe("a/*"));
  const auto asked = world.sent(Kind::subscribe);
  REQUIRE(world.receive_plain(Kind::done, asked[0].number, "a/*"));
  REQUIRE(world.receive([&](FrameWriter& w) {
    w.denied(asked[0].number, "a/*", Code::no_permission, 0, "the list has changed");
  }));
  CHECK(world.events.back().state == SessionState::connected);
  CHECK(world.events.back().error->message == "subscribe to a/*: the list has changed");
  world.lose();
  world.session->connection_opened();
  world.sent();
  REQUIRE(world.welcome());
  CHECK(world.sent(Kind::subscribe).size() == 1);
}

TEST_CASE("a first denial is final, and goes to whoever asked or to the session") {
  World world;
  world.connect();
  std::vector<std::string> answers;
  REQUIRE(world.subscribe("a/*", [](const Delivery&) {}, into(answers, "a")));
  REQUIRE(world.subscribe("b/*"));
  for (const Sent& record : world.sent(Kind::subscribe))
    REQUIRE(world.receive(
        [&](FrameWriter& w) { w.denied(record.number, record.topic, Code::too_many, 0, ""); }));
  CHECK(answers == std::vector<std::string>{"a too_many"});
  CHECK(world.events.back().error->code == "too_many");
  CHECK(world.events.back().state == SessionState::connected);
  world.lose();
  world.connect();
  CHECK(world.sent().empty());
}
