// The law of conservation, between real processes that are killed, stopped and started at random:
//   published x subscribers = delivered + queued + in flight + dropped, by reason,
// for every client and topic, in every reading of broker/stats while it all runs; and at the end it
// is matched with what the peers have counted themselves.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <map>

#include "tests/integration/bus/crowd.hpp"
#include "tests/support/json.hpp"
#include "tests/support/scale.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

constexpr int publishers = 3;

std::uint64_t chosen_seed() {
  const char* given = std::getenv("GUILD_TEST_SEED");
  return given != nullptr ? std::stoull(given) : std::random_device{}();
}

struct Row {
  std::uint64_t published = 0, routed = 0, delivered = 0, queued = 0, in_flight = 0;
  std::map<std::string, std::uint64_t> dropped;

  std::uint64_t lost(const std::string& reason) const {
    const auto found = dropped.find(reason);
    return found == dropped.end() ? 0 : found->second;
  }
  std::uint64_t accounted() const {
    std::uint64_t sum = delivered + queued + in_flight;
    for (const auto& [reason, count] : dropped) sum += count;
    return sum;
  }
};

/// One reading of broker/stats: a moment of the broker, all rows of which belong together.
class Reading {
 public:
  explicit Reading(const std::string& text) {
    const Json stats = Json::parse(text);
    for (const Json& row : stats.at("rows"))
      rows_[{row.at("client"), row.at("topic")}] = {row.at("published"), row.at("routed"),
                                                    row.at("delivered"), row.at("queued"),
                                                    row.at("in_flight"), row.at("dropped")};
  }

  const auto& rows() const { return rows_; }
  Row row(const std::string& client, std::string_view topic) const {
    const auto found = rows_.find({client, std::string(topic)});
    return found == rows_.end() ? Row{} : found->second;
  }
  /// Accepted on `topic`, of all clients.
  std::uint64_t published(std::string_view topic) const {
    std::uint64_t sum = 0;
    for (const auto& [key, row] : rows_)
      if (key.second == topic) sum += row.published;
    return sum;
  }
  std::uint64_t waiting_for(const std::string& client) const {
    std::uint64_t sum = 0;
    for (const auto& [key, row] : rows_)
      if (key.first == client) sum += row.queued + row.in_flight;
    return sum;
  }
  std::uint64_t lost(const std::string& reason) const {
    std::uint64_t sum = 0;
    for (const auto& [key, row] : rows_) sum += row.lost(reason);
    return sum;
  }

 private:
  std::map<std::pair<std::string, std::string>, Row> rows_;
};

Reading read(RawClient& client) {
  const RawRecord reply = client.call("broker/stats", "{}");
  REQUIRE(reply.kind == reply_delivery);
  return Reading(reply.body.substr(1));
}

class Arena {
 public:
  explicit Arena(std::uint64_t seed) : random_(seed) {
    home_.set_environment("GUILD_BROKER_QUEUE_MESSAGES_MAX", "5000");
    // Whoever reads the statistics all the time speaks all the time, and millions of messages at
    // the pace of a flood beside it would take an hour. Pace is held to the law by unit tests.
    home_.set_environment("GUILD_BROKER_PACE_BYTES_PER_S", "0");
    for (const char* name : {"witness", "laggard", "mortal-1", "mortal-2"})
      home_.add_key(name, "operator");
    for (int i = 0; i < publishers; ++i) home_.add_key(publisher_name(i), "operator");
    home_.start("broker");
    reader_ = RawClient::join(home_.bus_endpoint(), RawKeys::load(home_.keys(), "operator"));
  }

  void open(std::uint64_t messages) {
    using enum Peer::Harm;
    // The witness takes all; the laggard is stopped, which costs it the oldest; the mortals die.
    // None of the first two ever loses its session.
    add("witness", {"sub", "1048576", "steady"}, none);
    add("laggard", {"sub", "500", "steady"}, stop);
    add("mortal-1", {"sub", "300", "restless"}, stop_and_kill);
    add("mortal-2", {"sub", "100000", "restless"}, stop_and_kill);
    for (auto& peer : peers_) peer->start();
    for (auto& peer : peers_) peer->wait_ready();
    const std::string quota = std::to_string(messages / publishers + 1);
    for (int i = 0; i < publishers; ++i) {
      add(publisher_name(i), {"pub", quota}, i == 0 ? none : stop_and_kill);
      peers_.back()->start();
    }
  }

  /// Until the publishers are through: reads at random moments, and does harm at others.
  void run() {
    harm_for_sure();
    while (publishers_run()) {
      read_at_random();
      peers_[random_() % peers_.size()]->harm(random_);
    }
  }

