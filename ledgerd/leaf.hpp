// Leaf: the one byte form of a posting that is hashed, version 1,
// or 2 when it has facts. docs/ledger.md specifies it to
// the byte; tests/golden/ledger holds examples. It names accounts and types in full, so that a
// verifier needs no table of ours. A posting's hash is SHA-256 of 0x00 and its leaf: at once the
// link of the chain and the leaf hash of the tree (RFC 9162 §2.1.1). Pure.
#pragma once

#include <span>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/hash.hpp"
#include "ledgerd/posting.hpp"

namespace guild::ledgerd {

inline constexpr std::uint8_t leaf_version = 1;
inline constexpr std::uint8_t leaf_version_with_facts = 2;

/// A leg with what a leaf says of its account.
struct LeafLeg {
  std::string_view account;
  Money amount;
  EntryType type{};
  std::string_view reference;
  std::int64_t account_seq = 0;
  const Digest* previous_hash = nullptr;  ///< Of the account's previous posting; zeros at first.
};

/// Facts, with the name of the account that they speak of.
struct LeafFacts {
  Facts facts = {};
  std::string_view credit = {};  ///< Of HoldTerms.
};

/// What of a posting is hashed before its legs.
struct LeafHead {
  std::int64_t seq = 0;
  Uuid id;
  Instant time;
  Digest previous_hash{};  ///< Of the posting with seq - 1; zeros for the first.
};

Bytes leaf_of(const LeafHead& head, std::span<const LeafLeg> legs, const LeafFacts& facts = {});
/// SHA-256(0x00 || leaf).
Digest leaf_hash(const LeafHead& head, std::span<const LeafLeg> legs, const LeafFacts& facts = {});

}  // namespace guild::ledgerd
