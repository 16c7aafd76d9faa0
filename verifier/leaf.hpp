// A leaf, the byte form of one posting (docs/ledger.md, Leaf), read strictly: what the document
// does not say is refused, so that no two leaves say the same and no byte is without meaning.
// Limits: leaf_size_max bytes, legs_max legs, references of reference_size_max bytes. What a
// posting may do to the book is not decided here (book.hpp). Texts point into the bytes that were
// read.
#pragma once

#include <string_view>
#include <vector>

#include "verifier/entry_type.hpp"
#include "verifier/id_set.hpp"
#include "verifier/result.hpp"
#include "verifier/sha256.hpp"

namespace guild::verifier {

inline constexpr std::size_t legs_max = 256;
inline constexpr std::size_t reference_size_max = 128;
/// More than the largest leaf that the other limits allow.
inline constexpr std::size_t leaf_size_max = std::size_t{96} * 1024;

struct Leg {
  std::string_view account;
  std::int64_t amount = 0;
  std::string_view reference;
  std::int64_t account_seq = 0;
  Digest previous_hash{};
};

/// Only those of the posting's type are set.
struct Facts {
  std::string_view credit;
  std::int64_t held = 0;
  std::int64_t expires_at = 0;
  std::int64_t hold = 0;
  std::int64_t floor = 0;
};

struct Leaf {
  std::int64_t seq = 0;
  Id id{};
  std::int64_t time = 0;
  Digest previous_hash{};
  EntryType type{};  ///< Of all its legs.
  std::vector<Leg> legs;
  Facts facts;
};

/// Reads into `leaf`, whose memory is used again from one leaf to the next.
Check parse_leaf(Bytes bytes, Leaf& leaf);

}  // namespace guild::verifier
