// The router on real sockets, in this process, with clients that speak the protocol raw: what only
// small limits or an odd client can show. The rest is tests/integration/bus_*.
#include "broker/router.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "tests/integration/raw_client.hpp"
#include "tests/unit/base/scratch_folder.hpp"

namespace guild::broker {
namespace {

using namespace std::chrono_literals;
using raw::RawClient, raw::RawKeys;

keys::PublicKey key_of(const std::string& bytes) {
  keys::PublicKey key{};
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

/// A router with clients ada and bob, and what it told.
class House {
 public:
  explicit House(int waiting_frames_max = 1'000) {
    const RawKeys router_keys = RawKeys::random("");
    for (const char* name : {"ada", "bob"}) {
      keys_[name] = RawKeys::random(router_keys.public_key);
      keys::AuthorizedClient client;
      client.name = name;
      client.public_key = key_of(keys_[name].public_key);
      client.publish = client.subscribe = client.request = client.serve = {"t/**"};
      list_.push_back(client);
    }
    RouterOptions options;
    options.endpoint = endpoint();
    options.keys = {key_of(router_keys.public_key), Secret32(key_of(router_keys.secret_key))};
    options.waiting_frames_max = waiting_frames_max;
    auto started = Router::start(std::move(options), list_,
                                 {.denied = [](const messages::BusDenied&) {},
                                  .client =
                                      [this](const messages::BusClientEvent& event) {
                                        const std::lock_guard lock(mutex_);
                                        events_.push_back(event);
                                        changed_.notify_all();
                                      },
                                  .traffic = [](const messages::BusTraffic&) {}});
    REQUIRE(started);
    router_ = std::move(*started);
  }

  std::string endpoint() const { return "ipc://" + (folder_.path() / "bus.sock").string(); }
  const RawKeys& keys_of(const std::string& name) { return keys_.at(name); }
  std::unique_ptr<RawClient> join(const std::string& name) {
    return RawClient::join(endpoint(), keys_of(name));
  }
  std::vector<keys::AuthorizedClient>& list() { return list_; }
  Router& router() { return *router_; }

  bool wait_for(const std::string& client, messages::BusClientChange change,
                std::chrono::seconds limit = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] {
      for (const auto& event : events_)
        if (event.client == client && event.event == change) return true;
      return false;
    });
  }

 private:
  ScratchFolder folder_;
  std::map<std::string, RawKeys> keys_;
  std::vector<keys::AuthorizedClient> list_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<messages::BusClientEvent> events_;
  std::unique_ptr<Router> router_;  // Last: it tells events until its end.
};

TEST_CASE("a client that asks and never reads is cut off when its pipe is full; others are not") {
  House house(100);
  const auto bob = house.join("bob");
  // Its own libzmq takes one frame and no more, so the rest stays with the broker.
  RawClient deaf(house.endpoint(), house.keys_of("ada"), 1);
  deaf.send(raw::hello_bytes());
  for (int i = 0; i < 400; ++i) {
    // An answer of its own to each: a topic that is refused, told back at length.
    for (int k = 0; k < 20; ++k)
      deaf.send(raw::record_bytes(raw::subscribe, 1, std::string(240, 'x') + "//"));
    // One round of the broker a time, so that the answers are frames of their own.
    bob->send(raw::record_bytes(raw::ping, 1));
    bob->expect(raw::pong);
  }
  CHECK(house.wait_for("ada", messages::BusClientChange::left));
  bob->send(raw::record_bytes(raw::ping, 7));
  CHECK(bob->expect(raw::pong).number == 7);
}

TEST_CASE("a replaced list holds for the door and for who is inside") {
  House house;
  const auto ada = house.join("ada");
  house.list().erase(house.list().begin());
  house.router().replace_clients(house.list());
  CHECK(ada->expect(raw::refused).code() == 5);
  CHECK(house.wait_for("ada", messages::BusClientChange::revoked));
  RawClient again(house.endpoint(), house.keys_of("ada"));
  CHECK_FALSE(again.next_of(raw::welcome, 500ms));
  CHECK(house.join("bob") != nullptr);
}

TEST_CASE(
    "draining waits for what waits, for so long, then refuses everybody and says that it is done") {
  House house;
  const auto ada = house.join("ada");
  const auto bob = RawClient::join(house.endpoint(), house.keys_of("bob"), 1);
  REQUIRE(bob->ask(raw::subscribe, "t/**").kind == raw::done);
  ada->send(raw::publish_bytes(1, "t/a", {"one"}) + raw::publish_bytes(2, "t/a", {"two"}, true));
  ada->expect(raw::ack);
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  const auto begin = std::chrono::steady_clock::now();
  house.router().drain(300ms, [&] {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  });
  const bool takes = GENERATE(true, false);
  const raw::RawRecord first = bob->expect(raw::deliver);
  if (takes) {
    bob->return_credit(first, 1);
    CHECK(bob->expect(raw::deliver).items() == std::vector<std::string>{"two"});
  }
  CHECK(ada->expect(raw::refused).code() == 6);
  std::unique_lock lock(mutex);
  CHECK(changed.wait_for(lock, 10s, [&] { return done; }));
  CHECK((std::chrono::steady_clock::now() - begin < 300ms) == takes);
}

}  // namespace
}  // namespace guild::broker
