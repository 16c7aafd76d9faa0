// Link: one connection between a client and the broker. Frames arrive in order, each after a delay
// of its own; a hold keeps all of them back; a cut loses those that have not arrived. Each side
// learns of the cut in its own time, and what it sends until then is lost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "broker/wire.hpp"
#include "tests/simulation/broker/timeline.hpp"

namespace guild::simulation {

class Pipe {
 public:
  std::size_t waiting() const { return frames_.size(); }
  /// Answers when the frame arrives.
  Time send(std::string_view frame, Time arrives) {
    last_ = std::max({arrives, last_, held_until_});
    frames_.push_back({last_, std::string(frame)});
    return last_;
  }
  /// Nothing arrives before `until`.
  void hold(Time until) {
    held_until_ = until;
    for (Frame& frame : frames_) frame.arrives = std::max(frame.arrives, until);
    if (!frames_.empty()) last_ = std::max(last_, until);
  }
  std::optional<Time> next_arrival() const {
    if (frames_.empty()) return {};
    return frames_.front().arrives;
  }
  std::optional<std::string> take(Time now) {
    if (frames_.empty() || frames_.front().arrives > now) return {};
    std::string bytes = std::move(frames_.front().bytes);
    frames_.pop_front();
    return bytes;
  }
  void lose_what_has_not_arrived(Time now) {
    std::erase_if(frames_, [now](const Frame& frame) { return frame.arrives > now; });
  }

  // Faults that no transport of ours has, while the connection lives on.
  bool lose_one() {
    if (frames_.empty()) return false;
    frames_.pop_front();
    return true;
  }
  bool repeat_one() {
    if (frames_.empty()) return false;
    frames_.push_front(frames_.front());
    return true;
  }

 private:
  struct Frame {
    Time arrives;
    std::string bytes;
  };
  std::deque<Frame> frames_;
  Time last_{}, held_until_{};
};

struct Link {
  broker::SessionId session{};
  std::size_t client = 0;  ///< Whose.
  broker::Identity identity;
  std::uint64_t broker_life = 0;
  Pipe up, down;
  bool cut = false;
  bool client_knows = false;  ///< That it has ended.
  bool broker_knows = false;
  bool known_to_core = false;  ///< Its first frame has come.
};

}  // namespace guild::simulation
