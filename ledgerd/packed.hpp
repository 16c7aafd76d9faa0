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

/// The legs of the posting `seq`.
Bytes pack_legs(std::int64_t seq, std::span<const Leg> legs);
/// Nothing when `packed` is not what pack_legs makes.
std::optional<std::vector<Leg>> unpack_legs(std::int64_t seq, BytesView packed);

/// `seqs` rise and begin above zero.
Bytes pack_seqs(std::span<const std::int64_t> seqs);
std::optional<std::vector<std::int64_t>> unpack_seqs(BytesView packed);

}  // namespace guild::ledgerd
