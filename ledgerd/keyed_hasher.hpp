// KeyedHasher: SipHash-2-4 under a key of this process, for hash tables whose keys strangers
// choose: nobody outside can pick ids or names that fall into one bucket. Source: Aumasson,
// Bernstein, "SipHash: a fast short-input PRF", 2012, by libsodium.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/uuid.hpp"

namespace guild::ledgerd {

struct KeyedHasher {
  using is_avalanching = void;  ///< Tells boost::unordered_flat_map not to mix again.

  std::size_t operator()(std::string_view text) const noexcept { return of(as_bytes(text)); }
  std::size_t operator()(const Uuid& id) const noexcept { return of(id.bytes); }

 private:
  static std::size_t of(BytesView bytes) noexcept;
};

}  // namespace guild::ledgerd
