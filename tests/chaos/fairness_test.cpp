// What one client's flood, and another's standstill, cost a pair that has nothing to do with them.
// Times depend on the machine and are printed; what is asserted is that all are served.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/chaos/bus_load.hpp"
#include "tests/support/json.hpp"
#include "tests/support/scale.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int queue_messages_max = 1'000;
/// About the items of one window: what is published beyond waited for credit.
constexpr std::uint64_t items_of_a_window = 70'000;
const std::string flooded = "apps/flooded", watched = "apps/watched";

Process peer(BusHome& home, const std::vector<std::string>& words) {
  std::vector<std::string> argv = {program_path("chaos_peer")};
  argv.insert(argv.end(), words.begin(), words.end());
  return Process::start(home.command(argv), home.capture(words[0]));
}

Process bus_peer(BusHome& home, const std::string& what, const std::string& name,
                 const std::string& topic) {
  return peer(home, {what, home.bus_endpoint(), home.keys().string(), name, topic});
}

Process listener(BusHome& home, const std::string& name, const std::string& topic) {
  Process process = bus_peer(home, "listen", name, topic);
  REQUIRE(process.wait_for_err("ready"));
  return process;
}

/// CPU time of a process so far, from /proc.
std::chrono::duration<double> cpu_time(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  double user = 0, system = 0;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  fields >> user >> system;
  return std::chrono::duration<double>((user + system) /
                                       static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

/// A time of the day: what others do in it, and what the pair felt, round by round.
struct Phase {
  std::string name;
  std::vector<Latencies> rounds = {};
  /// Of the broker and the others, in this phase.
  std::chrono::duration<double> lasted{0}, used{0};

  std::size_t trips() const {
    std::size_t count = 0;
    for (const Latencies& round : rounds) count += round.count();
    return count;
  }
  /// What was used beyond the pair's own trips, at their price in `quiet`.
  double cores_beyond(const Phase& quiet) const {
    return (used - quiet.used / quiet.trips() * trips()) / lasted;
  }

  /// Of the rounds' percentiles the middle one: a disturbance from outside spoils one round.
  double median_us(double part) const {
    std::vector<double> each;
    for (const Latencies& round : rounds)
      each.push_back(static_cast<double>(round.percentile(part).count()));
    std::ranges::sort(each);
    return each.at(each.size() / 2);
  }
  std::string text(const Phase& quiet) const {
    std::ostringstream text;
    text.precision(3);
    text << name << ": " << trips() << " round trips, p50 " << median_us(0.5) << " us, p99 "
         << median_us(0.99) << " us; to quiet: p50 x" << median_us(0.5) / quiet.median_us(0.5)
         << ", p99 x" << median_us(0.99) / quiet.median_us(0.99) << "; " << cores_beyond(quiet)
         << " cores beyond the pair's own\n";
    return text.str();
  }
};

/// A broker whose queues are soon full.
class SmallQueueHome : public BusHome {
 public:
  SmallQueueHome() {
    daemon("broker").signal(SIGTERM);
    daemon("broker").wait();
    set_environment("GUILD_BROKER_QUEUE_MESSAGES_MAX", std::to_string(queue_messages_max));
    start("broker");
  }
};

class Neighbourhood {
 public:
  Neighbourhood()
      : echo_(home_, "app-a", "app-b", "apps/echo"),
        flow_(home_, "app-a", "app-b", "apps/flow"),
        publisher_(home_.join("app-a")),
        watcher_(listener(home_, "app-b", watched)) {}

  /// One phase: the pair echoes and publishes, and publishes also what the watcher hears.
  void live(Phase& phase, std::chrono::milliseconds length,
            const std::vector<const Process*>& others) {
    const auto cpu = [&] {
      auto sum = cpu_time(home_.daemon("broker").pid());
      for (const Process* other : others) sum += cpu_time(other->pid());
      return sum;
    };
    const auto before = cpu();
    const auto start = Clock::now();
    Latencies latencies;
    while (Clock::now() - start < length) {
      echo_.ask(latencies);
      flow_.publish(1);
      publish_watched(std::string(1'024, 'x'));
    }
    phase.lasted += Clock::now() - start;
    phase.used += cpu() - before;
    phase.rounds.push_back(std::move(latencies));
  }

  void publish_watched(const std::string& item) {
    const std::string frame = publish_bytes(++watched_published_, watched, {item});
    publisher_->send(frame);
    credit_bytes_ -= static_cast<std::int64_t>(frame.size());
    while (credit_bytes_ <= 0)
      credit_bytes_ += static_cast<std::int64_t>(publisher_->expect(grant, 10s).number);
  }

  /// What the broker's statistics say of this client and topic; nothing when it has no such row.
  Json row(const std::string& client, const std::string& topic) {
    const Json stats =
        Json::parse(home_.join("operator")->call("broker/stats", "{}").body.substr(1));
    for (const Json& row : stats.at("rows"))
      if (row.at("client") == client && row.at("topic") == topic) return row;
    return Json::object();
  }
  std::uint64_t published(const std::string& client, const std::string& topic) {
    return row(client, topic).value("published", std::uint64_t{0});
  }
  void wait_for_published(const std::string& client, const std::string& topic,
                          std::uint64_t count) {
    const auto end = Clock::now() + 30s;
    while (published(client, topic) < count) REQUIRE(Clock::now() < end);
  }

  BusHome& home() { return home_; }
  Process& watcher() { return watcher_; }
  Echo& echo() { return echo_; }
  AckedFlow& flow() { return flow_; }
  std::uint64_t watched_published() const { return watched_published_; }

 private:
  SmallQueueHome home_;
  Echo echo_;
  AckedFlow flow_;
  std::unique_ptr<RawClient> publisher_;
  Process watcher_;
  std::uint64_t watched_published_ = 0;
  std::int64_t credit_bytes_ = 1 << 20;
};

/// Its queue is full and no fuller, and every item is somewhere.
void check_stopped_subscriber(Neighbourhood& place) {
  const Json row = place.row("app-b", watched);
  INFO(row.dump());
  const auto number = [&](const char* name) { return row.at(name).get<long>(); };
  const long dropped = row.at("dropped").value("dropped_oldest", 0L);
  CHECK(dropped > 0);
  CHECK(number("queued") <= queue_messages_max);
  CHECK(number("routed") == number("delivered") + number("queued") + number("in_flight") + dropped);
}

}  // namespace

TEST_CASE("a flood and a standstill are the business of those who are in them") {
  const std::uint64_t rounds = scaled(3U, 10U);
  const auto length = scaled(milliseconds(700), milliseconds(3'000));
  Neighbourhood place;
  BusHome& home = place.home();
  Phase quiet{.name = "quiet"}, flood{.name = "another's flood"},
      busy{.name = "as busy, off the bus"}, standstill{.name = "another's standstill"};

  for (std::uint64_t round = 0; round < rounds; ++round) {
    place.live(quiet, length, {&place.watcher()});
    {
      const Process drowned = listener(home, "app-b", flooded);
      const std::uint64_t before = place.published("app-a", flooded);
      const Process flooder = bus_peer(home, "flood", "app-a", flooded);
      // What a flood costs, not what two programs cost that start.
      place.wait_for_published("app-a", flooded, before + items_of_a_window);
      place.live(flood, length, {&place.watcher(), &drowned, &flooder});
    }
    {
      const double share = std::max(0.05, flood.cores_beyond(quiet));
      const Process burner = peer(home, {"burn", std::to_string(share)});
      place.live(busy, length, {&place.watcher(), &burner});
    }
    place.watcher().signal(SIGSTOP);
    // Past its credit and its queue, so that something is dropped however slow the machine is.
    for (int i = 0; i < 8'000; ++i) place.publish_watched(std::string(1'024, 'x'));
    place.live(standstill, length, {&place.watcher()});
    check_stopped_subscriber(place);
    place.watcher().signal(SIGCONT);
  }

  CHECK(place.published("app-a", flooded) > rounds * items_of_a_window);
  // Everyone else had all of it; the one that stood still has, or was told of, all of it.
  place.flow().finish();
  place.echo().finish();
  place.publish_watched("end");
  const Outcome outcome = place.watcher().wait();
  REQUIRE(outcome.exit_code == 0);
  const Json heard = Json::parse(outcome.out);
  CHECK(heard.at("received").get<std::uint64_t>() + heard.at("lost").get<std::uint64_t>() ==
        place.watched_published());
  CHECK(heard.at("lost") == place.row("app-b", watched).at("dropped").at("dropped_oldest"));
  CHECK(heard.at("gaps") > 0);
  WARN(quiet.text(quiet) << flood.text(quiet) << busy.text(quiet) << standstill.text(quiet)
                         << "flood to as busy: p99 x"
                         << flood.median_us(0.99) / busy.median_us(0.99) << "\n"
                         << place.flow().published() << " messages of others, all received; "
                         << outcome.out);
  home.stop();
}

}  // namespace guild::test
