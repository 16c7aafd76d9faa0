// CallQueue: the requests and replies that wait for one session that is out of credit, in order of
// their arrival. They are apart from what it subscribes to, so that a session that is behind with
// deliveries still gets its answers. Bounded like the other queue; past it a request FAILs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "broker/limits.hpp"

namespace guild::broker {

/// A request or a reply that waits for credit.
struct WaitingCall {
  bool is_request = false;
  std::uint64_t number = 0;  ///< Of the request: the broker's; of the reply: the requester's.
  bool is_error = false;
  std::string name, peer, payload;

  /// What it takes of the queue's bytes, with its own memory beside the content, about.
  std::size_t charge() const { return 96 + name.size() + peer.size() + payload.size(); }
};

class CallQueue {
 public:
  explicit CallQueue(const Limits& limits) : limits_(&limits) {}

  bool empty() const { return calls_.empty(); }
  std::size_t size() const { return calls_.size(); }
  std::size_t bytes() const { return bytes_; }
  bool full() const {
    return calls_.size() > limits_->queue_messages_max || bytes_ > limits_->queue_bytes_max;
  }
  /// Whether `allowed(served name)` holds for every request that waits.
  template <class Allowed>
  bool all_requests_of(Allowed&& allowed) const {
    return std::ranges::all_of(calls_, [&](const WaitingCall& call) {
      return !call.is_request || allowed(std::string_view(call.name));
    });
  }
  void keep(WaitingCall call) {
    bytes_ += call.charge();
    calls_.push_back(std::move(call));
  }
  /// Not when it is empty.
  WaitingCall take() {
    WaitingCall call = std::move(calls_.front());
    calls_.pop_front();
    bytes_ -= call.charge();
    return call;
  }
  void clear() {
    calls_.clear();
    bytes_ = 0;
  }

 private:
  const Limits* limits_;
  std::deque<WaitingCall> calls_;
  std::size_t bytes_ = 0;
};

}  // namespace guild::broker
