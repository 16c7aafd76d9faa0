// The session without a socket: subscriptions, credit, requests, presence, and any frame at all.
#include <map>

#include "tests/unit/bus/session_world.hpp"

using namespace guild;
using namespace guild::bus;
using namespace guild::bus::test;
using namespace std::chrono_literals;

TEST_CASE(
    "unsubscribe while the confirmation is on its way: no callback, then a fresh start works") {
  World world;
  world.connect();
  std::vector<std::string> answers;
  REQUIRE(world.subscribe("a/b", [](const Delivery&) {}, into(answers, "first")));
  world.session->unsubscribe("a/b");
  REQUIRE(world.subscribe("a/b", [](const Delivery&) {}, into(answers, "second")));
  const auto asked = world.sent();
  REQUIRE(asked.size() == 3);
  CHECK(asked[1].kind == Kind::unsubscribe);
  for (const Sent& record : asked) REQUIRE(world.receive_plain(Kind::done, record.number, "a/b"));
  CHECK(answers == std::vector<std::string>{"second ok"});
}

TEST_CASE("the broker is asked to unsubscribe once, when the last with the pattern goes") {
  World world;
  world.connect();
  REQUIRE(world.subscribe("a/b"));
  REQUIRE(world.subscribe("a/b"));
  REQUIRE(world.subscribe("a/c"));
  world.sent();
  world.session->unsubscribe("a/b");
  world.session->unsubscribe("never/seen");
  const auto sent = world.sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].kind == Kind::unsubscribe);
  CHECK(sent[0].topic == "a/b");
}

TEST_CASE("credit goes back at a quarter of the window, or when it has been quiet for a while") {
  World world(/*credit_messages=*/100, /*credit_bytes=*/1U << 30U);
  world.connect();
  REQUIRE(world.subscribe("a/b"));
  world.sent();
  const auto deliver = [&](std::uint64_t sequence, std::uint32_t count) {
    REQUIRE(world.receive([&](FrameWriter& w) {
      w.deliver_run(sequence, count, "a/b", "bert", 1, 1,
                    items_of(std::vector<std::string>(count, "x")));
    }));
  };
  deliver(1, 24);
  CHECK(world.sent().empty());
  deliver(25, 1);
  auto credit = world.sent(Kind::credit);
  REQUIRE(credit.size() == 1);
  CHECK(read_u32(credit[0].body) == 25U);
  CHECK(credit[0].number == (16 + 3 + 4 + 12 + 24 * 5) + (16 + 3 + 4 + 12 + 5));

  deliver(26, 3);
  CHECK(world.sent().empty());
  REQUIRE(world.session->deadline() == world.now + Session::credit_idle);
  world.session->advance(world.now + Session::credit_idle - 1ns);
  CHECK(world.sent().empty());
  world.session->advance(world.now + Session::credit_idle);
  credit = world.sent(Kind::credit);
  REQUIRE(credit.size() == 1);
  CHECK(read_u32(credit[0].body) == 3U);
  CHECK_FALSE(world.session->deadline().has_value());
}

TEST_CASE("gaps, requests and replies cost credit as well; what has no subscriber does too") {
  World world(/*credit_messages=*/16);
  world.connect();
  std::string reply;
  REQUIRE(world.session->request(
      "s/x", "q", 1s, [&](const Result<std::string>& r) { reply = r.value(); }, world.now));
  const auto asked = world.sent(Kind::request);
  REQUIRE(world.receive([&](FrameWriter& w) {
    w.deliver_run(1, 1, "no/subscriber", "bert", 1, 1, items_of({"x"}));
    w.gap(2, "no/subscriber", "bert", {.last = 9, .count = 8, .reason = Code::dropped_oldest});
    w.request_delivery(1, "nobody/serves", "bert", 100, 1, "q");
    w.reply(Kind::reply_delivery, asked[0].number, "s/x", "bert", false, "r");
  }));
  CHECK(reply == "r");
  const auto sent = world.sent();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].kind == Kind::credit);
  CHECK(read_u32(sent[0].body) == 4U);
  CHECK(sent[1].kind == Kind::reply);  // "does not serve"
}

TEST_CASE("a request that the broker never answers times out here, once") {
  World world;
  world.connect();
  std::vector<std::string> answers;
  const auto note = [&](const Result<std::string>& r) {
    answers.push_back(r ? *r : r.error().code);
  };
  REQUIRE(world.session->request("s/late", "q", 1500us, note, world.now));  // Rounded up to 2 ms.
  const auto asked = world.sent(Kind::request);
  CHECK(read_request(asked[0].body)->deadline_ms == 2);
  const Monotonic end = world.now + 2ms + Session::broker_grace;
  CHECK(world.session->deadline() == end);
  world.session->advance(end - 1ns);
  CHECK(answers.empty());
  world.session->advance(end);
  CHECK(answers == std::vector<std::string>{"timeout"});
  const auto cancel = world.sent(Kind::cancel);
  REQUIRE(cancel.size() == 1);
  CHECK(cancel[0].number == asked[0].number);
  REQUIRE(world.receive([&](FrameWriter& w) {
    w.reply(Kind::reply_delivery, asked[0].number, "s/late", "bert", false, "late");
  }));
  CHECK(answers.size() == 1);
  CHECK(world.session->deadline().has_value());  // Only the credit for the late reply.
}

