#include "verifier/public_key.hpp"

#include <algorithm>

namespace guild::verifier {
namespace {

constexpr std::string_view origin_prefix = "guildhall/";
constexpr std::size_t origin_bytes = 8;
constexpr std::uint8_t ed25519_type = 0x01;

KeyId key_id_of(std::string_view origin, Bytes typed_key) {
  const Digest hash = sha256({as_bytes(origin), as_bytes("\n"), typed_key});
  KeyId id;
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

}  // namespace

bool is_origin(std::string_view text) {
  if (!text.starts_with(origin_prefix)) return false;
  std::array<std::uint8_t, origin_bytes> bytes;
  return from_hex(text.substr(origin_prefix.size()), bytes);
}

std::string origin_of(const Digest& first_posting) {
  return joined(origin_prefix, to_hex(Bytes(first_posting).first(origin_bytes)));
}

Parsed<PublicKey> parse_public_key(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (text.size() > key_text_size_max || second == std::string_view::npos)
    return because(shown(text), " has not the form ORIGIN+KEYID+KEY");
  PublicKey key{.origin = std::string(text.substr(0, first))};
  if (!is_origin(key.origin))
    return because(shown(key.origin), " is no origin: guildhall/ and 16 hex digits");
  if (!from_hex(text.substr(first + 1, second - first - 1), key.id))
    return because("the key id is not 8 hex digits in lower case");
  std::array<std::uint8_t, 33> typed;
  if (!from_base64(text.substr(second + 1), typed) || typed[0] != ed25519_type)
    return because("the key is not the base64 of 0x01 and 32 bytes");
  std::copy(typed.begin() + 1, typed.end(), key.key.begin());
  if (key_id_of(key.origin, typed) != key.id)
    return because("the key id is not that of this origin and key; a character was changed");
  return key;
}

}  // namespace guild::verifier
