#include "tests/integration/bus/racers.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>

namespace guild::test {

using namespace raw;
using namespace std::chrono_literals;

namespace {

/// A word that has not come by then is lost; no race takes a hundredth of it.
constexpr auto lost_after = 20s;
constexpr std::size_t words_at_once = 8;
constexpr int patterns_held_max = 12;
constexpr std::size_t forbidden_kept = 4'096;
constexpr std::string_view noise = "noise", forbidden_mark = "forbidden ";

bool matches(std::string_view pattern, std::string_view topic) {
  while (!pattern.empty() || !topic.empty()) {
    const std::size_t end = pattern.find('/'), level_end = topic.find('/');
    const std::string_view wanted = pattern.substr(0, end), level = topic.substr(0, level_end);
    if (level.empty()) return false;
    if (wanted == "**") return true;
    if (wanted != "*" && wanted != level) return false;
    pattern.remove_prefix(end == std::string_view::npos ? pattern.size() : end + 1);
    topic.remove_prefix(level_end == std::string_view::npos ? topic.size() : level_end + 1);
    if (pattern.empty() != topic.empty()) return false;
  }
  return true;
}

}  // namespace

// ---- Words -------------------------------------------------------------------------------------

void Racetrack::hand_over(Word word) {
  const std::lock_guard lock(mutex_);
  words_.push_back(std::move(word));
  handed_.notify_one();
}

std::deque<Racetrack::Word> Racetrack::take_words() {
  std::unique_lock lock(mutex_);
  handed_.wait(lock, [&] { return finished_ || !words_.empty(); });
  std::deque<Word> taken;
  if (!words_.empty()) {
    taken.push_back(std::move(words_.front()));
    words_.pop_front();
  }
  return taken;
}

void Racetrack::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  handed_.notify_all();
}

void Racetrack::fault(std::string what) {
  const std::lock_guard lock(mutex_);
  score_.faults.push_back(std::move(what));
}

bool Racetrack::has_faults() const {
  const std::lock_guard lock(mutex_);
  return !score_.faults.empty();
}

void Racetrack::add(const Score& score) {
  const std::lock_guard lock(mutex_);
  score_.won += score.won;
  score_.forbidden += score.forbidden;
  score_.subscriptions += score.subscriptions;
  score_.unsubscriptions += score.unsubscriptions;
  score_.sessions += score.sessions;
  score_.noise += score.noise;
}

// ---- Publishers --------------------------------------------------------------------------------

