// IdSet: the ids that were seen, 16 bytes each, in one open-addressed table that is at most three
// quarters full: 21 to 43 bytes an id, 1.5 times that while it grows. The all-zero id, which marks
// a free place, is kept apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace guild::verifier {

using Id = std::array<std::uint8_t, 16>;

class IdSet {
 public:
  IdSet();
  /// False when it is in already.
  bool insert(const Id& id);
  std::size_t size() const { return used_ + (has_zero_ ? 1 : 0); }

 private:
  /// Where it is, or the free place where it would be.
  Id& place_of(const Id& id);
  void grow();

  std::vector<Id> places_;  // A power of two.
  std::size_t used_ = 0;
  bool has_zero_ = false;
};

}  // namespace guild::verifier
