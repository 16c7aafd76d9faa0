// The tree over the postings' hashes, and proofs about it: RFC 9162 §2.1.1 (root), §2.1.3.2
// (inclusion), §2.1.4.2 (consistency). Pure. A tree has at most 2^63 - 1 leaves, so a proof has at
// most proof_hashes_max hashes; the frontier is at most 63.
#pragma once

#include <span>
#include <vector>

#include "verifier/result.hpp"
#include "verifier/sha256.hpp"

namespace guild::verifier {

inline constexpr std::size_t proof_hashes_max = 63;

/// Takes leaf hashes one by one; knows the root at every size, and no leaf.
class Frontier {
 public:
  void append(const Digest& leaf);
  Digest root() const;
  std::int64_t size() const { return size_; }

 private:
  std::vector<Digest> peaks_;  // Roots of the full subtrees, the largest first.
  std::int64_t size_ = 0;
};

/// `leaf` has the place `index` among the `size` leaves under `root`. A negative index or size, or
/// an index that is not below `size`, is refused.
Check check_inclusion(std::int64_t index, std::int64_t size, const Digest& leaf,
                      std::span<const Digest> proof, const Digest& root);

/// The `old_size` leaves under `old_root` are the first of the `size` leaves under `root`. From an
/// old size of 0, which has no root, everything goes on.
Check check_consistency(std::int64_t old_size, const Digest& old_root, std::int64_t size,
                        const Digest& root, std::span<const Digest> proof);

}  // namespace guild::verifier
