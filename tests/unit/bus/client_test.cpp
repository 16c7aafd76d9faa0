// The client against a broker that we can make misbehave. Every test runs the client as a program
// with an event loop does: it polls fd() alone, and pumps only when that is readable.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>

#include "common/bus/client.hpp"
#include "common/bus/frame.hpp"
#include "tests/unit/bus/fake_broker.hpp"

using namespace guild;
using namespace guild::bus;
using guild::bus::test::FakeBroker;
using guild::bus::test::KeyPair;
using guild::bus::test::make_keys;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

/// A folder for the broker's socket, and the keys of both sides.
class House {
 public:
  House() {
    static int serial = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("guild-bus-" + std::to_string(getpid()) + "-" + std::to_string(++serial));
    std::filesystem::create_directories(folder_);
  }
  ~House() { std::filesystem::remove_all(folder_); }

  std::string endpoint() const { return "ipc://" + (folder_ / "bus.sock").string(); }
  FakeBroker::Options broker() const {
    FakeBroker::Options options;
    options.endpoint = endpoint();
    options.keys = broker_keys;
    return options;
  }
  ClientOptions client() const {
    ClientOptions options;
    options.endpoint = endpoint();
    options.credentials = {.name = "tester",
                           .public_key = client_keys.public_key,
                           .secret_key = client_keys.secret_key,
                           .broker_public_key = broker_keys.public_key};
    return options;
  }

  KeyPair broker_keys = make_keys();
  KeyPair client_keys = make_keys();

 private:
  std::filesystem::path folder_;
};

std::unique_ptr<Client> make(ClientOptions options) {
  auto client = Client::make(std::move(options));
  REQUIRE(client.has_value());
  return std::move(*client);
}

/// Answers whether `done` came true. `done` may look at the broker, so it is asked now and then.
bool run(const std::vector<Client*>& clients, const std::function<bool()>& done,
         Duration limit = 10s) {
  const auto end = Clock::now() + limit;
  while (!done()) {
    if (Clock::now() >= end) return false;
    std::vector<pollfd> waiting;
    for (Client* client : clients) waiting.push_back({client->fd(), POLLIN, 0});
    poll(waiting.data(), waiting.size(), 5);
    for (std::size_t i = 0; i < clients.size(); ++i)
      if (waiting[i].revents != 0) clients[i]->pump();
  }
  return true;
}
bool run(Client& client, const std::function<bool()>& done, Duration limit = 10s) {
  return run({&client}, done, limit);
}
bool connect(Client& client) {
  return run(client, [&] { return client.connected(); });
}

/// Remembers every session event.
struct Events {
  std::deque<SessionEvent> seen;
  explicit Events(Client& client) {
    client.on_session([this](const SessionEvent& event) { seen.push_back(event); });
  }
  bool has(SessionState state) const {
    return std::ranges::any_of(seen, [&](const auto& event) { return event.state == state; });
  }
  const SessionEvent* with_code(std::string_view code) const {
    for (const auto& event : seen)
      if (event.error && event.error->code == code) return &event;
    return nullptr;
  }
  bool resubscribed() const {
    return std::ranges::any_of(seen, [](const auto& event) { return event.resubscribed; });
  }
};

std::string code_of(const Result<void>& result) { return result ? "ok" : result.error().code; }
std::string text_of(const Result<std::string>& result) {
  return result ? *result : "error " + result.error().code;
}

}  // namespace

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

// ---- Callbacks, closing, the loop --------------------------------------------------------------

