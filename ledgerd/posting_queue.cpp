#include "ledgerd/posting_queue.hpp"

#include <utility>

namespace guild::ledgerd {

PostingQueue::PostingQueue(Take take) : take_(std::move(take)), thread_([this] { run(); }) {}

PostingQueue::~PostingQueue() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
}

bool PostingQueue::push(Posting posting) {
  filling_.push_back(std::move(posting));
  if (filling_.size() == block_size) hand_over();
  return !is_over_seen_;
}

void PostingQueue::hand_over() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return blocks_.size() < blocks_max || is_over_; });
  is_over_seen_ = is_over_;
  blocks_.push_back(std::exchange(filling_, {}));
  filling_.reserve(block_size);
  lock.unlock();
  changed_.notify_all();
}

void PostingQueue::drain() {
  if (!filling_.empty()) hand_over();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return blocks_.empty() && !is_taking_; });
  is_over_seen_ = is_over_;
}

void PostingQueue::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !blocks_.empty() || is_stopping_; });
    if (blocks_.empty()) return;
    const std::vector<Posting> block = std::move(blocks_.front());
    blocks_.pop_front();
    is_taking_ = true;
    bool goes_on = !is_over_;
    lock.unlock();
    changed_.notify_all();
    for (auto posting = block.begin(); goes_on && posting != block.end(); ++posting)
      goes_on = take_(*posting);
    lock.lock();
    is_taking_ = false;
    is_over_ = is_over_ || !goes_on;
    changed_.notify_all();
  }
}

}  // namespace guild::ledgerd
