#include "broker/pattern_tree.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "common/bus/topic.hpp"

namespace guild::broker {
namespace {

std::set<int> found(const PatternTree<int>& tree, std::string_view topic) {
  std::set<int> values;
  tree.match(topic, [&](int value) { values.insert(value); });
  return values;
}

TEST_CASE("the tree finds what matching one by one finds") {
  const std::vector<std::string> patterns = {"a",   "a/b",  "*",     "**",     "a/*", "a/**",
                                             "*/b", "*/**", "a/*/c", "*/*/**", "b/a"};
  PatternTree<int> tree;
  for (std::size_t i = 0; i < patterns.size(); ++i) tree.add(patterns[i], static_cast<int>(i));
  for (const std::string_view topic : {"a", "b", "a/b", "b/a", "a/b/c", "a/x/c", "x/y/z/w", "c"}) {
    std::set<int> expected;
    for (std::size_t i = 0; i < patterns.size(); ++i)
      if (bus::matches(patterns[i], topic)) expected.insert(static_cast<int>(i));
    INFO(topic);
    CHECK(found(tree, topic) == expected);
  }
  for (std::size_t i = 0; i < patterns.size(); ++i) tree.remove(patterns[i], static_cast<int>(i));
  CHECK(tree.empty());
}

TEST_CASE("one entry of several is taken out") {
  PatternTree<int> tree;
  tree.add("a/b", 1);
  tree.add("a/b", 2);
  tree.add("a/b/c", 3);
  tree.remove("a/b", 1);
  tree.remove("a/b", 9);
  tree.remove("x/y", 1);
  CHECK(found(tree, "a/b") == std::set<int>{2});
  CHECK(found(tree, "a/b/c") == std::set<int>{3});
}

}  // namespace
}  // namespace guild::broker
