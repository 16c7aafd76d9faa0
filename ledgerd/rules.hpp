// Rules: what a posting must keep, where the book stands just before it (docs/ledger.md, "What a
// posting does"). The one place that says so: booking refuses by it, recovery and verify find
// faults by it. Links and hashes are chain.hpp's. Pure.
#pragma once

#include <optional>

#include "ledgerd/refusal.hpp"
#include "ledgerd/standing.hpp"

namespace guild::ledgerd {

/// The first rule that is broken, in the words of refusals; every account of the posting is open in
/// `standing` or was opened for it.
struct Violation {
  TransferError error{};
  AccountNumber account = 0;  ///< The one that is refused; 0 when none is.

  bool operator==(const Violation&) const = default;
};
std::optional<Violation> find_violation(const Posting& posting, const Standing& standing);

}  // namespace guild::ledgerd
