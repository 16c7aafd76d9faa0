// The client against a broker that we can make misbehave: connecting, refusals, a lost broker.
#include <memory>
#include <optional>
#include <random>

#include "tests/unit/bus/client_house.hpp"

using namespace guild;
using namespace guild::bus;
using namespace guild::bus::test;

// ---- Connecting --------------------------------------------------------------------------------

TEST_CASE("a client is connected once it has WELCOME, and knows its name") {
  House house;
  FakeBroker broker([&] {
    auto options = house.broker();
    options.name = "anna";
    return options;
  }());
  auto client = make(house.client());
  Events events(*client);
  CHECK_FALSE(client->connected());
  CHECK(code_of(client->publish("a", "x")) == "not_connected");
  CHECK(client->publish_room() == 0);

  REQUIRE(connect(*client));
  CHECK(client->own_name() == "anna");
  REQUIRE(events.seen.size() == 1);
  CHECK(events.seen[0].state == SessionState::connected);
  CHECK(events.seen[0].own_name == "anna");
  CHECK(events.seen[0].broker_instance.size() == 32);
  CHECK_FALSE(events.seen[0].resubscribed);
  CHECK(client->publish_room() > 0);
  CHECK(broker.before_hello == 0);
}

TEST_CASE("without WELCOME a client is not connected") {
  House house;
  auto options = house.broker();
  options.welcome = false;
  FakeBroker broker(options);
  auto client = make(house.client());
  CHECK(run(*client, [&] { return broker.sessions == 1; }));
  CHECK_FALSE(run(*client, [&] { return client->connected(); }, 100ms));
}

TEST_CASE("a wrong server key is named within two seconds") {
  House house;
  FakeBroker broker(house.broker());
  auto options = house.client();
  options.credentials.broker_public_key = make_keys().public_key;
  auto client = make(options);
  Events events(*client);
  const auto start = Clock::now();
  REQUIRE(run(*client, [&] { return events.has(SessionState::refused); }, 2s));
  CHECK(Clock::now() - start < 2s);
  const SessionEvent* event = events.with_code("wrong_server_key");
  REQUIRE(event != nullptr);
  CHECK(event->error->kind == ErrorKind::denied);
  CHECK_FALSE(event->error->next_step.empty());
}

TEST_CASE("a key that is not on the list is refused by name, with the next step") {
  House house;
  auto broker_options = house.broker();
  broker_options.refuse_keys = true;
  FakeBroker broker(broker_options);
  auto options = house.client();
  options.give_up_when_refused = true;
  auto client = make(options);
  Events events(*client);

  const auto start = Clock::now();
  const auto connected = client->wait_connected(5s);
  CHECK(Clock::now() - start < 2s);  // It does not wait for a miracle.
  REQUIRE_FALSE(connected.has_value());
  CHECK(connected.error().code == "not_authorized");
  CHECK(connected.error().kind == ErrorKind::denied);
  CHECK(connected.error().message == "the broker refused the key of tester: it is not on its list");
  CHECK(connected.error().next_step == "guild keys list, guild keys add tester");
  CHECK(events.has(SessionState::refused));
  CHECK(broker.sessions == 0);
}

TEST_CASE("nothing listens: it says so once, and connects when the broker comes") {
  House house;
  auto client = make(house.client());
  Events events(*client);
  REQUIRE(run(*client, [&] { return !events.seen.empty(); }, 1s));
  REQUIRE(events.seen[0].error.has_value());
  CHECK(events.seen[0].error->code == "broker_unreachable");
  CHECK(events.seen[0].error->kind == ErrorKind::unavailable);
  CHECK(events.seen[0].error->message == "nothing listens at " + house.endpoint());
  CHECK_FALSE(run(*client, [&] { return events.seen.size() > 1; }, 300ms));
  CHECK(client->publish("a", "x").error().message.find("nothing listens") != std::string::npos);

  FakeBroker broker(house.broker());
  REQUIRE(connect(*client));
  CHECK(events.seen.back().state == SessionState::connected);
  CHECK_FALSE(events.seen.back().resubscribed);
}

TEST_CASE("waiting for a session ends at its limit, with the cause") {
  House house;
  auto client = make(house.client());
  const auto start = Clock::now();
  const auto connected = client->wait_connected(120ms);
  const auto took = Clock::now() - start;
  CHECK(connected.error().code == "broker_unreachable");
  CHECK(took >= 120ms);
  CHECK(took < 1s);
}

