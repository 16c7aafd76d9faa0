// How much a test does: a count that fits every run, or the full one of `scripts/test --full`.
#pragma once

#include <cstdlib>

namespace guild::test {

template <class Count>
Count scaled(Count usual, Count full) {
  return std::getenv("GUILDTEST_FULL") != nullptr ? full : usual;
}

}  // namespace guild::test
