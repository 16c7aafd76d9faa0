// Proofs of the tree against the definitions of RFC 9162 §2.1, written out.
#include "ledgerd/proof.hpp"

#include <catch2/catch.hpp>
#include <span>

using namespace guild;
using namespace guild::ledgerd;

namespace {

std::vector<Digest> leaves_of(std::int64_t count) {
  std::vector<Digest> leaves;
  for (std::int64_t i = 0; i < count; ++i) leaves.push_back(sha256(as_bytes(std::to_string(i))));
  return leaves;
}

/// MTH(D[n]), by its recursive definition.
Digest root_by_definition(std::span<const Digest> leaves) {
  if (leaves.empty()) return sha256({});
  if (leaves.size() == 1) return leaves.front();
  std::size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return node_hash(root_by_definition(leaves.first(split)),
                   root_by_definition(leaves.subspan(split)));
}

/// RFC 9162 §2.1.3.2.
Digest root_from_inclusion(std::int64_t index, std::int64_t size, Digest hash,
                           std::span<const Digest> path) {
  std::int64_t fn = index, sn = size - 1;
  for (const Digest& other : path) {
    REQUIRE(sn != 0);
    if ((fn & 1) == 1 || fn == sn) {
      hash = node_hash(other, hash);
      for (; (fn & 1) == 0 && fn != 0; fn >>= 1) sn >>= 1;
    } else {
      hash = node_hash(hash, other);
    }
    fn >>= 1;
    sn >>= 1;
  }
  REQUIRE(sn == 0);
  return hash;
}

/// RFC 9162 §2.1.4.2: the old and the new root that the path leads to.
std::pair<Digest, Digest> roots_from_consistency(std::int64_t old, std::int64_t size,
                                                 const Digest& old_root, std::vector<Digest> path) {
  if ((old & (old - 1)) == 0) path.insert(path.begin(), old_root);
  std::int64_t fn = old - 1, sn = size - 1;
  for (; (fn & 1) == 1; fn >>= 1) sn >>= 1;
  Digest first = path.at(0), second = path.at(0);
  for (std::size_t i = 1; i < path.size(); ++i) {
    REQUIRE(sn != 0);
    if ((fn & 1) == 1 || fn == sn) {
      first = node_hash(path[i], first);
      second = node_hash(path[i], second);
      for (; (fn & 1) == 0 && fn != 0; fn >>= 1) sn >>= 1;
    } else {
      second = node_hash(second, path[i]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  REQUIRE(sn == 0);
  return {first, second};
}

struct Leaves {
  explicit Leaves(std::int64_t count) : leaves(leaves_of(count)) {}

  NodeSource source() const {
    return [this](int level, std::int64_t index) -> Result<Digest> {
      const auto size = std::size_t{1} << static_cast<unsigned>(level);
      const auto all = std::span<const Digest>(leaves);
      REQUIRE((static_cast<std::size_t>(index) + 1) * size <= all.size());
      return root_by_definition(all.subspan(static_cast<std::size_t>(index) * size, size));
    };
  }
  Digest root(std::int64_t size) const {
    return root_by_definition(
        std::span<const Digest>(leaves).first(static_cast<std::size_t>(size)));
  }

  std::vector<Digest> leaves;
};

}  // namespace

TEST_CASE("every leaf of every small tree is proven in it") {
  const Leaves all(70);
  for (std::int64_t size = 1; size <= 70; ++size) {
    const Digest root = all.root(size);
    CHECK(root_of(size, all.source()) == root);
    for (std::int64_t index = 0; index < size; ++index) {
      const auto path = inclusion_proof(index, size, all.source());
      REQUIRE(path);
      CHECK(root_from_inclusion(index, size, all.leaves[static_cast<std::size_t>(index)], *path) ==
            root);
    }
  }
}

TEST_CASE("every small tree is proven the beginning of every larger one") {
  const Leaves all(40);
  for (std::int64_t size = 1; size <= 40; ++size)
    for (std::int64_t old = 1; old < size; ++old) {
      const auto path = consistency_proof(old, size, all.source());
      REQUIRE(path);
      const auto [first, second] = roots_from_consistency(old, size, all.root(old), *path);
      CHECK(first == all.root(old));
      CHECK(second == all.root(size));
    }
}

TEST_CASE("nothing and itself are the beginning of a tree without a proof") {
  const Leaves all(9);
  CHECK(consistency_proof(0, 9, all.source())->empty());
  CHECK(consistency_proof(9, 9, all.source())->empty());
  CHECK(root_of(0, all.source()) == Tree().root());
}

TEST_CASE("a hash that cannot be found fails the proof") {
  const NodeSource none = [](int, std::int64_t) -> Result<Digest> {
    return fail(ErrorKind::failed, "book_damaged", "it is gone");
  };
  CHECK(inclusion_proof(3, 9, none).error().code == "book_damaged");
  CHECK(consistency_proof(3, 9, none).error().code == "book_damaged");
}
