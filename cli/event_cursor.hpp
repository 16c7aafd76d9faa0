// EventCursor: where a consumer of the ledger's events is, and what is to be done with one that
// came: each leg is taken once and in order, whether it came live, twice, or from a page of
// `ledgerd/events`. Pure. The rule is that of docs/protocol.md, which a consumer in any language
// can follow.
#pragma once

#include <cstdint>

#include "common/messages/ledgerd.hpp"

namespace guild::cli {

class EventCursor {
 public:
  /// Everything up to the posting `after` was taken.
  explicit EventCursor(std::int64_t after) : seq_(after) {}

  enum class Verdict {
    next,  ///< It is the one that follows, and counts as taken.
    seen,  ///< It was taken before.
    hole,  ///< Others are missing before it: ask for what follows `after`.
  };
  Verdict look_at(const messages::Entry& event) {
    if (event.seq <= seq_ || (event.seq == seq_ + 1 && event.leg < leg_)) return Verdict::seen;
    if (event.seq != seq_ + 1 || event.leg != leg_) return Verdict::hole;
    if (++leg_ < event.legs) return Verdict::next;
    ++seq_;
    leg_ = 0;
    return Verdict::next;
  }

  /// The last posting that was taken whole.
  std::int64_t after() const { return seq_; }

 private:
  std::int64_t seq_;
  std::int64_t leg_ = 0;  ///< Of the next posting, to come next.
};

}  // namespace guild::cli