  /// Says the end mark, and lets everyone come to it.
  void close() {
    for (auto& peer : peers_) peer->resume();
    for (auto& peer : peers_)
      if (is_publisher(*peer)) peer->expect_good_end(60s);
    // One that is between two sessions misses the mark, and is told again once it is there.
    REQUIRE(reader_->ask(watch, tallied_topics[end_topic]).kind == done);
    for (std::uint64_t marks = 1; subscribers_run(); ++marks) {
      reader_->send(publish_bytes(marks, tallied_topics[end_topic], {"end."}));
      reader_->next_of(presence, 1s);
    }
    for (auto& peer : peers_) peer->expect_good_end(60s);
  }

  /// In every moment.
  void check(const Reading& reading) {
    ++readings_;
    for (const auto& [key, row] : reading.rows()) {
      INFO(key.first << " on " << key.second);
      if (row.routed != row.accounted()) REQUIRE(row.routed == row.accounted());
    }
    // They were subscribed before all and ever since, so what was published was for them, each item
    // once.
    for (const std::string_view topic : tallied_topics) {
      if (topic == tallied_topics[end_topic]) continue;  // Marks come until the last has left.
      for (const char* always_there : {"witness", "laggard"}) {
        INFO(always_there << " on " << topic);
        const auto published = reading.published(topic);
        if (reading.row(always_there, topic).routed != published)
          REQUIRE(reading.row(always_there, topic).routed == published);
      }
    }
  }

  void check_end() {
    const Reading reading = read(*reader_);
    check(reading);
    for (const auto& [key, row] : reading.rows()) {
      INFO(key.first << " on " << key.second);
      if (key.first == "broker") continue;  // Its own answers and events.
      CHECK(row.queued == 0);
      CHECK(row.in_flight == 0);
    }
    for (auto& peer : peers_) {
      INFO(peer->name());
      if (is_publisher(*peer))
        check_publisher(reading, *peer);
      else
        check_subscriber(reading, *peer);
    }
    check_that_all_happened(reading);
  }

  void print() const {
    for (const auto& peer : peers_) {
      const Tally& tally = peer->tally();
      std::printf(
          "%-12s %8llu sent %8llu received %8llu gaps %5llu lives %3llu lost %4ld kills "
          "%4ld stops\n",
          peer->name().c_str(), ull(total(tally.sent)), ull(total(tally.received)),
          ull(total(tally.gap_items)), ull(tally.lives), ull(tally.lost_sessions), peer->kills(),
          peer->stops());
    }
    std::printf("%ld readings of broker/stats\n", readings_);
    std::fflush(stdout);
  }

 private:
  Reading read_at_random() {
    // Not waiting for anything: the moment is to be random.
    reader_->next(std::chrono::milliseconds(random_() % 8));
    Reading reading = read(*reader_);
    check(reading);
    return reading;
  }

  /// What a run of bad luck might leave out: a subscriber that dies with messages in flight to it,
  /// a publisher that dies, a subscriber that loses the oldest.
  void harm_for_sure() {
    Peer &laggard = *peers_[1], &mortal = *peers_[2], &publisher = *peers_.back();
    mortal.stop();
    while (publishers_run() && read_at_random().waiting_for(mortal.name()) == 0) {
    }
    mortal.kill_and_start();
    laggard.stop();
    while (publishers_run() && read_at_random().lost("dropped_oldest") == 0) {
    }
    laggard.resume();
    publisher.kill_and_start();
  }

  static unsigned long long ull(std::uint64_t value) { return value; }
  static std::string publisher_name(int number) { return "publisher-" + std::to_string(number); }
  static bool is_publisher(const Peer& peer) { return peer.name().starts_with("publisher"); }

  void add(const std::string& name, std::vector<std::string> words, Peer::Harm harm) {
    peers_.push_back(std::make_unique<Peer>(home_, name, random_(), std::move(words), harm));
  }

  bool publishers_run() { return any_runs(true); }
  bool subscribers_run() { return any_runs(false); }
  bool any_runs(bool publisher) {
    return std::ranges::any_of(
        peers_, [&](auto& peer) { return is_publisher(*peer) == publisher && peer->running(); });
  }

  /// Accepted is at least what it had acks for, and at most what it has sent; and exactly that when
  /// none of its sessions was cut off.
  static void check_publisher(const Reading& reading, const Peer& peer) {
    const Tally& tally = peer.tally();
    for (std::size_t i = 0; i < end_topic; ++i) {
      const std::uint64_t published = reading.row(peer.name(), tallied_topics[i]).published;
      CHECK(published >= tally.acked[i]);
      CHECK(published <= tally.sent[i]);
      if (peer.kills() == 0) CHECK(tally.acked[i] == tally.sent[i]);
    }
    if (peer.kills() == 0) CHECK(tally.lost_sessions == 0);
  }

