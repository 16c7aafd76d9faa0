// The broker dies under a supervised suite: how soon is everything back, and does every publisher
// know what became of each of its messages? With the client library that the suite itself uses.
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "common/bus/client.hpp"
#include "keys/keyring.hpp"
#include "tests/chaos/supervised_home.hpp"
#include "tests/support/scale.hpp"

namespace guild::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const std::string topic = "apps/restart", forbidden = "ledger/entry";
const std::vector<std::string> daemons = {"broker", "logconsumer", "ledgerd", "scheduler",
                                          "gateway"};

std::unique_ptr<bus::Client> make_client(const TestHome& home, const std::string& name) {
  auto keys = keys::load_client(home.keys(), name);
  REQUIRE(keys);
  auto client = bus::Client::make(
      {.endpoint = home.bus_endpoint(),
       .credentials = {keys->name, keys->public_key, keys->secret_key, keys->broker_public_key}});
  REQUIRE(client);
  return std::move(*client);
}

/// Numbers its messages over all lives of the broker, and keeps what it was told of each.
class Publisher {
 public:
  enum class Fate { none, acknowledged, denied, unknown };
  struct Message {
    Fate fate = Fate::none;
    int answers = 0;
    int life = 0;
  };

  explicit Publisher(const TestHome& home) : client_(make_client(home, "app-a")) {
    client_->on_session([this](const bus::SessionEvent& event) {
      if (event.state == bus::SessionState::connected) ++life_;
      told_unknown_ += event.unknown_acks;
    });
  }

  /// Nothing is published, and nothing owed an answer, while there is no session.
  void publish(const std::string& where) {
    if (!client_->connected()) return;
    const std::size_t number = messages_.size();
    const auto queued =
        client_->publish(where, std::to_string(number), [this, number](auto answer) {
          Message& message = messages_[number];
          ++message.answers;
          message.fate = answer                                  ? Fate::acknowledged
                         : answer.error().code == "session_lost" ? Fate::unknown
                                                                 : Fate::denied;
        });
    if (queued) messages_.push_back({.life = life_});
  }
  bool all_answered() const {
    return std::ranges::all_of(messages_, [](const Message& one) { return one.answers != 0; });
  }
  std::size_t count(Fate fate) const {
    return static_cast<std::size_t>(std::ranges::count(messages_, fate, &Message::fate));
  }

  bus::Client& client() { return *client_; }
  const std::vector<Message>& messages() const { return messages_; }
  std::uint64_t told_unknown() const { return told_unknown_; }
  int life() const { return life_; }

 private:
  std::unique_ptr<bus::Client> client_;
  std::vector<Message> messages_;
  std::uint64_t told_unknown_ = 0;
  int life_ = 0;
};

/// What arrived, in the order in which it did.
class Subscriber {
 public:
  explicit Subscriber(const TestHome& home) : client_(make_client(home, "app-b")) {
    const auto subscribed = client_->subscribe(
        topic,
        [this](const bus::Delivery& delivery) {
          heard_.push_back(std::stoul(std::string(delivery.payload)));
        },
        [this](auto confirmed) { confirmed_ = confirmed.has_value(); },
        [this](const bus::GapNotice&) { ++gaps_; });
    REQUIRE(subscribed);
  }
  bool confirmed() const { return confirmed_; }
  int gaps() const { return gaps_; }
  const std::vector<std::size_t>& heard() const { return heard_; }
  bus::Client& client() { return *client_; }

 private:
  std::unique_ptr<bus::Client> client_;
  std::vector<std::size_t> heard_;
  bool confirmed_ = false;
  int gaps_ = 0;
};

/// Asks the daemons whether they are well, again until each has said so.
class RollCall {
 public:
  explicit RollCall(bus::Client& client) : client_(client) {}
  void start() { answered_.clear(), asked_.clear(); }
  void go_on() {
    for (const std::string& daemon : daemons) {
      if (answered_.contains(daemon) || asked_.contains(daemon) || !client_.connected()) continue;
      const auto asked =
          client_.request(daemon + "/health", "{}", 1s, [this, daemon](Result<std::string> answer) {
            asked_.erase(daemon);
            if (answer) answered_.emplace(daemon, Clock::now());
          });
      if (asked) asked_.insert(daemon);
    }
  }
  bool complete() const { return answered_.size() == daemons.size(); }
  const std::map<std::string, Clock::time_point>& answered() const { return answered_; }

