// counting_peer ENDPOINT KEYS_DIR NAME TALLY SEED pub QUOTA
// counting_peer ENDPOINT KEYS_DIR NAME TALLY SEED sub CREDIT_MESSAGES steady|restless
// A client that counts what it does into TALLY (tally.hpp), to be killed, stopped and started again
// at any moment. A publisher ends when all its lives have sent QUOTA items; a subscriber when the
// end mark has come. A restless one starts new sessions by itself.
#include <zmq.h>

#include <cstdio>
#include <deque>
#include <map>
#include <random>

#include "tests/integration/bus/tally.hpp"
#include "tests/integration/raw_client.hpp"

namespace {

using namespace guild::raw;
using namespace guild::test;
using namespace std::chrono_literals;

constexpr auto answer_limit = 20s;

struct Who {
  std::string endpoint;
  RawKeys keys;
};

std::unique_ptr<RawClient> join(const Who& who, Tally& tally, std::uint32_t credit_messages) {
  ++tally.lives;
  return RawClient::join(who.endpoint, who.keys, credit_messages);
}

bool lost(RawClient& client) { return client.wait_event(ZMQ_EVENT_DISCONNECTED, 0ms) != 0; }

/// The connection is gone, and with it the session.
struct SessionLost {};

// ---- Publisher ---------------------------------------------------------------------------------

class Publisher {
 public:
  Publisher(const Who& who, Tally& tally, std::uint64_t seed)
      : who_(who), tally_(tally), random_(seed) {}

  void run(std::uint64_t quota) {
    while (total(tally_.sent) < quota) {
      try {
        live(quota);
      } catch (const SessionLost&) {
        ++tally_.lost_sessions;
      }
    }
  }

 private:
  struct Run {
    std::uint64_t last = 0;
    std::size_t topic = 0;
    std::uint64_t count = 0;
  };

  /// One session: some thousand items, all of them acknowledged when it ends by itself.
  void live(std::uint64_t quota) {
    client_ = join(who_, tally_, 1U << 20U);
    unacked_.clear();
    sequence_ = 0;
    bytes_ = static_cast<std::int64_t>(client_->welcomed().u32(36));
    messages_ = client_->welcomed().u32(32);
    life_ = std::to_string(random_());
    const std::uint64_t share = 1'000 + random_() % 20'000;
    while (sequence_ < share && total(tally_.sent) < quota) {
      listen(0ms);
      while (bytes_ <= 0 || messages_ <= 0) listen(answer_limit);
      publish_run();
    }
    while (!unacked_.empty()) listen(answer_limit);
    client_->send(record_bytes(goodbye, 0));
  }

  void publish_run() {
    const std::size_t topic = random_() % end_topic;
    std::vector<std::string> items(1 + random_() % 60, life_);
    items.back().append(random_() % 300, '.');
    const std::string frame =
        publish_bytes(sequence_ + 1, tallied_topics[topic], items, /*ack_wanted=*/true);
    sequence_ += items.size();
    bytes_ -= static_cast<std::int64_t>(frame.size());
    messages_ -= static_cast<std::int64_t>(items.size());
    tally_.sent[topic] += items.size();
    unacked_.push_back({sequence_, topic, items.size()});
    try {
      client_->send(frame);
    } catch (const std::runtime_error&) {
      throw SessionLost();
    }
  }

  /// Takes what has come; waits up to `limit` for the first.
  void listen(RawClient::Limit limit) {
    auto record = client_->next(limit);
    if (!record && (limit > 0ms || lost(*client_))) throw SessionLost();
    for (; record; record = client_->next(0ms)) take(*record);
  }

  void take(const RawRecord& record) {
    if (record.kind == grant) {
      bytes_ += static_cast<std::int64_t>(record.number);
      messages_ += record.u32(0);
    }
    if (record.kind == refused || record.kind == denied) throw SessionLost();
    if (record.kind != ack) return;
    for (; !unacked_.empty() && unacked_.front().last <= record.number; unacked_.pop_front())
      tally_.acked[unacked_.front().topic] += unacked_.front().count;
  }

  Who who_;
  Tally& tally_;
  std::mt19937_64 random_;
  std::unique_ptr<RawClient> client_;
  std::deque<Run> unacked_;
  std::uint64_t sequence_ = 0;
  std::int64_t bytes_ = 0, messages_ = 0;
  std::string life_;
};

// ---- Subscriber --------------------------------------------------------------------------------

class Subscriber {
 public:
  Subscriber(const Who& who, Tally& tally, std::uint64_t seed, std::uint32_t credit, bool restless)
      : who_(who), tally_(tally), random_(seed), credit_messages_(credit), restless_(restless) {}

