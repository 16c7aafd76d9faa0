// Chain: how a posting links to what came before it, globally and per account, and what makes a
// stored posting wrong. The book uses it to book, recovery and verify to check. Pure.
// A Fault is of the file, never of a caller: the book that holds it is not to be used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/bytes.hpp"
#include "ledgerd/standing.hpp"

namespace guild::ledgerd {

/// What is wrong with the posting stored at `seq`.
struct Fault {
  std::int64_t seq = 0;
  std::string problem;

  bool operator==(const Fault&) const = default;
};

/// The hash of `posting` where the book stands just before it.
Digest hash_of(const Posting& posting, const Standing& standing);
/// Its leaf, likewise.
Bytes leaf_of(const Posting& posting, const Standing& standing);

/// Everything but the ids' uniqueness: the sequence, each account's own sequence and link, the
/// rules, and the hash recomputed from the content.
std::optional<Fault> find_fault(const Posting& posting, const Standing& standing);

/// Moves the book past `posting`, which has no fault.
void link(const Posting& posting, Standing& standing);

}  // namespace guild::ledgerd