void Racetrack::publish(const RawKeys& keys, int number) try {
  std::mt19937_64 random(seed_ * 1'000 + static_cast<std::uint64_t>(number));
  const auto client = RawClient::join(endpoint_, keys);
  std::uint64_t sequence = 0;
  for (auto words = take_words(); !words.empty(); words = take_words()) {
    const Word& word = words.front();
    std::string frame;
    // Others talk on the same topics, before and after, in the same frame and in others.
    if (random() % 4 == 0) frame += publish_bytes(++sequence, word.topic, {std::string(noise)});
    frame += publish_bytes(++sequence, word.topic, {word.text});
    if (random() % 4 == 0) frame += publish_bytes(++sequence, "apps/r/0", {std::string(noise)});
    client->send(frame);
    // Credit is far from used up: the broker returns it by quarters of 1 MiB.
    while (client->next(0ms)) {
    }
  }
} catch (const std::exception& problem) {
  fault(std::string("publisher: ") + problem.what());
}

// ---- Subscribers -------------------------------------------------------------------------------

/// One subscriber: what it holds, what it waits for.
class Racer {
 public:
  Racer(Racetrack& track, const RawKeys& keys, int number)
      : track_(track),
        keys_(keys),
        name_(std::to_string(number)),
        random_(track.seed_ * 1'000 + 500 + static_cast<std::uint64_t>(number)) {}

  void run(long races) {
    new_session();
    while (score_.won < races && !failed_ && !track_.has_faults()) {
      step();
      while (waiting_.size() >= words_at_once && !failed_) take_one();
    }
    while (!waiting_.empty() && !failed_) take_one();
    if (!failed_) hear_the_end();
    track_.add(score_);
  }

 private:
  /// One thing at random. New sessions are dear.
  void step() {
    const auto dice = random_() % 1'000;
    if (dice < 2) {
      while (!waiting_.empty() && !failed_) take_one();
      new_session();
    } else if (dice < 400 && !held_.empty()) {
      drop_pattern();
    } else if (held_.size() < patterns_held_max) {
      race(add_pattern());
    } else {
      race(any_held());
    }
  }

  void new_session() {
    client_.reset();
    held_.clear();
    forbidden_.clear();
    client_ = RawClient::join(track_.endpoint_, keys_);
    ++score_.sessions;
  }

  /// Patterns overlap: a topic is `apps/r/A`, `apps/r/A/B` or `apps/r/A/B/C` with few A, B, C.
  std::string add_pattern() {
    std::string pattern = "apps/r";
    const auto levels = 1 + random_() % 3;
    for (std::size_t level = 0; level < levels; ++level) {
      const auto dice = random_() % 8;
      if (dice == 7 && level + 1 == levels)
        pattern += "/**";
      else
        pattern += dice >= 5 ? std::string("/*") : "/" + std::to_string(dice % 3);
    }
    // What was not to come may come from now on.
    std::erase_if(forbidden_, [&](const auto& word) { return matches(pattern, word.topic); });
    ask(subscribe, pattern);
    held_.insert(pattern);
    ++score_.subscriptions;
    return pattern;
  }

  void drop_pattern() {
    const std::string pattern = any_held();
    const std::string topic = topic_of(pattern);
    // What still waits may have this pattern alone to come by.
    while (needs(pattern) && !failed_) take_one();
    ask(unsubscribe, pattern);
    held_.erase(pattern);
    ++score_.unsubscriptions;
    if (!is_heard(topic)) forbid(topic);
  }

  /// Has something said that must not come.
  void forbid(const std::string& topic) {
    ++score_.forbidden;
    forbidden_.push_back({topic, std::string(forbidden_mark) + next_text()});
    if (forbidden_.size() > forbidden_kept) forbidden_.pop_front();
    track_.hand_over(forbidden_.back());
  }

  std::string any_held() {
    auto held = held_.begin();
    std::advance(held, static_cast<long>(random_() % held_.size()));
    return *held;
  }

  std::string topic_of(const std::string& pattern) {
    std::string topic = pattern;
    if (const auto rest = topic.find("**"); rest != std::string::npos)
      topic.replace(rest, 2, random_() % 2 == 0 ? "0" : "1/2");
    for (std::size_t at = topic.find('*'); at != std::string::npos; at = topic.find('*'))
      topic[at] = static_cast<char>('0' + random_() % 3);
    return topic;
  }

  bool is_heard(const std::string& topic) const {
    for (const std::string& pattern : held_)
      if (matches(pattern, topic)) return true;
    return false;
  }
  /// Whether a word waits that no other pattern would bring.
  bool needs(const std::string& pattern) const {
    for (const auto& [text, topic] : waiting_) {
      bool by_another = false;
      for (const std::string& other : held_)
        by_another = by_another || (other != pattern && matches(other, topic));
      if (!by_another) return true;
    }
    return false;
  }

  void race(const std::string& pattern) {
    const std::string topic = topic_of(pattern), text = next_text();
    waiting_.emplace(text, topic);
    track_.hand_over({topic, text});
  }

  std::string next_text() { return name_ + "." + std::to_string(++last_text_); }

  // ---- Hearing.

  void ask(unsigned kind, const std::string& pattern) {
    const std::uint64_t number = ++correlation_;
    client_->send(record_bytes(kind, number, pattern));
    while (!failed_) {
      const auto record = next("DONE for " + pattern);
      if (!record) return;
      if (record->kind == done && record->number == number) return;
      if (record->kind == denied) return fail(pattern + " was denied");
    }
  }

  void take_one() { next(waiting_.empty() ? "anything" : "word " + waiting_.begin()->first); }

  std::optional<RawRecord> next(const std::string& what) {
    auto record = client_->next(lost_after);
    if (!record)
      fail(what + " never came; " + std::to_string(waiting_.size()) + " words wait");
    else if (record->kind == deliver)
      take(*record);
    else if (record->kind == refused)
      fail("the session was refused");
    return record;
  }

  void take(const RawRecord& record) {
    const auto items = record.items();
    for (const std::string& item : items) take_item(record.topic, item);
    client_->return_credit(record, static_cast<std::uint32_t>(items.size()));
  }

  void take_item(const std::string& topic, const std::string& item) {
    if (waiting_.erase(item) == 1)
      ++score_.won;
    else if (item.starts_with(name_ + "."))
      fail("a second time on " + topic + ": " + item);
    else if (std::ranges::any_of(forbidden_, [&](const auto& word) { return word.text == item; }))
      fail("after UNSUBSCRIBE was done, on " + topic + ": " + item);
    else
      ++score_.noise;
  }

  /// What was handed over before these words has been said before them, by and large, and what must
  /// not come would have come.
  void hear_the_end() {
    constexpr int last_words = 16;
    const std::string pattern = "apps/end/" + name_;
    ask(subscribe, pattern);
    for (int i = 0; i < last_words; ++i) {
      const std::string text = next_text();
      waiting_.emplace(text, pattern);
      track_.hand_over({pattern, text});
    }
    while (!waiting_.empty() && !failed_) take_one();
    ask(unsubscribe, pattern);
  }

  void fail(const std::string& what) {
    failed_ = true;
    track_.fault("subscriber " + name_ + ": " + what);
  }

  static constexpr unsigned unsubscribe = 3;

  Racetrack& track_;
  RawKeys keys_;
  std::string name_;
  std::mt19937_64 random_;
  std::unique_ptr<RawClient> client_;
  std::set<std::string> held_;
  std::map<std::string, std::string> waiting_;  // Text to topic.
  std::deque<Racetrack::Word> forbidden_;
  std::uint64_t correlation_ = 0, last_text_ = 0;
  bool failed_ = false;
  Racetrack::Score score_;
};

void Racetrack::subscribe(const RawKeys& keys, int number, long races) try {
  Racer(*this, keys, number).run(races);
} catch (const std::exception& problem) {
  fault("subscriber " + std::to_string(number) + ": " + problem.what());
}

}  // namespace guild::test
