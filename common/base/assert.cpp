#include "common/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace guild {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "broken expectation: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace guild
