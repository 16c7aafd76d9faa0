// PendingRequests: every request between its REQUEST and its REPLY or FAILED, with its deadline.
// A number is a slot and the slot's generation, so a late answer never finds another request; slots
// and index nodes are reused, so a steady flow allocates nothing. Bounded by the broker, per
// requester.
#pragma once

#include <cstdint>
#include <map>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/wire.hpp"

namespace guild::broker {

struct PendingRequest {
  std::uint64_t number = 0;  ///< The broker's; what the responder answers with. Never 0.
  SessionId requester{}, responder{};
  std::uint64_t correlation = 0;  ///< The requester's.
  std::string name;
  Steady deadline;
  bool delivered = false;  ///< The responder has it.
};

class PendingRequests {
 public:
  /// `correlation` must not be in use by this requester.
  PendingRequest& add(SessionId requester, std::uint64_t correlation, SessionId responder,
                      std::string_view name, Steady deadline);
  /// nullptr when answered, cancelled or expired.
  PendingRequest* find(std::uint64_t number);
  PendingRequest* find(SessionId requester, std::uint64_t correlation);
  void remove(std::uint64_t number);

  std::size_t size() const { return by_deadline_.size(); }
  std::optional<Steady> next_deadline() const;
  /// One whose deadline has passed, the earliest first.
  PendingRequest* first_expired(Steady now);
  /// The numbers of all that `session` asked or is to answer.
  std::vector<std::uint64_t> numbers_of(SessionId session) const;

 private:
  using Deadlines = std::pmr::multimap<Steady, std::uint32_t>;
  struct Slot {
    PendingRequest request;
    std::uint32_t generation = 1;
    bool used = false;
    Deadlines::iterator at;
  };
  struct Asked {
    SessionId requester;
    std::uint64_t correlation;
    bool operator==(const Asked&) const = default;
  };
  struct AskedHash {
    std::size_t operator()(const Asked& asked) const noexcept {
      return static_cast<std::size_t>(
          (static_cast<std::uint64_t>(asked.requester) * 0x9E3779B97F4A7C15U) ^ asked.correlation);
    }
  };

  std::pmr::unsynchronized_pool_resource memory_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  Deadlines by_deadline_{&memory_};
  std::pmr::unordered_map<Asked, std::uint32_t, AskedHash> by_asked_{&memory_};
};

}  // namespace guild::broker
