// SHA-256 by libcrypto, and the two hashes of RFC 9162 that are made of it. The digest is fetched
// once a thread: asking for it by name each time costs more than hashing a leaf. A libcrypto that
// has no SHA-256, or no memory, aborts the process.
#pragma once

#include <array>
#include <initializer_list>

#include "verifier/text.hpp"

namespace guild::verifier {

using Digest = std::array<std::uint8_t, 32>;

/// Of the parts, one after the other.
Digest sha256(std::initializer_list<Bytes> parts);
/// SHA-256(0x00 ‖ leaf).
Digest leaf_hash(Bytes leaf);
/// SHA-256(0x01 ‖ left ‖ right).
Digest node_hash(const Digest& left, const Digest& right);

}  // namespace guild::verifier
