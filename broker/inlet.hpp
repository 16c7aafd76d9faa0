// Inlet: the credit of one session towards the broker. The session spends it on PUBLISH, REQUEST
// and REPLY; the broker gives it back in quarters of the window. What was spent on PUBLISH is held
// back while a subscriber under policy `block` cannot keep up; requests and replies never are.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "broker/limits.hpp"
#include "common/bus/frame.hpp"

namespace guild::broker {

struct Credit {
  std::uint64_t bytes = 0;
  std::uint32_t messages = 0;

  Credit& operator+=(const Credit& other) {
    bytes += other.bytes;
    messages += other.messages;
    return *this;
  }
};

class Inlet {
 public:
  explicit Inlet(const Limits& limits)
      : window_{limits.window_bytes, limits.window_messages},
        bytes_(static_cast<std::int64_t>(limits.window_bytes)),
        messages_(limits.window_messages) {}

  const Credit& window() const { return window_; }

  /// A record that counts came. False: it exceeds the credit by more than one frame can.
  bool spend(const Credit& record) {
    bytes_ -= static_cast<std::int64_t>(record.bytes);
    messages_ -= record.messages;
    return bytes_ >= -overshoot_bytes && messages_ >= -overshoot_messages;
  }
  void consumed_call(const Credit& record) { owed_ += record; }
  void consumed_publish(const Credit& record) { (blocked_on_ == 0 ? owed_ : held_) += record; }

  /// One subscriber more, or fewer, is crowded by this session's items.
  void block() { ++blocked_on_; }
  void unblock() {
    if (--blocked_on_ != 0) return;
    owed_ += held_;
    held_ = {};
  }
  bool blocked() const { return blocked_on_ != 0; }

  bool grant_due() const {
    return owed_.bytes >= window_.bytes / 4 || owed_.messages >= window_.messages / 4;
  }
  /// What to grant now: what is owed, or of it what goes with at most so many bytes.
  Credit grant(std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max()) {
    Credit grant = owed_;
    if (owed_.bytes > bytes_max) {
      const double share = static_cast<double>(bytes_max) / static_cast<double>(owed_.bytes);
      grant = {bytes_max, static_cast<std::uint32_t>(std::ceil(share * owed_.messages))};
    }
    owed_.bytes -= grant.bytes;
    owed_.messages -= grant.messages;
    bytes_ += static_cast<std::int64_t>(grant.bytes);
    messages_ += grant.messages;
    return grant;
  }

 private:
  static constexpr std::int64_t overshoot_bytes = bus::frame_bytes_max;
  /// As many empty items as a frame holds.
  static constexpr std::int64_t overshoot_messages = bus::frame_bytes_max / 4;

  Credit window_;
  std::int64_t bytes_, messages_;  ///< Left to the session; below zero by one frame at most.
  Credit owed_, held_;
  std::uint32_t blocked_on_ = 0;
};

}  // namespace guild::broker
