#include "ledgerd/tree.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace guild::ledgerd {

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<std::uint8_t, 1 + 32 + 32> input{};
  input[0] = 0x01;
  std::ranges::copy(left, input.begin() + 1);
  std::ranges::copy(right, input.begin() + 33);
  return sha256(input);
}

std::optional<Tree> Tree::restore(std::int64_t size, std::vector<Digest> peaks) {
  if (size < 0 || std::cmp_not_equal(std::popcount(static_cast<std::uint64_t>(size)), peaks.size()))
    return {};
  Tree tree;
  tree.size_ = size;
  tree.peaks_ = std::move(peaks);
  return tree;
}

void Tree::append(const Digest& leaf_hash) {
  Digest hash = leaf_hash;
  // Each trailing 1-bit of the size is a full subtree that the new leaf completes to a larger one.
  std::int64_t leaves = 1;
  for (std::int64_t rest = size_; (rest & 1) == 1; rest >>= 1) {
    hash = node_hash(peaks_.back(), hash);
    peaks_.pop_back();
    leaves *= 2;
    if (leaves == block_leaves) blocks_.push_back(hash);
  }
  peaks_.push_back(hash);
  ++size_;
}

Digest Tree::root() const {
  if (peaks_.empty()) return sha256({});
  Digest hash = peaks_.back();
  for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak)
    hash = node_hash(*peak, hash);
  return hash;
}

}  // namespace guild::ledgerd
