#include "ledgerd/tree.hpp"

#include <algorithm>
#include <array>

namespace guild::ledgerd {
namespace {

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<std::uint8_t, 1 + 32 + 32> input{};
  input[0] = 0x01;
  std::ranges::copy(left, input.begin() + 1);
  std::ranges::copy(right, input.begin() + 33);
  return sha256(input);
}

}  // namespace

void Tree::append(const Digest& leaf_hash) {
  Digest hash = leaf_hash;
  // Each trailing 1-bit of the size is a full subtree that the new leaf completes to a larger one.
  for (std::int64_t rest = size_; (rest & 1) == 1; rest >>= 1) {
    hash = node_hash(peaks_.back(), hash);
    peaks_.pop_back();
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
