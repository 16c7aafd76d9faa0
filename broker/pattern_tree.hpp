// PatternTree: who asked for which topic patterns. Finding all that match a topic follows its
// levels, at most two ways at each (the level itself and `*`), so ten thousand patterns cost what
// ten do. Patterns and topics are valid (common/bus/topic.hpp). A value found by two patterns is
// found twice.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace guild::broker {

template <class Value>
class PatternTree {
 public:
  void add(std::string_view pattern, Value value) {
    Node* node = &root_;
    for (std::string_view rest = pattern; !rest.empty();) {
      const std::string_view level = take_level(rest);
      auto found = node->children.find(level);
      if (found == node->children.end())
        found = node->children.emplace(std::string(level), std::make_unique<Node>()).first;
      node = found->second.get();
    }
    node->values.push_back(value);
  }

  /// Takes one such entry out, if there is one.
  void remove(std::string_view pattern, const Value& value) { remove_below(root_, pattern, value); }

  template <class Visit>
  void match(std::string_view topic, Visit&& visit) const {
    match_below(root_, topic, visit);
  }

  bool empty() const { return root_.children.empty(); }

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
    std::vector<Value> values;
  };

  static std::string_view take_level(std::string_view& rest) {
    const std::size_t slash = rest.find('/');
    const std::string_view level = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    return level;
  }

  static const Node* child_of(const Node& node, std::string_view level) {
    const auto found = node.children.find(level);
    return found == node.children.end() ? nullptr : found->second.get();
  }

  template <class Visit>
  static void match_below(const Node& node, std::string_view rest, Visit& visit) {
    if (rest.empty()) {
      for (const Value& value : node.values) visit(value);
      return;
    }
    if (const Node* all = child_of(node, "**"))
      for (const Value& value : all->values) visit(value);
    const std::string_view level = take_level(rest);
    if (const Node* exact = child_of(node, level)) match_below(*exact, rest, visit);
    if (const Node* any = child_of(node, "*")) match_below(*any, rest, visit);
  }

  static void remove_below(Node& node, std::string_view rest, const Value& value) {
    if (rest.empty()) {
      const auto found = std::find(node.values.begin(), node.values.end(), value);
      if (found != node.values.end()) node.values.erase(found);
      return;
    }
    const auto child = node.children.find(take_level(rest));
    if (child == node.children.end()) return;
    remove_below(*child->second, rest, value);
    if (child->second->values.empty() && child->second->children.empty())
      node.children.erase(child);
  }

  Node root_;
};

}  // namespace guild::broker
