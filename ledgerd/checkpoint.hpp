// Checkpoint: the signed head of the tree as text, and the texts of proofs (docs/ledger.md,
// "Checkpoints, proofs and witnesses"). Forms: c2sp.org/signed-note, /tlog-checkpoint, /tlog-proof,
// /tlog-witness. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "ledgerd/tree.hpp"

namespace guild::ledgerd {

/// The book's name, from the hash of its first posting.
std::string origin_of(const Digest& first_posting);

/// An Ed25519 public key.
using SigningKey = std::array<std::uint8_t, 32>;
/// `<origin>+<key id>+<base64>`: what is given to who verifies.
std::string public_text_of(std::string_view origin, const SigningKey& key);

/// Standard base64 with padding.
std::string to_base64(BytesView bytes);

class CheckpointSigner {
 public:
  /// An Ed25519 seed; `origin` names the key, too.
  CheckpointSigner(std::string origin, const Secret32& seed);

  const std::string& origin() const { return origin_; }
  /// `<origin>+<key id>+<base64>`: what is given to who verifies.
  const std::string& public_key() const { return public_text_; }
  const SigningKey& key() const { return key_; }
  /// The note, ending with a line end.
  std::string sign(const TreeHead& head) const;

 private:
  std::string origin_, public_text_;
  SigningKey key_{};
  Bytes key_id_;
  Secret<64> secret_;  // Seed and public key, as libsodium wants them.
};

/// A checkpoint read back, its signature not looked at. Code checkpoint_malformed.
struct CheckpointText {
  std::string origin;
  TreeHead head;
};
Result<CheckpointText> parse_checkpoint(std::string_view note);
/// Whether the note holds a right signature by the key of `public_text`.
bool is_signed_by(std::string_view note, std::string_view public_text);

/// For files, from the parts that messages carry.
std::string inclusion_text(std::int64_t seq, std::span<const std::string> hashes,
                           std::string_view note);
std::string consistency_text(std::int64_t old, std::span<const std::string> hashes,
                             std::string_view note);

}  // namespace guild::ledgerd
