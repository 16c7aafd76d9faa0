// Racetrack: publishers and subscribers of the race for a confirmed subscription (races_test.cpp).
// A subscriber hands a publisher a word and a topic when, and only when, DONE has come, so that the
// order of the two is a fact. Each thread has a connection of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "tests/integration/raw_client.hpp"

namespace guild::test {

class Racetrack {
 public:
  struct Score {
    long won = 0, forbidden = 0, subscriptions = 0, unsubscriptions = 0, sessions = 0, noise = 0;
    std::vector<std::string> faults;
  };

  Racetrack(std::string endpoint, std::uint64_t seed)
      : endpoint_(std::move(endpoint)), seed_(seed) {}

  /// A publisher's thread, until `finish`.
  void publish(const raw::RawKeys& keys, int number);
  /// A subscriber's thread: until it has won `races`, or a fault.
  void subscribe(const raw::RawKeys& keys, int number, long races);
  void finish();
  Score score() const { return score_; }

 private:
  friend class Racer;
  struct Word {
    std::string topic, text;
  };
  /// `text` is to be said on `topic`, from now on.
  void hand_over(Word word);
  std::deque<Word> take_words();
  void fault(std::string what);
  void add(const Score& score);
  bool has_faults() const;

  std::string endpoint_;
  std::uint64_t seed_;
  mutable std::mutex mutex_;
  std::condition_variable handed_;
  std::deque<Word> words_;
  bool finished_ = false;
  Score score_;
};

}  // namespace guild::test
