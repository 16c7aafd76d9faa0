// Proof: inclusion and consistency proofs of the tree, RFC 9162 §2.1.3 and §2.1.4
// (https://www.rfc-editor.org/rfc/rfc9162). Pure: the hashes come from a NodeSource, so that a
// proof costs what its nodes cost to find and not a walk over all leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/base/result.hpp"
#include "ledgerd/tree.hpp"

namespace guild::ledgerd {

/// The root of the full subtree of 2^level leaves that begins at leaf `index` * 2^level.
using NodeSource = std::function<Result<Digest>(int level, std::int64_t index)>;

/// The root of the first `size` leaves.
Result<Digest> root_of(std::int64_t size, const NodeSource& nodes);
/// That the leaf `index` is in the tree of `size` leaves; 0 <= index < size.
Result<std::vector<Digest>> inclusion_proof(std::int64_t index, std::int64_t size,
                                            const NodeSource& nodes);
/// That the tree of `old` leaves is the beginning of that of `size`; 0 <= old <= size. Empty when
/// `old` is 0 or `size`.
Result<std::vector<Digest>> consistency_proof(std::int64_t old, std::int64_t size,
                                              const NodeSource& nodes);

}  // namespace guild::ledgerd
