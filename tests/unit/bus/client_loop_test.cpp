// The client in its program: callbacks, closing, the loop's descriptor.
#include <memory>
#include <optional>
#include <random>

#include "tests/unit/bus/client_house.hpp"

using namespace guild;
using namespace guild::bus;
using namespace guild::bus::test;

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

TEST_CASE("many clients that share an I/O thread are sessions of their own") {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  House house;
  FakeBroker broker(house.broker());
  auto options = house.client();
  options.shares_io_thread = true;
  const auto before = threads();
  constexpr std::size_t count = 40;
  std::vector<std::unique_ptr<Client>> owned;
  std::vector<Client*> clients;
  for (std::size_t i = 0; i < count; ++i)
    clients.push_back(owned.emplace_back(make(options)).get());
  const auto all_connected = [&] {
    return std::ranges::all_of(clients, [](const Client* client) { return client->connected(); });
  };
  REQUIRE(run(clients, all_connected));
  CHECK(broker.sessions == static_cast<int>(count));
  CHECK(threads() <= before + 2);  // libzmq's reaper and the I/O thread.
  // The end of one is not the others' business.
  clients.erase(clients.begin());
  owned.erase(owned.begin());
  CHECK(all_connected());
  owned.clear();
  CHECK(threads() == before);
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
