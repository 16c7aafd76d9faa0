// The session without a socket: frames and times in, frames and callbacks out.
#include "common/bus/session.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <map>

#include "tests/unit/bus/frames_of_every_kind.hpp"

using namespace guild;
using namespace guild::bus;
using namespace std::chrono_literals;
using guild::bus::test::items_of;

namespace {

/// What the session sent, in a form that outlives the frame.
struct Sent {
  Kind kind{};
  std::uint64_t number = 0;
  std::string topic, body;
};

class World {
 public:
  explicit World(std::uint32_t credit_messages = 1'000, std::uint64_t credit_bytes = 100'000)
      : session(
            std::make_shared<Session>(Session::Options{.expected_name = "tester",
                                                       .receive_credit_messages = credit_messages,
                                                       .receive_credit_bytes = credit_bytes,
                                                       .outgoing_bytes_max = 1U << 20U,
                                                       .on_output = [this] { ++outputs; }})) {
    session->on_session = [this](const SessionEvent& event) { events.push_back(event); };
  }

  /// The records that left since the last call.
  std::vector<Sent> sent() {
    std::vector<Sent> records;
    Outbox& outbox = session->outbox();
    for (auto frame = outbox.next(); !frame.empty(); frame = outbox.next()) {
      FrameReader reader(frame);
      while (const auto record = reader.next())
        records.push_back(
            {record->kind, record->number, std::string(record->topic), std::string(record->body)});
      outbox.sent();
    }
    return records;
  }
  std::vector<Sent> sent(Kind kind) {
    auto records = sent();
    std::erase_if(records, [&](const Sent& record) { return record.kind != kind; });
    return records;
  }

  Result<void> receive(const std::function<void(FrameWriter&)>& write) {
    FrameWriter writer;
    write(writer);
    return session->receive(writer.frame(), now);
  }
  Result<void> receive_plain(Kind kind, std::uint64_t number, std::string_view topic = {},
                             std::string_view body = {}) {
    return receive([&](FrameWriter& writer) { writer.plain(kind, number, topic, body); });
  }
  Result<void> welcome(std::uint64_t credit_bytes = 1U << 20U) {
    Welcome welcome;
    welcome.credit_bytes = credit_bytes;
    welcome.credit_messages = 10'000;
    welcome.instance[0] = ++instances;
    return receive([&](FrameWriter& writer) { writer.welcome("anna", welcome); });
  }
  void connect() {
    session->connection_opened();
    REQUIRE(welcome().has_value());
    sent();
  }
  void lose() {
    session->connection_lost({.error = Error{ErrorKind::unavailable, "session_lost", "lost", ""}});
  }
  Result<void> subscribe(
      std::string pattern, OnDelivery deliver = [](const Delivery&) {}, OnDone confirmed = {}) {
    Standing standing;
    standing.kind = Kind::subscribe;
    standing.pattern = std::move(pattern);
    standing.deliver = std::move(deliver);
    standing.confirmed = std::move(confirmed);
    GUILD_CHECK(session->stand(std::move(standing)));
    return {};
  }

  std::shared_ptr<Session> session;
  std::deque<SessionEvent> events;
  Monotonic now{std::chrono::hours(1)};
  int outputs = 0;
  std::uint8_t instances = 0;
};

OnDone into(std::vector<std::string>& answers, const std::string& what) {
  return [&answers, what](const Result<void>& result) {
    answers.push_back(what + " " + (result ? "ok" : result.error().code));
  };
}

std::string malformed(const Result<void>& result) { return result ? "ok" : result.error().code; }

}  // namespace

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
  for (int i = 0; i < 2; ++i) {
    Standing standing;
    standing.kind = Kind::watch;
    standing.pattern = "a/b";
    standing.changed = [&](const std::vector<std::string>& names) {
      std::string line = "|";
      for (const auto& name : names) line += name + "|";
      seen.push_back(line);
    };
    REQUIRE(world.session->stand(std::move(standing)).has_value());
  }
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
