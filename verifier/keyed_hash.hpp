// A hash for tables whose keys come from a stranger: SipHash-2-4 with a key of this process, so
// that nobody can choose keys that fall together. Not for anything that is kept or shown.
#pragma once

#include <cstddef>
#include <string_view>

#include "verifier/text.hpp"

namespace guild::verifier {

std::size_t keyed_hash(Bytes bytes);

struct KeyedTextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return keyed_hash(as_bytes(text)); }
};

}  // namespace guild::verifier
