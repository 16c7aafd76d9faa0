// A law that does not hold. Thrown where it is noticed, so that the history ends at the fault; the
// test prints it with the seed.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace guild::simulation {

class LawBroken : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The text is only built when the law is broken.
template <class... Parts>
void demand(bool holds, fmt::format_string<Parts...> what, Parts&&... parts) {
  if (!holds) throw LawBroken(fmt::format(what, std::forward<Parts>(parts)...));
}

}  // namespace guild::simulation
