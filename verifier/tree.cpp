#include "verifier/tree.hpp"

namespace guild::verifier {
namespace {

/// The place of a node and of the last node in its row, going up row by row.
class Climb {
 public:
  Climb(std::int64_t place, std::int64_t last)
      : place_(static_cast<std::uint64_t>(place)), last_(static_cast<std::uint64_t>(last)) {}

  bool is_at_top() const { return last_ == 0; }
  bool is_right() const { return (place_ & 1U) != 0; }
  /// What is put beside it comes from the left.
  bool takes_left() const { return is_right() || place_ == last_; }
  void up() {
    place_ >>= 1U;
    last_ >>= 1U;
  }
  /// Past the rows in which it has nothing beside it.
  void up_to_sibling() {
    while (!is_right() && place_ != 0) up();
  }
  void up_while_right() {
    while (is_right()) up();
  }

 private:
  std::uint64_t place_, last_;
};

constexpr std::string_view too_long = "the proof has more hashes than the tree has rows";
constexpr std::string_view too_short = "the proof ends below the root";

bool is_power_of_two(std::int64_t number) { return (number & (number - 1)) == 0; }

Check check_equal(const Digest& computed, const Digest& told, std::string_view whose) {
  if (computed == told) return {};
  return because("it leads to the root ", to_hex(computed), ", not to ", whose, " ", to_hex(told));
}

/// Both roots, computed together from one node that both trees have.
struct Roots {
  Digest old_root, root;
  void join_left(const Digest& left) {
    old_root = node_hash(left, old_root);
    root = node_hash(left, root);
  }
  void join_right(const Digest& right) { root = node_hash(root, right); }
};

/// 0 < old_size < size.
Check check_longer(std::int64_t old_size, const Digest& old_root, std::int64_t size,
                   const Digest& root, std::span<const Digest> proof) {
  Climb climb(old_size - 1, size - 1);
  climb.up_while_right();
  // A full old tree is itself the node from which both grow, and is not sent.
  const bool is_full = is_power_of_two(old_size);
  if (!is_full && proof.empty()) return because(too_short);
  const Digest start = is_full ? old_root : proof.front();
  Roots roots{.old_root = start, .root = start};
  for (const Digest& hash : is_full ? proof : proof.subspan(1)) {
    if (climb.is_at_top()) return because(too_long);
    if (climb.takes_left()) {
      roots.join_left(hash);
      climb.up_to_sibling();
    } else {
      roots.join_right(hash);
    }
    climb.up();
  }
  if (!climb.is_at_top()) return because(too_short);
  VERIFIER_CHECK(check_equal(roots.old_root, old_root, "the old one"));
  return check_equal(roots.root, root, "the new one");
}

}  // namespace

void Frontier::append(const Digest& leaf) {
  Digest node = leaf;
  // Each low bit that is set is a full subtree that this leaf completes together with.
  for (std::int64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    node = node_hash(peaks_.back(), node);
    peaks_.pop_back();
  }
  peaks_.push_back(node);
  ++size_;
}

Digest Frontier::root() const {
  if (peaks_.empty()) return sha256({});
  Digest root = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i > 0; --i) root = node_hash(peaks_[i - 1], root);
  return root;
}

Check check_inclusion(std::int64_t index, std::int64_t size, const Digest& leaf,
                      std::span<const Digest> proof, const Digest& root) {
  if (index < 0 || index >= size)
    return because("index ", index, " is not among ", size, " leaves");
  Climb climb(index, size - 1);
  Digest node = leaf;
  for (const Digest& hash : proof) {
    if (climb.is_at_top()) return because(too_long);
    if (climb.takes_left()) {
      node = node_hash(hash, node);
      climb.up_to_sibling();
    } else {
      node = node_hash(node, hash);
    }
    climb.up();
  }
  if (!climb.is_at_top()) return because(too_short);
  return check_equal(node, root, "the checkpoint's");
}

Check check_consistency(std::int64_t old_size, const Digest& old_root, std::int64_t size,
                        const Digest& root, std::span<const Digest> proof) {
  if (old_size < 0 || old_size > size)
    return because("the old size ", old_size, " is not at most ", size);
  if (old_size == 0 || old_size == size) {
    if (!proof.empty()) return because(too_long);
    return old_size == 0 ? Check{} : check_equal(root, old_root, "the old one");
  }
  return check_longer(old_size, old_root, size, root, proof);
}

}  // namespace guild::verifier
