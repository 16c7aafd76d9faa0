// Chain: how a posting links to what came before it, globally and per account, and what makes a
// stored posting wrong. The book uses it to book, recovery and verify to check. Pure.
// A Fault is of the file, never of a caller: the book that holds it is not to be used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ledgerd/accounts.hpp"
#include "ledgerd/posting.hpp"

namespace guild::ledgerd {

/// The last posting; seq 0 and zeros before the first.
struct ChainHead {
  std::int64_t seq = 0;
  Digest hash{};

  bool operator==(const ChainHead&) const = default;
};

/// What is wrong with the posting stored at `seq`.
struct Fault {
  std::int64_t seq = 0;
  std::string problem;

  bool operator==(const Fault&) const = default;
};

/// The hash of `posting` where `head` and its accounts' states stand just before it.
Digest hash_of(const Posting& posting, const Accounts& accounts, const ChainHead& head);

/// Everything but the ids' uniqueness: the sequence, the legs' shape and sum, each account's own
/// sequence and link, its floor, and the hash recomputed from the content.
std::optional<Fault> find_fault(const Posting& posting, const Accounts& accounts,
                                const ChainHead& head);

/// Moves the accounts and the head past `posting`, which has no fault.
void link(const Posting& posting, Accounts& accounts, ChainHead& head);

}  // namespace guild::ledgerd
