// Delivery between processes: all of it, once, in order; and the end of those who are killed.
#include <signal.h>
#include <zmq.h>

#include <catch2/catch.hpp>
#include <set>

#include "tests/integration/bus_home.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

Process peer(BusHome& home, const std::string& name, std::vector<std::string> words) {
  std::vector<std::string> argv = {program_path("bus_peer"), home.bus_endpoint(),
                                   home.keys().string(), name};
  argv.insert(argv.end(), words.begin(), words.end());
  return Process::start(home.command(argv), home.capture("peer"));
}

TEST_CASE("100,000 messages of another process arrive exactly once, in order") {
  BusHome home;
  const auto subscriber = home.join("app-b");
  REQUIRE(subscriber->ask(subscribe, "apps/numbers").kind == done);
  constexpr int count = 100'000;
  Process publisher = peer(home, "app-a", {"pub", "apps/numbers", std::to_string(count)});
  int next = 0;
  std::uint64_t sequence = 1;
  while (next < count) {
    const RawRecord record = subscriber->expect(deliver, 20s);
    REQUIRE(record.name == "app-a");
    REQUIRE(record.number == sequence);
    const auto items = record.items();
    for (const std::string& item : items) REQUIRE(item == std::to_string(next++));
    sequence += items.size();
    subscriber->return_credit(record, static_cast<std::uint32_t>(items.size()));
  }
  CHECK(publisher.wait().exit_code == 0);
  CHECK_FALSE(subscriber->next_of(deliver, 200ms));

  // And the statistics say the same. The broker applies the credit before it answers this.
  const RawRecord stats = home.join("operator")->call("broker/stats", "{}");
  const std::string row =
      R"({"client":"app-b","topic":"apps/numbers","published":0,"routed":100000,"delivered":100000,)"
      R"("queued":0,"in_flight":0,"dropped":{}})";
  subscriber->send(record_bytes(ping, 1));
  subscriber->expect(pong);
  CHECK(home.join("operator")->call("broker/stats", "{}").body.find(row) != std::string::npos);
}

TEST_CASE("what a client said before it left at once is heard") {
  BusHome home;
  const auto subscriber = home.join("app-b");
  REQUIRE(subscriber->ask(subscribe, "apps/**").kind == done);
  constexpr int lives = 30;
  for (int life = 0; life < lives; ++life) {
    // No answer is waited for: HELLO, PUBLISH and GOODBYE in one breath.
    RawClient brief(home.bus_endpoint(), home.keys_of("app-a"));
    brief.send(hello_bytes() + publish_bytes(1, "apps/brief", {std::to_string(life)}) +
               record_bytes(goodbye, 0));
  }
  // Lives overlap in the broker, so only what arrives is certain, not whose first.
  std::set<std::string> heard, said;
  for (int life = 0; life < lives; ++life) {
    said.insert(std::to_string(life));
    for (const std::string& item : subscriber->expect(deliver).items()) heard.insert(item);
  }
  CHECK(heard == said);
}

TEST_CASE("a killed client's session ends within a second, and who watches is told") {
  BusHome home;
  const auto watcher = home.join("app-b");
  REQUIRE(watcher->ask(watch, "apps/x").kind == done);
  CHECK(watcher->expect(presence).body.empty());
  Process victim = peer(home, "app-a", {"sub", "apps/**"});
  CHECK(watcher->expect(presence).body == "app-a");
  const auto killed_at = std::chrono::steady_clock::now();
  victim.kill();
  const auto gone = watcher->next_of(presence, 1s);
  REQUIRE(gone);
  CHECK(gone->body.empty());
  CHECK(std::chrono::steady_clock::now() - killed_at < 1s);
}

TEST_CASE(
    "killed and back a hundred times, descriptors used again: no session is lost or left over") {
  BusHome home;
  const auto watcher = home.join("app-b");
  REQUIRE(watcher->ask(watch, "apps/x").kind == done);
  CHECK(watcher->expect(presence).body.empty());
  for (int life = 0; life < 100; ++life) {
    Process victim = peer(home, "app-a", {"sub", "apps/**"});
    INFO("life " << life);
    REQUIRE(watcher->expect(presence, 10s).body == "app-a");
    victim.kill();
    REQUIRE(watcher->expect(presence, 2s).body.empty());
  }
  const RawRecord clients = home.join("operator")->call("broker/clients", "{}");
  CHECK(clients.body.find("app-a#") == std::string::npos);
  CHECK(clients.body.find("app-b#") != std::string::npos);
}

TEST_CASE("a responder that is killed fails the request at once") {
  BusHome home;
  const auto asker = home.join("app-a");
  auto responder = home.join("app-b");
  REQUIRE(responder->ask(serve, "apps/svc").kind == done);
  asker->send(record_bytes(request, 1, "apps/svc", {}, u32_bytes(60'000) + std::string("q")));
  responder->expect(request_delivery);
  responder.reset();
  const auto answer = asker->next_of(failed, 1s);
  REQUIRE(answer);
  CHECK(answer->code() == 33);
}

TEST_CASE("a stopped subscriber loses the oldest, is told by a GAP, and stops nobody") {
  BusHome home;
  home.daemon("broker").signal(SIGTERM);
  home.daemon("broker").wait();
  home.set_environment("GUILD_BROKER_QUEUE_MESSAGES_MAX", "1000");
  home.start("broker");
  const auto slow = home.join("app-b", 10);
  REQUIRE(slow->ask(subscribe, "apps/**").kind == done);
  Process publisher = peer(home, "app-a", {"pub", "apps/flood", "50000"});
  CHECK(publisher.wait().exit_code == 0);
  std::uint64_t seen = 0, lost = 0, expected = 1;
  while (seen + lost < 50'000) {
    const auto record = slow->next();
    REQUIRE(record);
    if (record->kind == gap) {
      CHECK(record->number == expected);
      lost += record->u32(8);
      expected = record->number + record->u32(8);
      slow->return_credit(*record, 1);
    } else if (record->kind == deliver) {
      REQUIRE(record->number == expected);
      const auto items = record->items();
      seen += items.size();
      expected += items.size();
      slow->return_credit(*record, static_cast<std::uint32_t>(items.size()));
    }
  }
  CHECK(lost > 40'000);
  CHECK(seen + lost == 50'000);
}

}  // namespace
}  // namespace guild::test