  /// Delivered is what it gave credit for: at least what the broker confirmed, at most what it has
  /// sent. What it was told to have lost the broker has dropped.
  static void check_subscriber(const Reading& reading, const Peer& peer) {
    const Tally& tally = peer.tally();
    CHECK(tally.faults == 0);
    if (peer.kills() == 0) CHECK(tally.lost_sessions == 0);
    for (std::size_t i = 0; i < end_topic; ++i) {
      INFO(tallied_topics[i]);
      const Row row = reading.row(peer.name(), tallied_topics[i]);
      CHECK(row.delivered >= tally.confirmed[i]);
      CHECK(row.delivered <= tally.credited[i]);
      CHECK(row.delivered <= tally.received[i]);
      CHECK(row.lost("dropped_oldest") >= tally.gap_items[i]);
      CHECK(row.lost("slow_consumer") == 0);
      if (i == 1) CHECK(row.lost("dropped_oldest") == 0);  // Policy block.
      if (peer.kills() == 0) CHECK(row.delivered == tally.credited[i]);
      if (!peer.keeps_its_session()) continue;
      CHECK(row.delivered == tally.received[i]);
      CHECK(row.lost("dropped_oldest") == tally.gap_items[i]);
      CHECK(row.routed == tally.received[i] + tally.gap_items[i]);
      CHECK(row.lost("session_ended") == 0);
    }
  }

  /// A quiet run would prove little.
  void check_that_all_happened(const Reading& reading) const {
    long kills = 0, stops = 0;
    for (const auto& peer : peers_) kills += peer->kills();
    for (const auto& peer : peers_) stops += peer->stops();
    CHECK(kills > 0);
    CHECK(stops > 0);
    CHECK(reading.lost("dropped_oldest") > 0);
    CHECK(reading.lost("session_ended") > 0);
  }

  TestHome home_;
  std::mt19937_64 random_;
  std::unique_ptr<RawClient> reader_;
  std::vector<std::unique_ptr<Peer>> peers_;
  long readings_ = 0;
};

TEST_CASE("published x subscribers = delivered + queued + in flight + dropped, at every moment") {
  const std::uint64_t messages = scaled(200'000UL, 10'000'000UL);
  const std::uint64_t seed = chosen_seed();
  std::printf("seed %llu (GUILD_TEST_SEED)\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  INFO("seed " << seed);
  Arena arena(seed);
  arena.open(messages);
  arena.run();
  arena.close();
  arena.print();
  arena.check_end();
}

TEST_CASE("a subscriber that is cut off for its slowness: every message of it is accounted for") {
  constexpr std::uint64_t credit_given = 12, queue_max = 100, gaps_max = 4'096;
  // A quarter is kept for requests and replies.
  constexpr std::uint64_t delivered = credit_given / 4 * 3;
  constexpr std::uint64_t messages = delivered + queue_max + gaps_max + 1;
  TestHome home;
  home.set_environment("GUILD_BROKER_QUEUE_MESSAGES_MAX", std::to_string(queue_max));
  home.add_key("app-a", "client");
  home.add_key("app-b", "client");
  home.start("broker");
  const auto subscriber =
      RawClient::join(home.bus_endpoint(), RawKeys::load(home.keys(), "app-b"), credit_given);
  REQUIRE(subscriber->ask(subscribe, "apps/**").kind == done);
  // A topic of its own for each, so that each loss needs a notice of its own.
  const auto publisher = RawClient::join(home.bus_endpoint(), RawKeys::load(home.keys(), "app-a"));
  std::string frame;
  for (std::uint64_t i = 1; i <= messages; ++i)
    frame += publish_bytes(i, "apps/" + std::to_string(i), {"x"}, true);
  publisher->send(frame);
  std::uint64_t seen = 0;
  for (auto record = subscriber->next(); record && record->kind != refused;
       record = subscriber->next())
    if (record->kind == deliver) seen += record->items().size();
  CHECK(seen == delivered);
  while (publisher->expect(ack).number < messages) {
  }

  const Reading reading =
      read(*RawClient::join(home.bus_endpoint(), RawKeys::load(home.keys(), "operator")));
  std::uint64_t published = 0, routed = 0, accounted = 0;
  for (const auto& [key, row] : reading.rows()) {
    published += row.published;
    routed += row.routed;
    accounted += row.accounted();
  }
  CHECK(published >= messages);  // The broker's own events are there too.
  CHECK(routed == messages);
  CHECK(accounted == messages);
  CHECK(reading.lost("session_ended") == delivered);
  CHECK(reading.lost("slow_consumer") == queue_max);
  CHECK(reading.lost("dropped_oldest") == gaps_max + 1);
}

}  // namespace
}  // namespace guild::test