TEST_CASE("callbacks may call the client") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  std::vector<std::string> got;
  std::string inside;
  REQUIRE(client->subscribe("a/start", [&](const Delivery&) {
    client->unsubscribe("a/start");  // Ends the callback that runs.
    inside = code_of(client->wait_connected(1s)) + " " +
             client->request_and_wait("a/b", "", 1s).error().code;
    client->pump();
    REQUIRE(client->subscribe(
        "a/next", [&](const Delivery& d) { got.emplace_back(d.payload); },
        [&](const Result<void>& result) {
          REQUIRE(result);
          for (int i = 0; i < 5'000; ++i) REQUIRE(client->publish("a/next", std::string(100, 'y')));
        }));
  }));
  REQUIRE(connect(*client));
  REQUIRE(client->publish("a/start", "x"));
  REQUIRE(client->publish("a/start", "x"));
  REQUIRE(run(*client, [&] { return got.size() == 5'000; }));
  CHECK(inside == "inside_callback inside_callback");
}

TEST_CASE("a callback may close the client") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  Events events(*client);
  int got = 0;
  std::string lost;
  REQUIRE(client->subscribe("a/b", [&](const Delivery&) {
    ++got;
    client->close(1s);
  }));
  REQUIRE(client->subscribe("a/*", [&](const Delivery&) { ++got; }));
  REQUIRE(connect(*client));
  broker.ack = false;
  REQUIRE(client->publish("a/b", "x", [&](const Result<void>& r) { lost = code_of(r); }));
  REQUIRE(client->publish("a/b", "y"));
  REQUIRE(run(*client, [&] { return events.has(SessionState::closed); }));
  CHECK(got == 1);
  CHECK(lost == "session_lost");
  client->pump();
  client->close(1s);
  CHECK(code_of(client->publish("a/b", "x")) == "not_connected");
  CHECK(client->subscribe("a/b", [](const Delivery&) {}).error().code == "not_connected");
  client.reset();
  REQUIRE(run(std::vector<Client*>{}, [&] { return broker.goodbyes == 1; }));
}

TEST_CASE("close sends what is queued, then says goodbye") {
  House house;
  auto options = house.broker();
  options.credit_bytes = 20'000;
  FakeBroker broker(options);
  auto client = make(house.client());
  REQUIRE(client->wait_connected(5s));
  for (int i = 0; i < 5'000; ++i) REQUIRE(client->publish("a/b", std::string(100, 'x')));
  client->close(5s);
  REQUIRE(run(std::vector<Client*>{}, [&] { return broker.goodbyes == 1; }));
  CHECK(broker.items == 5'000);
}

TEST_CASE("close keeps its limit when the broker gives no credit") {
  House house;
  auto options = house.broker();
  options.credit_bytes = 1'000;
  FakeBroker broker(options);
  broker.return_credit = false;
  auto client = make(house.client());
  REQUIRE(client->wait_connected(5s));
  for (int i = 0; i < 5'000; ++i) REQUIRE(client->publish("a/b", std::string(100, 'x')));
  const auto start = Clock::now();
  client->close(100ms);
  CHECK(Clock::now() - start < 1s);
  REQUIRE(run(std::vector<Client*>{}, [&] { return broker.goodbyes == 1; }));
}

TEST_CASE("a client that was never pumped, or never connected, is destroyed at once") {
  House house;
  const auto start = Clock::now();
  make(house.client()).reset();
  auto client = make(house.client());
  client->pump();
  client.reset();
  CHECK(Clock::now() - start < 1s);
}

TEST_CASE("pump_until answers at its limit, and not before") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  REQUIRE(client->wait_connected(5s));
  for (const Duration limit : {Duration(0ms), Duration(3ms), Duration(50ms)}) {
    const auto start = Clock::now();
    CHECK_FALSE(client->pump_until([] { return false; }, limit));
    CHECK(Clock::now() - start >= limit);
    CHECK(Clock::now() - start < limit + 500ms);
  }
  CHECK(client->pump_until([] { return true; }, 0ms));
}

TEST_CASE("a loop that polls the descriptor alone never stalls, whatever it interleaves") {
  House house;
  auto options = house.broker();
  options.credit_bytes = 30'000;
  FakeBroker broker(options);
  auto publisher = make(house.client());
  auto subscriber = make(house.client());
  std::uint64_t got = 0, acked = 0, published = 0, wanted_acks = 0, replies = 0, requests = 0;
  REQUIRE(subscriber->subscribe("a/*", [&](const Delivery& d) { CHECK(d.sequence == ++got); }));
  REQUIRE(subscriber->serve(
      "svc/echo", [](std::string_view payload, Responder responder) { responder.reply(payload); }));
  const auto both = std::vector<Client*>{publisher.get(), subscriber.get()};
  REQUIRE(run(both, [&] { return publisher->connected() && broker.asked().size() == 2; }));

  std::mt19937 random(7);
  const auto chance = [&](unsigned of) { return random() % of == 0; };
  for (int round = 0; round < 3'000; ++round) {
    const auto burst = chance(10) ? random() % 300 : random() % 4;
    for (std::uint64_t i = 0; i < burst; ++i) {
      const bool ack = chance(3);
      const auto topic = chance(5) ? "a/other" : "a/b";
      const auto result =
          ack ? publisher->publish(topic, std::string(random() % 200, 'x'),
                                   [&](const Result<void>& r) { acked += r ? 1U : 1'000'000U; })
              : publisher->publish(topic, std::string(random() % 200, 'x'));
      REQUIRE(result);
      ++published;
      wanted_acks += ack ? 1U : 0U;
    }
    if (chance(4)) {
      REQUIRE(publisher->request("svc/echo", "x", 60s, [&](const Result<std::string>& r) {
        replies += r ? 1U : 1'000'000U;
      }));
      ++requests;
    }
    // Now and then wait until all is quiet, which only happens if no wake-up is missed.
    const bool settle = chance(20);
    REQUIRE(run(both, [&] {
      return !settle || (got == published && acked == wanted_acks && replies == requests);
    }));
    if (chance(3)) publisher->pump();
    if (chance(7)) subscriber->pump();
    std::vector<pollfd> waiting{{publisher->fd(), POLLIN, 0}, {subscriber->fd(), POLLIN, 0}};
    poll(waiting.data(), waiting.size(), 0);
    if (waiting[0].revents != 0 && chance(2)) publisher->pump();
    if (waiting[1].revents != 0 && chance(2)) subscriber->pump();
  }
  REQUIRE(
      run(both, [&] { return got == published && acked == wanted_acks && replies == requests; }));
  CHECK(broker.out_of_order == 0);
}

TEST_CASE("when nothing happens, the descriptor is quiet") {
  House house;
  FakeBroker broker(house.broker());
  auto client = make(house.client());
  int got = 0;
  REQUIRE(client->subscribe("a/b", [&](const Delivery&) { ++got; }));
  REQUIRE(connect(*client));
  REQUIRE(client->publish("a/b", "x"));
  REQUIRE(run(*client, [&] { return got == 1 && broker.credited_messages == 1; }));
  int wakes = 0;
  const auto end = Clock::now() + 300ms;
  while (Clock::now() < end) {
    pollfd waiting{client->fd(), POLLIN, 0};
    if (poll(&waiting, 1, 20) == 0) continue;
    ++wakes;
    client->pump();
  }
  CHECK(wakes <= 5);
}
