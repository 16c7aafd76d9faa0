// Laws of the broker's core, over random histories of clients that come, go, subscribe, publish,
// ask, read slowly or not at all. A failure prints the seed; rerun with RC_PARAMS="seed=N".
//   1. routed = delivered + queued + in_flight + dropped, for every client and topic, after every
//   step.
//   2. What was routed is what was accepted times who was subscribed, and published is what was
//   accepted.
//   3. A subscriber gets what it was routed in order, each item once; what is missing stands in a
//   GAP,
//      exactly, or waits, or is in the statistics of its ended session.
//   4. Every request is answered at most once, and exactly once while its requester stays.
#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <set>

#include "broker/pattern_tree.hpp"
#include "common/bus/topic.hpp"
#include "tests/unit/broker/world.hpp"

namespace guild::broker {
namespace {

using bus::Kind;

struct Step {
  int what = 0, who = 0, topic = 0, count = 0;
};
std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << "{" << step.what << "," << step.who << "," << step.topic << "," << step.count
             << "}";
}

rc::Gen<std::vector<Step>> histories() {
  const auto step = rc::gen::build<Step>(rc::gen::set(&Step::what, rc::gen::inRange(0, 100)),
                                         rc::gen::set(&Step::who, rc::gen::inRange(0, 5)),
                                         rc::gen::set(&Step::topic, rc::gen::inRange(0, 6)),
                                         rc::gen::set(&Step::count, rc::gen::inRange(1, 7)));
  return rc::gen::scale(4.0, rc::gen::container<std::vector<Step>>(step));
}

constexpr const char* topics[] = {"block/a", "block/b", "drop/a", "drop/b", "cut/a", "drop/a/b"};
constexpr const char* patterns[] = {"**", "drop/*", "block/**", "*/a", "cut/a", "drop/a"};
constexpr const char* names[] = {"ada", "ada", "bob", "eve", "kim"};

struct Item {
  SessionId publisher;
  std::uint64_t sequence;
  std::string sender, topic, payload;
};

/// One connection as the model sees it.
struct Peer {
  World::Client* client = nullptr;
  std::set<std::string> subscriptions;
  std::deque<Item> expected;  ///< Routed to it and not yet seen or told lost.
  std::size_t read = 0;       ///< Of its inbox.
  std::uint64_t unreturned_bytes = 0;
  std::uint32_t unreturned_messages = 0;
  bool serves = false;
  std::vector<std::uint64_t> held;          ///< Requests to answer.
  std::map<std::uint64_t, int> answers_to;  ///< By correlation.
  std::set<std::uint64_t> cancelled;

  bool hears(const std::string& topic) const {
    return std::ranges::any_of(
        subscriptions, [&](const std::string& pattern) { return bus::matches(pattern, topic); });
  }
};

class Model {
 public:
  Model() : world_(limits(), rules()) {
    for (const char* name : names) world_.allow(name);
    for (int i = 0; i < 5; ++i) join(i);
  }

  void apply(const Step& step) {
    Peer& peer = peers_[static_cast<std::size_t>(step.who)];
    if (peer.client->ended) join(step.who);
    const std::string topic = topics[step.topic], pattern = patterns[step.topic];
    if (step.what < 40)
      publish(peer, topic, step.count);
    else if (step.what < 55)
      read(peer, step.count);
    else if (step.what < 65)
      subscribe(peer, pattern);
    else if (step.what < 70)
      unsubscribe(peer, pattern);
    else if (step.what < 80)
      ask(peer, step.count);
    else if (step.what < 88)
      answer(peer, step.count);
    else if (step.what < 91)
      cancel(peer);
    else if (step.what < 95)
      world_.advance(std::chrono::milliseconds(step.count * 20));
    else if (step.what < 97)
      leave(step.who);
    else if (step.what < 98)
      world_.allow("zoe", {"x"});  // Another epoch.
    else
      serve(peer);
    for (Peer& each : peers_) look(each);
    check_totals();
  }

