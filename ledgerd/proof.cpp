#include "ledgerd/proof.hpp"

#include <bit>

#include "common/base/assert.hpp"

namespace guild::ledgerd {
namespace {

/// The largest power of two below `count`.
std::int64_t split_of(std::int64_t count) {
  return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(count - 1)));
}

/// MTH of the leaves from `begin` to before `end`. `begin` is where splits put it: a multiple of
/// the largest full subtree in the range.
Result<Digest> hash_of(std::int64_t begin, std::int64_t end, const NodeSource& nodes) {
  const std::int64_t count = end - begin;
  if (std::has_single_bit(static_cast<std::uint64_t>(count)))
    return nodes(std::countr_zero(static_cast<std::uint64_t>(count)), begin / count);
  const std::int64_t middle = begin + split_of(count);
  GUILD_TRY(const Digest left, hash_of(begin, middle, nodes));
  GUILD_TRY(const Digest right, hash_of(middle, end, nodes));
  return node_hash(left, right);
}

/// PATH(m, D[n]), from the leaf up.
Result<void> add_path(std::int64_t index, std::int64_t begin, std::int64_t end,
                      const NodeSource& nodes, std::vector<Digest>& path) {
  if (end - begin == 1) return {};
  const std::int64_t middle = begin + split_of(end - begin);
  const bool is_left = index < middle;
  GUILD_CHECK(is_left ? add_path(index, begin, middle, nodes, path)
                      : add_path(index, middle, end, nodes, path));
  GUILD_TRY(path.emplace_back(),
            is_left ? hash_of(middle, end, nodes) : hash_of(begin, middle, nodes));
  return {};
}

/// SUBPROOF(m, D[n], b): `is_whole` when the old tree is all of what is left of `begin`.
Result<void> add_subproof(std::int64_t old, std::int64_t begin, std::int64_t end, bool is_whole,
                          const NodeSource& nodes, std::vector<Digest>& path) {
  if (old == end) {
    if (!is_whole) {
      GUILD_TRY(path.emplace_back(), hash_of(begin, end, nodes));
    }
    return {};
  }
  const std::int64_t middle = begin + split_of(end - begin);
  if (old <= middle) {
    GUILD_CHECK(add_subproof(old, begin, middle, is_whole, nodes, path));
    GUILD_TRY(path.emplace_back(), hash_of(middle, end, nodes));
  } else {
    GUILD_CHECK(add_subproof(old, middle, end, false, nodes, path));
    GUILD_TRY(path.emplace_back(), hash_of(begin, middle, nodes));
  }
  return {};
}

}  // namespace

Result<Digest> root_of(std::int64_t size, const NodeSource& nodes) {
  if (size == 0) return Tree().root();
  return hash_of(0, size, nodes);
}

Result<std::vector<Digest>> inclusion_proof(std::int64_t index, std::int64_t size,
                                            const NodeSource& nodes) {
  GUILD_ASSERT(index >= 0 && index < size);
  std::vector<Digest> path;
  GUILD_CHECK(add_path(index, 0, size, nodes, path));
  return path;
}

Result<std::vector<Digest>> consistency_proof(std::int64_t old, std::int64_t size,
                                              const NodeSource& nodes) {
  GUILD_ASSERT(old >= 0 && old <= size);
  std::vector<Digest> path;
  if (old == 0 || old == size) return path;
  GUILD_CHECK(add_subproof(old, 0, size, true, nodes, path));
  return path;
}

}  // namespace guild::ledgerd
