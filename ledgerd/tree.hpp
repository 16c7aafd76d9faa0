// Tree: the frontier of an RFC 9162 Merkle tree, the hashes from which its root is made after each
// appended leaf. Leaves are hashed with prefix 0x00 (see leaf.hpp), inner nodes with 0x01. Pure.
// Size: at most 63 hashes. Source: RFC 9162 §2.1.1 (https://www.rfc-editor.org/rfc/rfc9162).
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/hash.hpp"

namespace guild::ledgerd {

struct TreeHead {
  std::int64_t size = 0;
  Digest root{};

  bool operator==(const TreeHead&) const = default;
};

/// Leaves of a block: a full subtree of level 8, whose root is kept in the file for proofs.
inline constexpr std::int64_t block_leaves = 256;

/// SHA-256(0x01 || left || right).
Digest node_hash(const Digest& left, const Digest& right);

class Tree {
 public:
  Tree() = default;
  /// As it was; nothing when a tree of this size does not have as many peaks.
  static std::optional<Tree> restore(std::int64_t size, std::vector<Digest> peaks);

  void append(const Digest& leaf_hash);
  std::int64_t size() const { return size_; }
  /// Of the empty tree: SHA-256 of nothing.
  Digest root() const;
  TreeHead head() const { return {size_, root()}; }
  /// Roots of the full subtrees, the largest first: one per 1-bit of the size.
  const std::vector<Digest>& peaks() const { return peaks_; }
  /// The roots of the blocks that were completed since the last call, in order.
  std::vector<Digest> take_blocks() { return std::exchange(blocks_, {}); }

 private:
  std::int64_t size_ = 0;
  std::vector<Digest> peaks_, blocks_;
};

}  // namespace guild::ledgerd
