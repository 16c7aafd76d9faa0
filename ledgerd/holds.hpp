// Holds: the open ones. A hold keeps money on the debit account for the credit account until it is
// posted, voided or has expired; it is named by the seq of its HOLD posting. Pure; one thread at a
// time. Memory: about 150 bytes each; there are at most open_holds_max.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "ledgerd/posting.hpp"

namespace guild::ledgerd {

inline constexpr std::size_t open_holds_max = 1'000'000;

struct Hold {
  AccountNumber debit = 0;
  HoldTerms terms;

  bool operator==(const Hold&) const = default;
};

class Holds {
 public:
  /// Nothing when it is not open.
  const Hold* find(std::int64_t seq) const;
  std::size_t size() const { return by_seq_.size(); }
  const std::map<std::int64_t, Hold>& all() const { return by_seq_; }
  /// When the next one expires.
  std::optional<Instant> next_expiry() const;
  /// The one that expires next, when that is not after `now`; 0 when there is none.
  std::int64_t expired(Instant now) const;

  void open(std::int64_t seq, const Hold& hold);
  /// It is open.
  void end(std::int64_t seq);

 private:
  std::map<std::int64_t, Hold> by_seq_;
  std::set<std::pair<std::int64_t, std::int64_t>> by_expiry_;  // (ns, seq)
};

}  // namespace guild::ledgerd
