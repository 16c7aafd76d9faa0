// A checkpoint: a book's origin, its number of postings and its root, signed (c2sp.org/signed-note
// and tlog-checkpoint, as docs/ledger.md has them: exactly three lines of text). Limits:
// checkpoint_size_max bytes, signatures_max signature lines. Lines of keys that we do not know must
// have the form of one, and say nothing to us.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "verifier/public_key.hpp"

namespace guild::verifier {

/// Room for 16 signatures of the largest kind that signed-note knows.
inline constexpr std::size_t checkpoint_size_max = std::size_t{128} * 1024;
inline constexpr std::size_t signatures_max = 64;

struct Signature {
  std::string name;
  KeyId key_id{};
  std::vector<std::uint8_t> bytes{};
};

struct Checkpoint {
  std::string origin;
  std::int64_t size = 0;  ///< At least 1: a book without postings has no origin.
  Digest root{};
  std::string text;         ///< All of it, as it was read.
  std::string signed_text;  ///< The three lines.
  std::vector<Signature> signatures{};
};

/// `text` is one checkpoint and nothing else.
Parsed<Checkpoint> parse_checkpoint(std::string_view text);

/// It is of the key's book and has its signature. Every line by this key must be good.
Check check_signature(const Checkpoint& checkpoint, const PublicKey& key);

}  // namespace guild::verifier
