// Tree: the frontier of an RFC 9162 Merkle tree, the hashes from which its root is made after each
// appended leaf. Leaves are hashed with prefix 0x00 (see leaf.hpp), inner nodes with 0x01. Pure.
// Size: at most 63 hashes. Source: RFC 9162 §2.1.1 (https://www.rfc-editor.org/rfc/rfc9162).
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/hash.hpp"

namespace guild::ledgerd {

struct TreeHead {
  std::int64_t size = 0;
  Digest root{};

  bool operator==(const TreeHead&) const = default;
};

class Tree {
 public:
  void append(const Digest& leaf_hash);
  std::int64_t size() const { return size_; }
  /// Of the empty tree: SHA-256 of nothing.
  Digest root() const;
  TreeHead head() const { return {size_, root()}; }

 private:
  std::int64_t size_ = 0;
  std::vector<Digest>
      peaks_;  // Roots of the full subtrees, the largest first: one per 1-bit of size_.
};

}  // namespace guild::ledgerd
