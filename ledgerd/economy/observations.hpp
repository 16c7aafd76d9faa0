// Observations: which of them were shown to whom, and until when one may act on them. Pure: time is
// given. In memory alone: what a restart forgets counts as expired, and acting on one is remembered
// in the file. Limit: observations_max; past it the oldest count as expired.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/time.hpp"
#include "common/base/uuid.hpp"

namespace guild::ledgerd::economy {

inline constexpr std::size_t observations_max = 100'000;
/// So long it is known that another bot's is another bot's.
inline constexpr Duration observation_remembered = std::chrono::minutes(1);

enum class Ticket {
  valid,
  expired,  ///< Or never given.
  foreign,  ///< Another bot's.
};

class Observations {
 public:
  void add(const Uuid& id, std::string_view bot, Instant expires_at);
  Ticket look_up(const Uuid& id, std::string_view bot, Instant now) const;
  std::size_t size() const { return by_id_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Uuid& id) const;
  };
  struct Shown {
    std::string bot;
    Instant expires_at;
  };
  void forget_before(Instant time);

  std::unordered_map<Uuid, Shown, Hash> by_id_;
  std::deque<Uuid> in_order_;
};

}  // namespace guild::ledgerd::economy
