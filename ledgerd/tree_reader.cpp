#include "ledgerd/tree_reader.hpp"

#include <fmt/format.h>

#include <bit>
#include <span>

#include "common/base/assert.hpp"
#include "ledgerd/store.hpp"

namespace guild::ledgerd {
namespace {

constexpr int block_level = std::countr_zero(static_cast<std::uint64_t>(block_leaves));

std::unexpected<Error> hash_missing(std::int64_t seq) {
  return fail(ErrorKind::failed, "book_damaged", fmt::format("posting {} is missing", seq),
              "run `guild ledger verify`");
}

/// `hashes` are a power of two.
Digest fold(std::vector<Digest> hashes) {
  for (; hashes.size() > 1; hashes.resize(hashes.size() / 2))
    for (std::size_t i = 0; i < hashes.size() / 2; ++i)
      hashes[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
  return hashes.front();
}

}  // namespace

Result<Digest> TreeReader::of_leaves(std::int64_t begin, std::int64_t end) {
  std::vector<Digest> hashes;
  GUILD_CHECK(store::each_hash_between(file_, begin, end,
                                       [&](const Digest& hash) { hashes.push_back(hash); }));
  if (std::cmp_not_equal(hashes.size(), end - begin)) return hash_missing(begin + 1);
  return fold(std::move(hashes));
}

Result<void> TreeReader::read_blocks() {
  if (std::exchange(is_read_, true)) return {};
  const std::int64_t full = size_ / block_leaves;
  bool is_gapless = true;
  GUILD_CHECK(store::each_block(file_, 0, full, [&](std::int64_t block, const Digest& root) {
    is_gapless = is_gapless && std::cmp_equal(block, blocks_.size());
    blocks_.push_back(root);
  }));
  if (!is_gapless)
    return fail(ErrorKind::failed, "book_damaged", "the saved blocks of the tree have a gap",
                "run `guild ledger verify`");
  // Those that no save has written yet.
  for (auto block = static_cast<std::int64_t>(blocks_.size()); block < full; ++block) {
    GUILD_TRY(blocks_.emplace_back(), of_leaves(block * block_leaves, (block + 1) * block_leaves));
  }
  return {};
}

Result<Digest> TreeReader::node(int level, std::int64_t index) {
  GUILD_ASSERT((index + 1) << level <= size_);
  if (level < block_level) return of_leaves(index << level, (index + 1) << level);
  GUILD_CHECK(read_blocks());
  const auto count = std::size_t{1} << static_cast<unsigned>(level - block_level);
  const auto all = std::span<const Digest>(blocks_);
  const auto these = all.subspan(static_cast<std::size_t>(index) * count, count);
  return fold({these.begin(), these.end()});
}

}  // namespace guild::ledgerd