TEST_CASE("a client that cannot work is not made") {
  House house;
  const auto code_with = [&](std::string endpoint) {
    auto options = house.client();
    options.endpoint = std::move(endpoint);
    const auto client = Client::make(options);
    return client ? "made" : client.error().code;
  };
  CHECK(code_with("http://x") == "endpoint_invalid");
  CHECK(code_with("ipc://") == "endpoint_invalid");
  CHECK(code_with("tcp://nowhere") == "endpoint_invalid");
  CHECK(code_with("tcp://127.0.0.1:") == "endpoint_invalid");
  CHECK(code_with("ipc:///" + std::string(200, 'x')) == "endpoint_invalid");
  auto options = house.client();
  options.receive_credit_bytes = 0;
  CHECK(Client::make(options).error().code == "credit_zero");
}

TEST_CASE("it works over tcp too") {
  House house;
  auto broker_options = house.broker();
  broker_options.endpoint = "tcp://127.0.0.1:*";
  FakeBroker broker(broker_options);
  auto options = house.client();
  options.endpoint = broker.endpoint();
  auto client = make(options);
  REQUIRE(client->wait_connected(5s).has_value());
  CHECK(client->publish_and_wait("a/b", "x", 5s).has_value());
}

// ---- A lost broker -----------------------------------------------------------------------------

TEST_CASE("after a restart of the broker everything is made again, then it says so") {
  House house;
  auto broker = std::make_unique<FakeBroker>(house.broker());
  auto client = make(house.client());
  Events events(*client);
  std::vector<std::string> got;
  int confirmed = 0, presence = 0;
  const auto count = [&](const Result<void>& result) { confirmed += result ? 1 : 100; };
  REQUIRE(client->subscribe("a/*", [&](const Delivery& d) { got.emplace_back(d.payload); }, count));
  REQUIRE(client->subscribe("b/**", [&](const Delivery&) {}, count));
  REQUIRE(client->serve(
      "tester/echo",
      [](std::string_view payload, Responder responder) { responder.reply(payload); }, count));
  REQUIRE(client->watch("a/x", [&](const auto&) { ++presence; }));
  REQUIRE(run(*client, [&] { return confirmed == 3 && presence == 1; }));
  const std::string first_instance = events.seen.back().broker_instance;

  broker.reset();
  REQUIRE(run(*client, [&] { return !client->connected(); }, 1s));
  REQUIRE(events.with_code("session_lost") != nullptr);
  broker = std::make_unique<FakeBroker>(house.broker());
  REQUIRE(run(*client, [&] { return events.resubscribed(); }));

  CHECK(client->connected());
  CHECK(events.seen.back().resubscribed);
  CHECK(events.seen.back().broker_instance != first_instance);
  CHECK(broker->asked() == std::vector<std::string>{"subscribe a/*", "subscribe b/**",
                                                    "serve tester/echo", "watch a/x"});
  CHECK(confirmed == 3);  // Confirmed once each, not again.
  CHECK(broker->before_hello == 0);
  CHECK(client->counters().reconnects == 1);

  REQUIRE(client->publish("a/x", "again"));
  std::string reply;
  REQUIRE(client->request("tester/echo", "ping", 2s,
                          [&](Result<std::string> r) { reply = text_of(r); }));
  REQUIRE(run(*client, [&] { return got.size() == 1 && !reply.empty() && presence == 2; }));
  CHECK(got[0] == "again");
  CHECK(reply == "ping");
}

