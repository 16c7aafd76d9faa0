// Standing: where the book stands after its last posting: what the next one builds on, and all that
// decides whether it may be booked. A pure function of the postings so far. Pure data.
#pragma once

#include "ledgerd/accounts.hpp"
#include "ledgerd/holds.hpp"
#include "ledgerd/posting.hpp"

namespace guild::ledgerd {

/// The last posting; seq 0 and zeros before the first.
struct ChainHead {
  std::int64_t seq = 0;
  Digest hash{};

  bool operator==(const ChainHead&) const = default;
};

struct Standing {
  Accounts accounts;
  Holds holds;
  ChainHead head;
};

}  // namespace guild::ledgerd
