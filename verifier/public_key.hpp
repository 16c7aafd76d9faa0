// The ledger's public key as it is told: `<origin>+<key id, hex>+<base64 of 0x01 and the key>`, one
// line (c2sp.org/signed-note, a verifier key). The origin, the book's name, is `guildhall/` and the
// first 8 bytes of the hash of posting 1 in hex; the key id binds the key to it.
#pragma once

#include <string>
#include <string_view>

#include "verifier/result.hpp"
#include "verifier/sha256.hpp"

namespace guild::verifier {

inline constexpr std::size_t key_text_size_max = 256;

using KeyId = std::array<std::uint8_t, 4>;
using Ed25519Key = std::array<std::uint8_t, 32>;

struct PublicKey {
  std::string origin;
  KeyId id{};
  Ed25519Key key{};

  bool operator==(const PublicKey&) const = default;
};

/// `guildhall/` and 16 lower-case hex digits.
bool is_origin(std::string_view text);
std::string origin_of(const Digest& first_posting);

/// Of one line, with or without its \n. Refused when its key id is not that of its parts.
Parsed<PublicKey> parse_public_key(std::string_view text);

}  // namespace guild::verifier