  void run() {
    while (!ended_) {
      try {
        live();
      } catch (const SessionLost&) {
        ++tally_.lost_sessions;
      }
    }
  }

 private:
  using Items = std::array<std::uint64_t, tallied_topics.size()>;

  void live() {
    client_ = join(who_, tally_, credit_messages_);
    last_of_life_.clear();
    held_.clear();
    pinged_.clear();
    // What comes before both are confirmed is counted too.
    for (const char* pattern : {"apps/**", "bench/**"}) subscribe_to(pattern);
    std::fprintf(stderr, "ready\n");
    const std::uint64_t share =
        restless_ ? 1'000 + random_() % 30'000 : std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t begin = total(tally_.received);
    while (!ended_ && total(tally_.received) - begin < share) step();
    give_back();
    while (!pinged_.empty()) step();
    client_->send(record_bytes(goodbye, 0));
  }

  void subscribe_to(const std::string& pattern) {
    client_->send(record_bytes(subscribe, 1, pattern));
    for (;;) {
      const auto record = client_->next(answer_limit);
      if (!record) throw SessionLost();
      take(*record);
      if (record->kind == done && record->topic == pattern) return;
    }
  }

  void step() {
    const auto record = client_->next(held_.empty() ? RawClient::Limit(200) : 0ms);
    if (record) take(*record);
    if (!record && held_.empty() && lost(*client_)) throw SessionLost();
    // Credit goes back at once or a little later, so that there is something in flight.
    if (!record || held_.size() > random_() % 5) give_back();
  }

  void take(const RawRecord& record) {
    if (record.kind == refused) throw SessionLost();
    if (record.kind == pong) confirm();
    if (record.kind != deliver && record.kind != gap) return;
    const std::size_t topic = index_of(record.topic);
    std::uint32_t messages = 1;
    if (record.kind == deliver) {
      const auto items = record.items();
      messages = static_cast<std::uint32_t>(items.size());
      tally_.received[topic] += messages;
      check_order(record, items);
    } else {
      tally_.gap_items[topic] += record.u32(8);
    }
    // Its queue may be so full that the mark itself is lost; the notice stands in its place.
    ended_ = ended_ || topic == end_topic;
    held_.push_back({topic, record.kind == deliver ? messages : 0, messages, record.size()});
  }

  /// A sender's items of one session rise, over all topics. The item says which session it was.
  void check_order(const RawRecord& record, const std::vector<std::string>& items) {
    std::uint64_t& last = last_of_life_[record.name + items[0].substr(0, items[0].find('.'))];
    if (record.number <= last) ++tally_.faults;
    last = record.number + items.size() - 1;
  }

  void give_back() {
    if (held_.empty()) return;
    std::uint64_t bytes = 0;
    std::uint32_t messages = 0;
    Items items{};
    for (const Held& held : held_) {
      items[held.topic] += held.items;
      bytes += held.bytes;
      messages += held.messages;
    }
    held_.clear();
    for (std::size_t i = 0; i < items.size(); ++i) tally_.credited[i] += items[i];
    pinged_.push_back(items);
    try {
      client_->send(record_bytes(credit, bytes, {}, {}, u32_bytes(messages)) +
                    record_bytes(ping, 0));
    } catch (const std::runtime_error&) {
      throw SessionLost();
    }
  }

  /// The broker has applied the credit that went before this ping; pings are answered in order.
  void confirm() {
    const Items items = pinged_.front();
    pinged_.pop_front();
    for (std::size_t i = 0; i < items.size(); ++i) tally_.confirmed[i] += items[i];
  }

  struct Held {
    std::size_t topic = 0;
    std::uint64_t items = 0;
    std::uint32_t messages = 0;
    std::size_t bytes = 0;
  };

  Who who_;
  Tally& tally_;
  std::mt19937_64 random_;
  std::uint32_t credit_messages_;
  bool restless_, ended_ = false;
  std::unique_ptr<RawClient> client_;
  std::map<std::string, std::uint64_t> last_of_life_;
  std::vector<Held> held_;
  std::deque<Items> pinged_;  ///< What was given back with each ping that is not answered.
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 8) return 2;
  const Who who{argv[1], RawKeys::load(argv[2], argv[3])};
  const TallyFile tally(argv[4]);
  const std::uint64_t seed = std::stoull(argv[5]);
  const std::string what = argv[6];
  if (what == "pub") {
    Publisher(who, *tally, seed).run(std::stoull(argv[7]));
  } else {
    const bool restless = argc > 8 && std::string(argv[8]) == "restless";
    Subscriber(who, *tally, seed, static_cast<std::uint32_t>(std::stoul(argv[7])), restless).run();
  }
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