TEST_CASE(
    "what waited for an answer learns that the session was lost, and nothing leaks into the next") {
  House house;
  auto broker_options = house.broker();
  broker_options.credit_bytes = 2'000;
  auto broker = std::make_unique<FakeBroker>(broker_options);
  broker->ack = false;
  broker->return_credit = false;
  auto client = make(house.client());
  Events events(*client);
  REQUIRE(connect(*client));

  std::map<std::string, int> answers;
  const auto note = [&](const Result<void>& result) { ++answers[code_of(result)]; };
  std::string reply;
  REQUIRE(
      client->request("slow/one", "x", 60s, [&](Result<std::string> r) { reply = text_of(r); }));
  for (int i = 0; i < 100; ++i) REQUIRE(client->publish("a/b", std::string(1000, 'x'), note));
  for (int i = 0; i < 10; ++i) REQUIRE(client->publish("a/c", std::string(1000, 'x')));
  REQUIRE(run(*client, [&] { return broker->items > 0; }));
  CHECK(client->publish_room() == 0);

  broker.reset();
  REQUIRE(run(*client, [&] { return !client->connected(); }, 1s));
  CHECK(answers == std::map<std::string, int>{{"session_lost", 100}});
  CHECK(reply == "error session_lost");
  CHECK(events.with_code("session_lost")->unknown_acks == 100);
  CHECK(client->counters().unknown_acks == 100);
  CHECK(client->counters().dropped_unsent > 0);

  broker = std::make_unique<FakeBroker>(house.broker());
  REQUIRE(connect(*client));
  REQUIRE(client->publish("a/b", "fresh"));
  REQUIRE(run(*client, [&] { return broker->items > 0; }));
  CHECK(broker->payloads() == std::vector<std::string>{"fresh"});
  CHECK(broker->before_hello == 0);
  CHECK(broker->out_of_order == 0);
}

TEST_CASE(
    "a subscription that is denied when it is made again is told, and kept for the next time") {
  House house;
  auto broker = std::make_unique<FakeBroker>(house.broker());
  auto client = make(house.client());
  Events events(*client);
  int confirmed = 0;
  REQUIRE(
      client->subscribe("a/b", [](const Delivery&) {}, [&](const Result<void>&) { ++confirmed; }));
  REQUIRE(run(*client, [&] { return confirmed == 1; }));
  broker.reset();
  REQUIRE(run(*client, [&] { return !client->connected(); }));
  auto options = house.broker();
  broker = std::make_unique<FakeBroker>(options);
  broker->deny_subscriptions = true;
  REQUIRE(run(*client, [&] { return events.with_code("no_permission") != nullptr; }));
  CHECK(events.with_code("no_permission")->error->message == "subscribe to a/b: not on the list");
  CHECK_FALSE(events.resubscribed());
  broker.reset();
  REQUIRE(run(*client, [&] { return !client->connected(); }));
  broker = std::make_unique<FakeBroker>(house.broker());
  REQUIRE(run(*client, [&] { return events.resubscribed(); }));
}

TEST_CASE("a frame that cannot be read ends the session with its name, and a new one begins") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  Events events(*client);
  REQUIRE(connect(*client));
  FrameWriter writer;
  writer.ack(1, 1);

  SECTION("truncated") { broker.inject(std::string(writer.frame().substr(0, 15))); }
  SECTION("of a kind that only clients send") {
    broker.inject([] {
      FrameWriter wrong;
      wrong.plain(Kind::goodbye, 0);
      return std::string(wrong.frame());
    }());
  }
  SECTION("an ack for nothing") { broker.inject(std::string(writer.frame())); }
  SECTION("two parts") { broker.inject(std::string(writer.frame()), true); }
  REQUIRE(run(*client, [&] { return events.with_code("malformed_frame") != nullptr; }));
  REQUIRE(run(*client, [&] { return broker.sessions == 2 && client->connected(); }));
}

TEST_CASE("a refusal by the broker ends the session with its code") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  Events events(*client);
  REQUIRE(connect(*client));
  FrameWriter writer;
  SECTION("for a while") {
    writer.refusal(Kind::refused, 0, {}, Code::slow_consumer, "4096 items wait");
    broker.inject(std::string(writer.frame()));
    REQUIRE(run(*client, [&] { return events.with_code("slow_consumer") != nullptr; }));
    CHECK(events.with_code("slow_consumer")->error->message ==
          "the broker ended the session: 4096 items wait");
    REQUIRE(run(*client, [&] { return client->connected(); }));
  }
  SECTION("for what it holds") {
    writer.refusal(Kind::refused, 0, {}, Code::revoked, "");
    broker.inject(std::string(writer.frame()));
    REQUIRE(run(*client, [&] { return events.with_code("revoked") != nullptr; }));
    CHECK(events.with_code("revoked")->state == SessionState::refused);
    REQUIRE(run(*client, [&] { return client->connected(); }));
  }
}
