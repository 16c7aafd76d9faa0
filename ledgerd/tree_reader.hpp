// TreeReader: nodes of the tree, from the file, for proofs: from the saved roots of blocks where
// there are any, from the postings' hashes for the rest. For one snapshot of the file. Errors:
// those of the file, and book_damaged for a hash that is not there. Time: 10 million postings have
// 39,000 blocks; a proof reads each at most once, 1.3 MB.
#pragma once

#include <cstdint>
#include <vector>

#include "common/storage/connection.hpp"
#include "ledgerd/proof.hpp"

namespace guild::ledgerd {

class TreeReader {
 public:
  /// `size` leaves are committed in the snapshot that `file` reads.
  TreeReader(storage::Connection& file, std::int64_t size) : file_(file), size_(size) {}

  Result<Digest> node(int level, std::int64_t index);
  NodeSource source() {
    return [this](int level, std::int64_t index) { return node(level, index); };
  }

 private:
  Result<void> read_blocks();
  /// The roots of the leaves from `begin` to before `end`, folded into one.
  Result<Digest> of_leaves(std::int64_t begin, std::int64_t end);

  storage::Connection& file_;
  const std::int64_t size_;
  bool is_read_ = false;
  std::vector<Digest> blocks_;  // All full blocks of the tree, once they were wanted.
};

}  // namespace guild::ledgerd
