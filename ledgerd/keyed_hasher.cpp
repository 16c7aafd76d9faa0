#include "ledgerd/keyed_hasher.hpp"

#include <sodium.h>

#include <array>

#include "common/base/secret.hpp"

namespace guild::ledgerd {
namespace {

using Key = std::array<std::uint8_t, crypto_shorthash_KEYBYTES>;

Key random_key() {
  Key key{};
  fill_random(key.data(), key.size());
  return key;
}

}  // namespace

std::size_t KeyedHasher::of(BytesView bytes) noexcept {
  static const Key key = random_key();
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash{};
  crypto_shorthash(hash.data(), bytes.data(), bytes.size(), key.data());
  return load_le<std::uint64_t>(hash.data());
}

}  // namespace guild::ledgerd
