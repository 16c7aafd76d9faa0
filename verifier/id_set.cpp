#include "verifier/id_set.hpp"

#include <utility>

#include "verifier/keyed_hash.hpp"

namespace guild::verifier {
namespace {

constexpr Id free_place{};
constexpr std::size_t places_at_first = 1024;

}  // namespace

IdSet::IdSet() : places_(places_at_first) {}

bool IdSet::insert(const Id& id) {
  if (id == free_place) return !std::exchange(has_zero_, true);
  if ((used_ + 1) * 4 > places_.size() * 3) grow();
  Id& place = place_of(id);
  if (place == id) return false;
  place = id;
  ++used_;
  return true;
}

Id& IdSet::place_of(const Id& id) {
  const std::size_t mask = places_.size() - 1;
  std::size_t at = keyed_hash(id) & mask;
  while (places_[at] != free_place && places_[at] != id) at = (at + 1) & mask;
  return places_[at];
}

void IdSet::grow() {
  const std::vector<Id> old = std::exchange(places_, std::vector<Id>(places_.size() * 2));
  for (const Id& id : old)
    if (id != free_place) place_of(id) = id;
}

}  // namespace guild::verifier