  /// Everybody reads all there is; then nothing may be left.
  void finish() {
    for (int round = 0; round < 200; ++round)
      for (Peer& peer : peers_) read(peer, 1'000);
    world_.advance(std::chrono::minutes(11));
    for (int round = 0; round < 50; ++round)
      for (Peer& peer : peers_) read(peer, 1'000);
    check_totals();
    for (Peer& peer : peers_) {
      if (peer.client->ended) continue;
      RC_ASSERT(peer.expected.empty());
      for (const auto& [correlation, answers] : peer.answers_to)
        RC_ASSERT(answers == (peer.cancelled.contains(correlation) ? 0 : 1));
    }
    for (const auto& row : world_.core().stats().rows) RC_ASSERT(row.queued + row.in_flight == 0);
  }

 private:
  static Limits limits() {
    Limits limits;
    limits.queue_messages_max = 6;
    limits.block_messages = 5;
    limits.window_messages = 1'000;
    limits.windows_past_block = 0;
    limits.shared_run_min = 20;  // So that runs of three or more are shared.
    limits.frame_target = 200;
    limits.topics_max = 4;
    limits.rows_max = 5;
    return limits;
  }
  static std::vector<OverflowRule> rules() {
    return {{.topics = "block/**", .subscriber = "", .overflow = Overflow::block},
            {.topics = "cut/**", .subscriber = "", .overflow = Overflow::disconnect}};
  }

  void join(int who) {
    Peer& peer = peers_[static_cast<std::size_t>(who)];
    peer = Peer{};
    peer.client = &world_.join(names[who], static_cast<std::uint32_t>(2 + 3 * who), 4'000);
    // A GAP names a sender, not its session: with sequences of their own they can be told apart.
    peer.client->next_sequence = 1'000 * static_cast<std::uint64_t>(peer.client->id) + 1;
  }
  void leave(int who) {
    world_.leave(*peers_[static_cast<std::size_t>(who)].client);
    join(who);
  }

  void subscribe(Peer& peer, const std::string& pattern) {
    world_.subscribe(*peer.client, pattern);
    peer.subscriptions.insert(pattern);
  }
  void unsubscribe(Peer& peer, const std::string& pattern) {
    world_.plain(*peer.client, Kind::unsubscribe, 1, pattern);
    peer.subscriptions.erase(pattern);
  }

  void publish(Peer& peer, const std::string& topic, int count) {
    std::vector<std::string> payloads;
    for (int i = 0; i < count; ++i) payloads.push_back("p" + std::to_string(++payload_));
    const std::uint64_t sequence = peer.client->next_sequence;
    const bool takes_more = !somebody_is_full(topic);
    std::vector<Peer*> hearers;
    for (Peer& each : peers_)
      if (!each.client->ended && each.hears(topic)) hearers.push_back(&each);
    world_.publish_run(*peer.client, topic, payloads);
    if (!takes_more) {
      RC_ASSERT(std::ranges::any_of(peer.client->all(Kind::denied), [&](const Got& denied) {
        return denied.number == sequence && denied_of(denied).code == bus::Code::too_many;
      }));
      return;
    }
    published_[topic] += count;
    for (Peer* each : hearers) {
      routed_[topic] += count;
      for (std::size_t i = 0; i < payloads.size(); ++i)
        each->expected.push_back(
            {peer.client->id, sequence + i, peer.client->name, topic, payloads[i]});
    }
  }
  /// Of those that may hold up others.
  bool somebody_is_full(const std::string& topic) const {
    if (!topic.starts_with("block/")) return false;
    return std::ranges::any_of(peers_, [&](const Peer& peer) {
      return !peer.client->ended && peer.hears(topic) &&
             queued(peer) >
                 static_cast<std::int64_t>(limits().queue_messages_max +
                                           limits().windows_past_block * limits().window_messages);
    });
  }
  std::int64_t queued(const Peer& peer) const {
    for (const auto& told : world_.core().clients().clients)
      if (told.session == peer.client->label) return told.queued_messages;
    return 0;
  }

  /// Returns credit for at most `messages` of what it has.
  void read(Peer& peer, int messages) {
    look(peer);
    const auto taken = std::min(peer.unreturned_messages, static_cast<std::uint32_t>(messages));
    if (taken == 0 || peer.client->ended) return;
    const bool rest = taken == peer.unreturned_messages;
    const std::uint64_t bytes = rest ? peer.unreturned_bytes : peer.unreturned_bytes / 2;
    peer.unreturned_messages -= taken;
    peer.unreturned_bytes -= bytes;
    world_.credit(*peer.client, bytes, taken);
    look(peer);
  }

  void serve(Peer& peer) {
    world_.serve(*peer.client, "svc");
    peer.serves = true;
  }
  void ask(Peer& peer, int deadline) {
    const std::uint64_t correlation = ++correlation_;
    peer.answers_to[correlation] = 0;
    world_.request(*peer.client, correlation, "svc", "q",
                   static_cast<std::uint32_t>(deadline * 15));
  }
  void answer(Peer& peer, int which) {
    if (peer.held.empty()) return;
    const std::size_t at = static_cast<std::size_t>(which) % peer.held.size();
    const std::uint64_t number = peer.held[at];
    peer.held.erase(peer.held.begin() + static_cast<std::ptrdiff_t>(at));
    world_.reply(*peer.client, number, "r");
  }
  void cancel(Peer& peer) {
    for (const auto& [correlation, answers] : peer.answers_to) {
      if (answers != 0 || peer.cancelled.contains(correlation)) continue;
      // It may be answered already, the answer waiting for credit: then that still comes.
      const std::size_t before = waiting_requests();
      world_.plain(*peer.client, Kind::cancel, correlation);
      if (waiting_requests() < before) peer.cancelled.insert(correlation);
      return;
    }
  }
  std::size_t waiting_requests() { return world_.core().requests_waiting(); }

  /// Checks what came since last time.
  void look(Peer& peer) {
    for (; peer.read < peer.client->inbox.size(); ++peer.read) {
      const Got& got = peer.client->inbox[peer.read];
      switch (got.kind) {
        case Kind::deliver:
          take_delivery(peer, got);
          break;
        case Kind::gap:
          take_gap(peer, got);
          break;
        case Kind::request_delivery:
          peer.held.push_back(got.number);
          break;
        case Kind::reply_delivery:
        case Kind::failed:
          RC_ASSERT(++peer.answers_to.at(got.number) == 1);
          break;
        default:
          break;
      }
      const bool counts = got.kind == Kind::deliver || got.kind == Kind::gap ||
                          got.kind == Kind::request_delivery || got.kind == Kind::reply_delivery;
      if (!counts) continue;
      peer.unreturned_bytes +=
          bus::record_header_bytes + got.topic.size() + got.name.size() + got.body.size();
      if (got.kind != Kind::deliver) ++peer.unreturned_messages;
    }
  }

  void take_delivery(Peer& peer, const Got& got) {
    std::uint64_t sequence = got.number;
    for (const std::string& payload : items_of(bus::read_deliver(got.body)->items)) {
      // What was lost before it has been told already: a GAP never comes after its place.
      RC_ASSERT(!peer.expected.empty());
      const Item& item = peer.expected.front();
      RC_ASSERT(item.payload == payload);
      RC_ASSERT(item.sequence == sequence);
      RC_ASSERT(item.topic == got.topic);
      RC_ASSERT(item.sender == got.name);
      peer.expected.pop_front();
      ++sequence;
      ++peer.unreturned_messages;
    }
  }

  /// A GAP explains items of one publisher and topic: those between its ends, `count` of them.
  void take_gap(Peer& peer, const Got& got) {
    const auto gap = bus::read_gap(got.body);
    RC_ASSERT(gap.has_value());
    std::uint64_t explained = 0;
    const auto is_its = [&](const Item& item) {
      return explained < gap->count && item.topic == got.topic && item.sender == got.name &&
             item.sequence >= got.number && item.sequence <= gap->last;
    };
    for (auto item = peer.expected.begin(); item != peer.expected.end();) {
      if (!is_its(*item)) {
        ++item;
        continue;
      }
      ++explained;
      item = peer.expected.erase(item);
    }
    RC_ASSERT(explained == gap->count);
  }

  void check_totals() {
    world_.check_law();
    std::map<std::string, std::int64_t> published, routed;
    std::int64_t all_published = 0, all_routed = 0;
    for (const auto& row : world_.core().stats().rows) {
      published[row.topic] += row.published;
      routed[row.topic] += row.routed;
      all_published += row.published;
      all_routed += row.routed;
    }
    std::int64_t expected_published = 0, expected_routed = 0;
    for (const auto& [topic, count] : published_) expected_published += count;
    for (const auto& [topic, count] : routed_) expected_routed += count;
    // Rows may have been folded, so topic by topic it is at most that; in all it is exact.
    RC_ASSERT(all_published == expected_published);
    RC_ASSERT(all_routed == expected_routed);
    for (const char* topic : topics) {
      RC_ASSERT(published[topic] <= published_[topic]);
      RC_ASSERT(routed[topic] <= routed_[topic]);
    }
  }

  World world_;
  std::array<Peer, 5> peers_;
  std::map<std::string, std::int64_t> published_, routed_;
  std::uint64_t payload_ = 0, correlation_ = 0;
};

TEST_CASE("messages are conserved, ordered and delivered once; requests are answered once") {
  CHECK(rc::check("random histories keep the broker's laws", [] {
    const auto history = *histories();
    Model model;
    for (const Step& step : history) model.apply(step);
    model.finish();
  }));
}

TEST_CASE("the pattern tree agrees with matching one by one") {
  const auto level = rc::gen::element<std::string>("a", "b", "c", "*");
  const auto pattern = rc::gen::map(
      rc::gen::pair(rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(level)),
                    rc::gen::arbitrary<bool>()),
      [](std::pair<std::vector<std::string>, bool> parts) {
        parts.first.resize(std::min<std::size_t>(parts.first.size(), 5));
        std::string text;
        for (const std::string& part : parts.first) text += (text.empty() ? "" : "/") + part;
        return parts.second ? text + "/**" : text;
      });
  CHECK(rc::check("tree and matches agree", [&] {
    const auto held = *rc::gen::container<std::vector<std::string>>(pattern);
    const auto removed =
        *rc::gen::container<std::vector<bool>>(held.size(), rc::gen::arbitrary<bool>());
    std::string topic = *pattern;
    std::ranges::replace(topic, '*', 'a');
    PatternTree<std::size_t> tree;
    for (std::size_t i = 0; i < held.size(); ++i) tree.add(held[i], i);
    std::multiset<std::size_t> expected, found;
    for (std::size_t i = 0; i < held.size(); ++i) {
      if (removed[i])
        tree.remove(held[i], i);
      else if (bus::matches(held[i], topic))
        expected.insert(i);
    }
    tree.match(topic, [&](std::size_t i) { found.insert(i); });
    RC_ASSERT(found == expected);
  }));
}

}  // namespace
}  // namespace guild::broker