 private:
  bus::Client& client_;
  std::map<std::string, Clock::time_point> answered_;
  std::set<std::string> asked_;
};

/// Publisher, subscriber and operator, on one thread.
struct Station {
  explicit Station(const TestHome& home)
      : publisher(home),
        subscriber(home),
        operator_client(make_client(home, "operator")),
        roll_call(*operator_client) {}

  /// Publishes, pumps and calls the roll until `done`; false when the time is up.
  bool live_until(const std::function<bool()>& done, std::chrono::milliseconds limit,
                  bool publishing = true) {
    for (const auto end = Clock::now() + limit; Clock::now() < end;) {
      if (publishing) publish_some();
      pollfd fds[] = {{publisher.client().fd(), POLLIN, 0},
                      {subscriber.client().fd(), POLLIN, 0},
                      {operator_client->fd(), POLLIN, 0}};
      ::poll(fds, std::size(fds), 1);
      publisher.client().pump();
      subscriber.client().pump();
      operator_client->pump();
      roll_call.go_on();
      if (done()) return true;
    }
    return false;
  }
  void publish_some() {
    if (publisher.client().publish_room() == 0) return;
    for (int i = 0; i < 20; ++i) publisher.publish(topic);
    publisher.publish(forbidden);
  }

  Publisher publisher;
  Subscriber subscriber;
  std::unique_ptr<bus::Client> operator_client;
  RollCall roll_call;
};

/// After the death, in milliseconds.
struct Timing {
  long listens = 0, publisher_back = 0, heard_again = 0, all_well = 0;
  std::map<std::string, long> well;

  std::string text() const {
    std::string text = "after the broker's death it listens at " + std::to_string(listens) +
                       " ms, the publisher is back at " + std::to_string(publisher_back) +
                       ", its messages arrive at " + std::to_string(heard_again) +
                       ", all daemons are well at " + std::to_string(all_well) + " (";
    for (const auto& [daemon, at] : well) text += daemon + " " + std::to_string(at) + " ";
    text.back() = ')';
    return text;
  }
};

long wall_ms_of_socket(const TestHome& home) {
  struct stat found{};
  if (::stat((home.run_folder() / "bus.sock").c_str(), &found) != 0) return 0;
  return found.st_ctim.tv_sec * 1'000 + found.st_ctim.tv_nsec / 1'000'000;
}

Timing kill_and_wait(SupervisedHome& home, Station& station, int signal) {
  const auto ms_since = [](Clock::time_point then, Clock::time_point now) {
    return static_cast<long>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now - then).count());
  };
  const int life = station.publisher.life();
  station.roll_call.start();  // Answers of the earlier life would come before the death alone.
  home.kill_daemon("broker", signal);
  const auto dead = Clock::now();
  const auto dead_wall = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  Timing timing;
  const std::size_t before = station.publisher.messages().size();
  const auto is_back = [&] { return station.publisher.life() > life; };
  const auto is_heard = [&] {
    const auto& heard = station.subscriber.heard();
    return !heard.empty() && heard.back() >= before &&
           station.publisher.messages()[heard.back()].life > life;
  };
  CHECK(station.live_until(
      [&] {
        if (timing.publisher_back == 0 && is_back())
          timing.publisher_back = ms_since(dead, Clock::now());
        if (timing.heard_again == 0 && is_heard())
          timing.heard_again = ms_since(dead, Clock::now());
        return timing.heard_again != 0 && station.roll_call.complete();
      },
      20s));
  for (const auto& [daemon, at] : station.roll_call.answered()) {
    timing.well[daemon] = ms_since(dead, at);
    timing.all_well = std::max(timing.all_well, timing.well[daemon]);
  }
  timing.listens = wall_ms_of_socket(home) - dead_wall.count();
  return timing;
}

