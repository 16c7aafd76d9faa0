#include "ledgerd/tree.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <string_view>

using namespace guild;
using namespace guild::ledgerd;

namespace {

// The eight leaves that implementations of RFC 6962 and RFC 9162 test with, and the roots of the
// trees of their first 1 to 8.
constexpr std::array<std::string_view, 8> leaves = {"",
                                                    "00",
                                                    "10",
                                                    "2021",
                                                    "3031",
                                                    "40414243",
                                                    "5051525354555657",
                                                    "606162636465666768696a6b6c6d6e6f"};
constexpr std::array<std::string_view, 8> roots = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

Digest leaf_hash_of(std::string_view hex) {
  Bytes input = from_hex(hex).value();
  input.insert(input.begin(), 0x00);
  return sha256(input);
}

}  // namespace

TEST_CASE("the empty tree's root is the hash of nothing") {
  CHECK(to_hex(Tree{}.root()) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("roots are those of RFC 9162 at every size") {
  Tree tree;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    tree.append(leaf_hash_of(leaves[i]));
    CHECK(tree.size() == static_cast<std::int64_t>(i + 1));
    CHECK(to_hex(tree.root()) == roots[i]);
  }
}
