// Taps: who looks at the headers of live traffic, and what passed since they were last told. Never
// content. A tap has a pattern; consecutive messages of one sender on one topic are one header.
// Bounded: 16 taps, 500 headers a tap in each tenth of a second, the rest counted. A topic under
// bus/traffic/ is never looked at: it would tell of itself. Pure; part of the core.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire.hpp"
#include "common/messages/broker.hpp"

namespace guild::broker {

/// Consecutive messages that passed. Views.
struct Passing {
  messages::BusOperation operation{};
  std::string_view topic, sender;
  std::uint64_t sequence = 0;
  std::uint32_t count = 0;
  std::size_t bytes = 0;
};

class Taps {
 public:
  static constexpr std::size_t taps_max = 16;
  static constexpr std::size_t headers_max = decltype(messages::BusTraffic::headers)::size_max;
  static constexpr std::chrono::milliseconds tell_every{100};

  /// Which taps look at a topic: one bit each.
  using Mask = std::uint32_t;

  /// The number of the new tap; nothing when there are `taps_max`.
  std::optional<std::int64_t> add(std::string_view pattern);
  void remove(std::int64_t tap);
  std::size_t size() const { return taps_.size(); }
  bool empty() const { return taps_.empty(); }

  /// Holds until a tap is added or removed.
  Mask looking_at(std::string_view topic) const;
  void note(Mask taps, const Passing& passing, const Moment& now);

  void tell(const Moment& now, const std::function<void(const messages::BusTraffic&)>& tell_one);
  std::optional<Steady> next_due() const { return due_; }

 private:
  struct Tap {
    std::string pattern;
    messages::BusTraffic seen;  ///< Since it was last told.
  };
  static void add_to(messages::BusTraffic& seen, const Passing& passing, const Moment& now);

  std::vector<Tap> taps_;
  std::int64_t last_ = 0;
  std::optional<Steady> due_;
};

}  // namespace guild::broker
