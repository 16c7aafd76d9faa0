// The client against a broker that we can make misbehave: publish, subscribe, request.
#include <memory>
#include <optional>
#include <random>

#include "tests/unit/bus/client_house.hpp"

using namespace guild;
using namespace guild::bus;
using namespace guild::bus::test;

// ---- Publishing --------------------------------------------------------------------------------

TEST_CASE("an ack, a denial and silence are told apart, item by item") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  std::vector<std::string> denied;
  client->on_denied([&](std::string_view topic, std::uint64_t count, const Error& error) {
    denied.push_back(std::string(topic) + " " + std::to_string(count) + " " + error.code);
  });
  REQUIRE(connect(*client));
  std::vector<std::string> answers;
  const auto note = [&](const char* what) {
    return
        [&answers, what](const Result<void>& r) { answers.push_back(what + (": " + code_of(r))); };
  };
  REQUIRE(client->publish("a/b", "1", note("first")));
  REQUIRE(client->publish("a/b", "2"));
  REQUIRE(client->publish("forbidden/x", "3", note("third")));
  REQUIRE(client->publish("forbidden/x", "4", note("fourth")));
  REQUIRE(client->publish("forbidden/x", "5"));
  REQUIRE(client->publish("forbidden/x", "6"));
  REQUIRE(client->publish("forbidden/y", "7"));
  REQUIRE(client->publish("a/b", "8", note("eighth")));
  REQUIRE(run(*client, [&] { return answers.size() == 4 && denied.size() == 2; }));
  CHECK(answers == std::vector<std::string>{"first: ok", "third: no_permission",
                                            "fourth: no_permission", "eighth: ok"});
  CHECK(denied ==
        std::vector<std::string>{"forbidden/x 2 no_permission", "forbidden/y 1 no_permission"});
  CHECK(client->counters().denied == 5);
  CHECK(client->counters().published == 8);
}