/// The books of the publisher, and what the subscriber may miss.
void check_books(const Publisher& publisher, const Subscriber& subscriber) {
  using Fate = Publisher::Fate;
  const auto& messages = publisher.messages();
  const std::size_t acknowledged = publisher.count(Fate::acknowledged),
                    denied = publisher.count(Fate::denied),
                    unknown = publisher.count(Fate::unknown);
  CHECK(acknowledged + denied + unknown == messages.size());
  CHECK(std::ranges::all_of(messages, [](const auto& one) { return one.answers == 1; }));
  CHECK(publisher.told_unknown() == unknown);
  CHECK(denied > 0);

  // Once each, in order; and nothing that was refused.
  const auto& heard = subscriber.heard();
  CHECK(std::ranges::is_sorted(heard, std::less_equal<>()));
  CHECK(std::ranges::none_of(
      heard, [&](std::size_t number) { return messages[number].fate == Fate::denied; }));
  CHECK(subscriber.gaps() == 0);

  // The subscription stood before the first message, so of the life that was cut off it heard the
  // acknowledged ones up to some point, without a hole: only what was on its way can be missing. Of
  // the life that went on it misses none from the first that it heard.
  const std::set<std::size_t> has(heard.begin(), heard.end());
  const int last_life = publisher.life();
  std::map<int, std::vector<bool>> heard_of_life;
  for (std::size_t number = 0; number < messages.size(); ++number)
    if (messages[number].fate == Fate::acknowledged)
      heard_of_life[messages[number].life].push_back(has.contains(number));
  REQUIRE(heard_of_life.size() == static_cast<std::size_t>(last_life));
  for (const auto& [life, was_heard] : heard_of_life) {
    INFO("life " << life);
    const auto first = std::ranges::find(was_heard, true);
    REQUIRE(first != was_heard.end());
    if (life == 1) CHECK(first == was_heard.begin());
    const auto hole = std::find(first, was_heard.end(), false);
    if (life == last_life)
      CHECK(hole == was_heard.end());
    else
      CHECK(std::find(hole, was_heard.end(), true) == was_heard.end());
  }
}

void live_through_death(int signal) {
  SupervisedHome home;
  home.add_key("app-a", "client");
  home.add_key("app-b", "client");
  home.write_config("[gateway]\nport = 0\n");
  home.start_supervised();
  Station station(home);
  // A settled session: the library then tries again soon.
  REQUIRE(station.live_until(
      [&] { return station.subscriber.confirmed() && station.roll_call.complete(); }, 20s, false));
  const auto settled = Clock::now() + 2'200ms;
  REQUIRE(station.live_until([&] { return Clock::now() > settled; }, 20s));

  const Timing timing = kill_and_wait(home, station, signal);
  CHECK(timing.heard_again < 5'000);
  CHECK(timing.all_well < 5'000);
  // A little more life, and then the end of the line.
  const std::size_t enough = station.publisher.messages().size() + 1'000;
  CHECK(station.live_until([&] { return station.publisher.messages().size() > enough; }, 20s));
  station.publisher.publish(topic);
  const std::size_t last = station.publisher.messages().size() - 1;
  CHECK(station.live_until(
      [&] {
        return station.publisher.all_answered() && !station.subscriber.heard().empty() &&
               station.subscriber.heard().back() == last;
      },
      20s, false));
  check_books(station.publisher, station.subscriber);
  using Fate = Publisher::Fate;
  WARN(strsignal(signal) << ": " << timing.text() << "\n"
                         << station.publisher.messages().size()
                         << " published: " << station.publisher.count(Fate::acknowledged)
                         << " acknowledged, " << station.publisher.count(Fate::denied)
                         << " denied, " << station.publisher.count(Fate::unknown) << " unknown; "
                         << station.subscriber.heard().size() << " heard");
  home.stop_supervised();
}

}  // namespace

TEST_CASE("the broker is killed: all are back, and every message is accounted for") {
  for (int i = 0; i < scaled(1, 5); ++i) live_through_death(SIGKILL);
}

TEST_CASE("the broker aborts: all are back, and every message is accounted for") {
  for (int i = 0; i < scaled(1, 5); ++i) live_through_death(SIGABRT);
}

}  // namespace guild::test
