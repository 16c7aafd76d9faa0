// Denials: every refusal is counted; what is told of them is bounded. The first of a kind (reason,
// client or key, operation) is told within `first_after`, what follows within its second once that
// is over: at most two events a second for each kind. Past `kinds_max` kinds, and past
// `strangers_max` keys that are on no list, the rest is told without its client, key and topic. The
// totals by reason are exact.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "broker/traffic.hpp"
#include "broker/wire.hpp"

namespace guild::broker {

struct Denial {
  std::string_view reason;     ///< A code's name, or key_unlisted and the like.
  std::string_view client;     ///< Empty when the key is on no list.
  std::string_view key;        ///< Hex; empty when none was offered.
  std::string_view operation;  ///< "connect", "publish", ...
  std::string_view topic;
};

class Denials {
 public:
  static constexpr std::chrono::milliseconds first_after{20};
  static constexpr std::chrono::seconds then_every{1};

  static constexpr std::size_t strangers_max = 8;

  explicit Denials(std::size_t kinds_max) : kinds_max_(kinds_max) {}

  void note(const Denial& denial, std::uint64_t count, const Moment& now);
  /// Tells what is due.
  void tell(const Moment& now, const std::function<void(const messages::BusDenied&)>& tell_one);
  /// Tells all that has not been told.
  void tell_rest(const std::function<void(const messages::BusDenied&)>& tell_one);
  std::optional<Steady> next_due() const;

  std::uint64_t total() const { return total_; }
  const std::map<std::string, std::uint64_t, std::less<>>& by_reason() const { return by_reason_; }

 private:
  struct Kind {
    messages::BusDenied event;  ///< Its count is what has not been told.
    Steady due;
  };
  static std::string key_of(const Denial& denial);

  std::size_t kinds_max_, strangers_ = 0;
  TextMap<Kind> kinds_;
  std::uint64_t total_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> by_reason_;
};

}  // namespace guild::broker
