#include "ledgerd/leaf.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::ledgerd;

namespace {
constexpr Digest zeros{};
}

TEST_CASE("a leaf's fields cannot run into each other") {
  // With bare concatenation these two would be the same bytes.
  const LeafHead head{.seq = 1, .id = {}, .time = {}, .previous_hash = {}};
  const LeafLeg one{"user/a", Money{}, EntryType::GRANT, "bc", 1, &zeros};
  const LeafLeg two{"user/ab", Money{}, EntryType::GRANT, "c", 1, &zeros};
  CHECK(leaf_of(head, {&one, 1}) != leaf_of(head, {&two, 1}));
}

TEST_CASE("the leaf hash is SHA-256 of 0x00 and the leaf") {
  const LeafHead head{.seq = 1, .id = {}, .time = {}, .previous_hash = {}};
  const LeafLeg leg{"user/a", Money::of_units(-5), EntryType::GRANT, "r", 1, &zeros};
  Bytes prefixed = leaf_of(head, {&leg, 1});
  prefixed.insert(prefixed.begin(), 0x00);
  CHECK(leaf_hash(head, {&leg, 1}) == sha256(prefixed));
}