TEST_CASE("what cannot be published is refused before it is queued") {
  House house;
  auto broker_options = house.broker();
  broker_options.payload_max = 1'000;
  FakeBroker broker(broker_options);
  auto options = house.client();
  options.outgoing_bytes_max = 10'000;
  auto client = make(options);
  REQUIRE(connect(*client));
  broker.return_credit = false;
  CHECK(code_of(client->publish("a//b", "x")) == "topic_invalid");
  CHECK(code_of(client->publish("a/*", "x")) == "topic_invalid");
  CHECK(code_of(client->publish("a/b", std::string(1'001, 'x'))) == "payload_too_large");
  CHECK(code_of(client->publish("a/b", std::string(1'000, 'x'))) == "ok");
  Result<void> full;
  int taken = 1;
  while ((full = client->publish("a/b", std::string(900, 'x')))) ++taken;
  CHECK(full.error().code == "queue_full");
  CHECK(full.error().kind == ErrorKind::exhausted);
  REQUIRE(run(*client, [&] { return broker.items == static_cast<std::uint64_t>(taken); }));
  CHECK(code_of(client->publish("a/b", "there is space again")) == "ok");
}

TEST_CASE("a publisher stops when its credit is used up, and goes on when more comes") {
  House house;
  auto broker_options = house.broker();
  SECTION("bytes") { broker_options.credit_bytes = 10'000; }
  SECTION("messages") { broker_options.credit_messages = 100; }
  FakeBroker broker(broker_options);
  broker.return_credit = false;
  auto client = make(house.client());
  REQUIRE(connect(*client));
  std::uint64_t published = 0;
  while (client->publish_room() > 0) {
    REQUIRE(client->publish("a/b", std::string(100, 'x')));
    ++published;
  }
  bool room = false;
  client->on_room([&] { room = true; });
  for (int i = 0; i < 1000; ++i, ++published)
    REQUIRE(client->publish("a/b", std::string(100, 'x')));
  CHECK_FALSE(run(*client, [&] { return room; }, 100ms));
  CHECK(broker.items < published);
  CHECK(client->publish_room() == 0);

  broker.return_credit = true;
  FrameWriter grant;
  grant.credit(Kind::credit_grant, 100'000, 10'000);
  broker.inject(std::string(grant.frame()));
  REQUIRE(run(*client, [&] { return broker.items == published; }));
  REQUIRE(run(*client, [&] { return room; }));
  CHECK(client->publish_room() > 0);
  CHECK(broker.out_of_order == 0);
}

TEST_CASE("a client that may not publish can still ask and answer") {
  House house;
  auto broker_options = house.broker();
  broker_options.credit_bytes = 100'000;
  FakeBroker broker(broker_options);
  broker.hold_publish_credit = true;
  auto client = make(house.client());
  REQUIRE(client->serve(
      "svc/echo", [](std::string_view payload, Responder responder) { responder.reply(payload); }));
  REQUIRE(client->wait_connected(5s));
  for (int i = 0; i < 5'000; ++i) REQUIRE(client->publish("a/b", std::string(100, 'x')));
  for (int i = 0; i < 2'000; ++i)
    REQUIRE(client->request_and_wait("svc/echo", std::string(100, 'y'), 5s).has_value());
  CHECK(broker.items < 5'000);
  CHECK(client->publish_room() == 0);
}

TEST_CASE("a burst shares frames, and a lone item does not wait") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  REQUIRE(connect(*client));
  for (int i = 0; i < 1000; ++i) REQUIRE(client->publish("a/b", "0123456789"));
  REQUIRE(run(*client, [&] { return broker.items == 1000; }));
  CHECK(broker.data_frames <= 3);
  REQUIRE(client->publish("a/b", "alone"));
  REQUIRE(run(*client, [&] { return broker.items == 1001; }));
}

TEST_CASE("the largest payload passes, alone in its frame") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  std::size_t got = 0;
  REQUIRE(client->subscribe("a/b", [&](const Delivery& d) { got = d.payload.size(); }));
  REQUIRE(connect(*client));
  REQUIRE(client->publish("a/b", std::string(payload_bytes_max, 'x')));
  CHECK(code_of(client->publish("a/b", std::string(payload_bytes_max + 1, 'x'))) ==
        "payload_too_large");
  REQUIRE(run(*client, [&] { return got == payload_bytes_max; }));
}

// ---- Subscribing -------------------------------------------------------------------------------

TEST_CASE("a delivery says who, what, when, and under which permissions") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  std::vector<std::string> got;
  REQUIRE(client->subscribe("a/**", [&](const Delivery& d) {
    got.push_back(std::string(d.topic) + " " + std::string(d.sender) + " " +
                  std::to_string(d.sequence) + " " + std::to_string(d.time.ns) + " " +
                  std::to_string(d.epoch) + " " + std::string(d.payload));
  }));
  REQUIRE(connect(*client));
  REQUIRE(client->publish("a/b", "x"));
  REQUIRE(client->publish("b/b", "not for us"));
  REQUIRE(client->publish("a/b/c", ""));
  REQUIRE(run(*client, [&] { return got.size() == 2; }));
  CHECK(got[0] == "a/b tester 1 1000 7 x");
  CHECK(got[1] == "a/b/c tester 3 1000 7 ");
}

TEST_CASE("a denied subscription says why and is gone") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  REQUIRE(client->wait_connected(5s));
  const auto denied = client->subscribe_and_wait("forbidden/x", [](const Delivery&) {}, 5s);
  CHECK(denied.error().code == "no_permission");
  CHECK(denied.error().kind == ErrorKind::denied);
  CHECK(denied.error().message == "subscribe to forbidden/x: not on the list");
  CHECK(client->subscribe("a/**/b", [](const Delivery&) {}).error().code == "topic_invalid");
  CHECK(client->subscribe_and_wait("a/b", [](const Delivery&) {}, 5s).has_value());
}

TEST_CASE("overlapping subscriptions each get an item once; after unsubscribe, none") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  int narrow = 0, wide = 0, twin = 0;
  REQUIRE(client->subscribe("a/b", [&](const Delivery&) { ++narrow; }));
  REQUIRE(client->subscribe("a/*", [&](const Delivery&) { ++wide; }));
  REQUIRE(client->subscribe("a/b", [&](const Delivery&) { ++twin; }));
  REQUIRE(connect(*client));
  REQUIRE(client->publish("a/b", "x"));
  REQUIRE(run(*client, [&] { return narrow + wide + twin == 3; }));
  client->unsubscribe("a/b");
  REQUIRE(client->publish("a/b", "y"));
  REQUIRE(run(*client, [&] { return wide == 2; }));
  CHECK(narrow == 1);
  CHECK(twin == 1);
}

TEST_CASE("a gap is reported where it happened") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  std::vector<std::string> seen;
  REQUIRE(client->subscribe_and_wait(
      "a/*", [&](const Delivery& d) { seen.emplace_back(d.payload); }, 5s,
      [&](const GapNotice& gap) {
        seen.push_back(std::to_string(gap.first) + "-" + std::to_string(gap.last) + " " +
                       std::to_string(gap.count) + " " + std::string(gap.reason));
      }));
  FrameWriter writer;
  const std::string item("\1\0\0\0x", 5);
  writer.deliver_run(1, 1, "a/b", "anna", 5, 1, item);
  writer.gap(2, "a/b", "anna", {.last = 9, .count = 7, .reason = Code::dropped_oldest});
  writer.deliver_run(10, 1, "a/b", "anna", 5, 1, item);
  broker.inject(std::string(writer.frame()));
  REQUIRE(run(*client, [&] { return seen.size() == 3; }));
  CHECK(seen == std::vector<std::string>{"x", "2-9 7 dropped_oldest", "x"});
  CHECK(client->counters().gap_items == 7);
}

TEST_CASE("credit is returned for what was consumed, exactly, also when all is quiet") {
  House house;
  FakeBroker broker(house.broker());
  auto options = house.client();
  options.receive_credit_bytes = 40'000;
  auto client = make(options);
  int got = 0;
  REQUIRE(client->subscribe("a/b", [&](const Delivery&) { ++got; }));
  REQUIRE(connect(*client));
  for (int i = 0; i < 777; ++i) REQUIRE(client->publish("a/b", std::string(100, 'x')));
  REQUIRE(run(*client, [&] { return got == 777; }));
  REQUIRE(run(*client, [&] { return broker.credited_messages == 777; }, 1s));
  CHECK(broker.credited_bytes == broker.sent_bytes);
}

// ---- Requests ----------------------------------------------------------------------------------

TEST_CASE("a request gets exactly one answer: reply, the responder's error, or the bus's") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  REQUIRE(client->serve("svc/*", [&](std::string_view payload, Responder responder) {
    CHECK(responder.sender() == "tester");
    CHECK(responder.epoch() == 7);
    CHECK(responder.wanted());
    if (responder.name() == "svc/echo") responder.reply(payload);
    if (responder.name() == "svc/error")
      responder.reply_error({ErrorKind::funds, "funds_short", "only \"3\" left\n", "earn more"});
    if (responder.name() == "svc/twice") {
      responder.reply("first");
      responder.reply("second");
      CHECK_FALSE(responder.wanted());
    }
    if (responder.name() == "svc/huge") responder.reply(std::string(payload_bytes_max + 1, 'x'));
  }));
  REQUIRE(client->wait_connected(5s));

  CHECK(client->request_and_wait("svc/echo", "hello", 2s).value() == "hello");
  CHECK(client->request_and_wait("svc/echo", "", 2s).value().empty());
  CHECK(client->request_and_wait("svc/twice", "", 2s).value() == "first");
  const auto error = client->request_and_wait("svc/error", "", 2s);
  CHECK(error.error() == Error{ErrorKind::funds, "funds_short",
                               "request svc/error: only \"3\" left\\n", "earn more"});
  CHECK(client->request_and_wait("svc/dropped", "", 2s).error().code == "unanswered");
  CHECK(client->request_and_wait("svc/huge", "", 2s).error().code == "payload_too_large");
  const auto nobody = client->request_and_wait("nobody/home", "", 2s);
  CHECK(nobody.error().code == "no_responder");
  CHECK(nobody.error().kind == ErrorKind::unavailable);
  CHECK(client->request_and_wait("gone/x", "", 2s).error().code == "responder_gone");
  CHECK(client->request_and_wait("bad//name", "", 2s).error().code == "topic_invalid");
  CHECK(client->request_and_wait("svc/echo", "", 0s).error().code == "deadline_invalid");
  CHECK(client->request_and_wait("svc/echo", "", 601s).error().code == "deadline_invalid");
  CHECK(client->request_and_wait("svc/echo", std::string(payload_bytes_max + 1, 'x'), 1s)
            .error()
            .code == "payload_too_large");
  CHECK(client->serve("svc/*", [](std::string_view, Responder) {}).error().code ==
        "already_served");
  CHECK(broker.out_of_order == 0);
}

TEST_CASE("when the broker keeps no deadline, the client's own clock does") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  REQUIRE(client->wait_connected(5s));
  const auto start = Clock::now();
  const auto late = client->request_and_wait("slow/x", "", 50ms);
  CHECK(late.error().code == "timeout");
  CHECK(late.error().kind == ErrorKind::timeout);
  CHECK(Clock::now() - start >= 50ms);
  CHECK(Clock::now() - start < 2s);
  REQUIRE(run(*client, [&] { return broker.cancels == 1; }));
}

TEST_CASE("an answer may come later, from outside the callback, and wakes the loop") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  std::optional<Responder> kept;
  REQUIRE(client->serve(
      "svc/later", [&](std::string_view, Responder responder) { kept = std::move(responder); }));
  REQUIRE(connect(*client));
  std::string reply;
  REQUIRE(client->request("svc/later", "", 5s, [&](Result<std::string> r) { reply = text_of(r); }));
  REQUIRE(run(*client, [&] { return kept.has_value(); }));
  CHECK_FALSE(run(*client, [&] { return !reply.empty(); }, 50ms));
  SECTION("with a reply") {
    kept->reply("late");
    REQUIRE(run(*client, [&] { return !reply.empty(); }));
    CHECK(reply == "late");
  }
  SECTION("by being dropped") {
    kept.reset();
    REQUIRE(run(*client, [&] { return !reply.empty(); }));
    CHECK(reply == "error unanswered");
  }
  SECTION("or never, when nobody waits any more") {
    FrameWriter writer;
    writer.plain(Kind::cancelled, 1);
    broker.inject(std::string(writer.frame()));
    REQUIRE(run(*client, [&] { return !kept->wanted(); }));
    kept->reply("late");
    CHECK_FALSE(run(*client, [&] { return broker.replies > 0; }, 50ms));
  }
}

TEST_CASE("a responder that outlives its session or its client is harmless") {
  House house;
  auto broker = std::make_unique<FakeBroker>(house.broker());
  auto client = make(house.client());
  std::vector<Responder> kept;
  REQUIRE(client->serve("svc/x", [&](std::string_view, Responder responder) {
    kept.push_back(std::move(responder));
  }));
  const auto ask = [&] {
    const std::size_t before = kept.size();
    REQUIRE(client->request("svc/x", "", 5s, [](const Result<std::string>&) {}));
    REQUIRE(run(*client, [&] { return kept.size() > before; }));
  };
  REQUIRE(connect(*client));
  ask();
  broker.reset();
  REQUIRE(run(*client, [&] { return !client->connected(); }));
  broker = std::make_unique<FakeBroker>(house.broker());
  REQUIRE(connect(*client));
  ask();  // The same request number as before the restart.
  ask();
  CHECK_FALSE(kept[0].wanted());
  kept[0].reply("to nobody");
  CHECK_FALSE(run(*client, [&] { return broker->replies > 0; }, 50ms));
  client.reset();
  CHECK_FALSE(kept[1].wanted());
  kept[1].reply("to nobody");
  Responder moved = std::move(kept[2]);
  kept.clear();
  CHECK(moved.name() == "svc/x");
}
