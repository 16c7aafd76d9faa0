// Packed: the compact bytes in which the file keeps legs and lists of seqs (docs/ledger.md, "The
// file"). What is packed is hashed in full elsewhere; this is storage only. Pure.
// Unpacking takes nothing but what packing gives, so that no two byte strings mean the same.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/bytes.hpp"
#include "ledgerd/posting.hpp"

namespace guild::ledgerd {

/// What a posting's row says of its content: legs and facts.
struct Content {
  Legs legs;
  Facts facts;

  bool operator==(const Content&) const = default;
};

/// The legs and facts of the posting `seq`.
Bytes pack_content(std::int64_t seq, std::span<const Leg> legs, const Facts& facts);
/// Nothing when `packed` is not what pack_content makes.
std::optional<Content> unpack_content(std::int64_t seq, BytesView packed);

/// `seqs` rise and begin above zero.
Bytes pack_seqs(std::span<const std::int64_t> seqs);
std::optional<std::vector<std::int64_t>> unpack_seqs(BytesView packed);

}  // namespace guild::ledgerd
