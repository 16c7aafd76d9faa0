#include "verifier/keyed_hash.hpp"

#include <sodium.h>

#include <cstring>

namespace guild::verifier {
namespace {

using Key = std::array<std::uint8_t, crypto_shorthash_KEYBYTES>;

Key make_key() {
  Key key;
  crypto_shorthash_keygen(key.data());
  return key;
}

}  // namespace

std::size_t keyed_hash(Bytes bytes) {
  static const Key key = make_key();
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash;
  crypto_shorthash(hash.data(), bytes.data(), bytes.size(), key.data());
  std::size_t number = 0;
  static_assert(sizeof(number) == sizeof(hash));
  std::memcpy(&number, hash.data(), sizeof(number));
  return number;
}

}  // namespace guild::verifier