TEST_CASE("deadlines of answered requests are forgotten") {
  World world;
  world.connect();
  int answered = 0;
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(world.session->request(
        "s/x", "q", 10min, [&](const Result<std::string>&) { ++answered; }, world.now));
    const auto asked = world.sent(Kind::request);
    REQUIRE(world.receive([&](FrameWriter& w) {
      w.refusal(Kind::failed, asked[0].number, "s/x", Code::no_responder, "");
    }));
  }
  CHECK(answered == 10'000);
  CHECK_FALSE(world.session->deadline().has_value());
}

TEST_CASE("presence is told to every watcher of the topic") {
  World world;
  world.connect();
  std::vector<std::string> seen;
  const auto watch = [&] {
    Standing standing;
    standing.kind = Kind::watch;
    standing.pattern = "a/b";
    standing.changed = [&](const std::vector<std::string>& names) {
      std::string line = "|";
      for (const auto& name : names) line += name + "|";
      seen.push_back(line);
    };
    return world.session->stand(std::move(standing)).has_value();
  };
  REQUIRE(watch());
  REQUIRE(watch());
  REQUIRE(world.receive_plain(Kind::presence, 1, "a/b", "anna\nbert"));
  REQUIRE(world.receive_plain(Kind::presence, 1, "a/b", ""));
  REQUIRE(world.receive_plain(Kind::presence, 1, "a/other", "anna"));
  CHECK(seen == std::vector<std::string>{"|anna|bert|", "|anna|bert|", "|", "|"});
}

TEST_CASE("failed attempts are announced when the reason changes, not each time") {
  World world;
  const auto fail_with = [&](const char* code, bool refused = false) {
    world.session->connection_opened();
    world.session->connection_lost(
        {.error = Error{ErrorKind::unavailable, code, code, ""}, .refused = refused});
  };
  const auto fail_uncertainly = [&] {
    world.session->connection_opened();
    world.session->connection_lost({});
  };
  fail_with("broker_unreachable");
  fail_with("broker_unreachable");
  fail_uncertainly();
  fail_with("broker_unreachable");
  CHECK(world.events.size() == 1);
  fail_with("not_authorized", true);
  fail_with("not_authorized", true);
  CHECK(world.events.size() == 2);
  CHECK(world.events.back().state == SessionState::refused);
  CHECK(world.session->last_error()->code == "not_authorized");
  world.connect();
  CHECK_FALSE(world.session->last_error().has_value());
  world.lose();
  fail_with("broker_unreachable");
  CHECK(world.events.size() == 5);
}

TEST_CASE("a client holds no more than its limits") {
  World world;
  world.connect();
  for (std::size_t i = 0; i < Session::standing_max; ++i)
    REQUIRE(world.subscribe("a/" + std::to_string(i)).has_value());
  const auto one_more = world.subscribe("a/b");
  CHECK(one_more.error().code == "too_many");
  CHECK(one_more.error().kind == ErrorKind::exhausted);
}

TEST_CASE("room is announced when it comes back, and only then") {
  World world;
  int announced = 0;
  world.session->on_room = [&] { ++announced; };
  world.session->connection_opened();
  world.sent();
  REQUIRE(world.welcome(/*credit_bytes=*/100));
  CHECK(announced == 1);
  const auto grant = [&](std::uint64_t bytes) {
    REQUIRE(world.receive([&](FrameWriter& w) { w.credit(Kind::credit_grant, bytes, 1); }));
  };
  grant(10);
  CHECK(announced == 1);
  REQUIRE(world.session->publish("a/b", std::string(200, 'x'), {}));
  CHECK(world.session->publish_room() == 0);
  grant(10);
  CHECK(announced == 1);
  grant(500);
  CHECK(announced == 2);
  world.lose();
  CHECK(world.session->publish_room() == 0);
  world.connect();
  CHECK(announced == 3);
}

TEST_CASE("no frame, however mutated, does more than end the session") {
  std::uint64_t random = 42;
  const auto next = [&] {
    random = random * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return random >> 33U;
  };
  const auto frames = test::frames_of_every_kind();
  int ended = 0, survived = 0;
  for (int round = 0; round < 3'000; ++round) {
    World world;
    world.connect();
    REQUIRE(world.subscribe("prices/*"));
    REQUIRE(world.session->publish("a/b", "x", [](const Result<void>&) {}));
    for (int i = 0; i < 4; ++i) {
      std::string bytes = frames[next() % frames.size()].bytes;
      bytes[next() % bytes.size()] = static_cast<char>(next());
      const auto result = world.session->receive(bytes, world.now);
      ++(result ? survived : ended);
      if (!result) {
        world.lose();
        break;
      }
    }
  }
  CHECK(ended > 100);
  CHECK(survived > 100);
}
