// PostingQueue: postings that one thread reads and another checks, so that a long verification uses
// two cores. In order; bounded: push waits while blocks_max blocks are under way. What `take` does
// is done when `drain` returns, and may then be looked at by the pushing thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ledgerd/posting.hpp"

namespace guild::ledgerd {

class PostingQueue {
 public:
  /// Called on the queue's own thread; false ends it: what comes after is dropped.
  using Take = std::function<bool(const Posting&)>;

  explicit PostingQueue(Take take);
  ~PostingQueue();
  PostingQueue(const PostingQueue&) = delete;
  PostingQueue& operator=(const PostingQueue&) = delete;

  /// False once `take` has answered false.
  bool push(Posting posting);
  /// Waits until everything that was pushed is taken or dropped.
  void drain();

 private:
  static constexpr std::size_t block_size = 1'024, blocks_max = 8;
  void hand_over();
  void run();

  const Take take_;
  std::vector<Posting> filling_;  // The pushing thread's.
  bool is_over_seen_ = false;     // Likewise.

  std::mutex mutex_;  // Guards what follows, up to the thread.
  std::condition_variable changed_;
  std::deque<std::vector<Posting>> blocks_;
  bool is_taking_ = false, is_over_ = false, is_stopping_ = false;

  std::jthread thread_;  // Last: it uses the rest until it is joined.
};

}  // namespace guild::ledgerd
