// The witness: remembers the last checkpoint that it took, in one file, and takes a next one only
// when a proof shows that the book went on from there. The file is that checkpoint, byte for byte,
// so that its signature is checked again whenever it is read. A refusal changes nothing; a success
// is on disk before it is answered, and two runs on one file go one after the other.
//
// Codes of refusals: `form`, `bad_signature`, `other_origin`, `rollback` (fewer postings than are
// remembered), `fork` (as many with another root, or a proof that does not hold), `other_old` (a
// proof from another size than the remembered, or none), `state_damaged`. A state that is a
// symbolic link is wrong usage: `state_link`.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "verifier/checkpoint.hpp"
#include "verifier/proof.hpp"

namespace guild::verifier {

struct Witnessed {
  Checkpoint checkpoint;               ///< What is remembered now.
  std::optional<std::int64_t> before;  ///< The size that was; nothing when this is the first.
};

/// `text` is a consistency proof or a bare checkpoint.
Result<Witnessed> witness(const std::filesystem::path& state, const PublicKey& key,
                          std::string_view text);

/// What `state` remembers; its signature is not checked. Errors: `file_missing`, `state_damaged`.
Result<Checkpoint> remembered(const std::filesystem::path& state);

/// Pure: whether `next` may follow `last`, which is nothing at first.
Result<void> check_next(const std::optional<Checkpoint>& last, const ConsistencyProof& next,
                        const PublicKey& key);

}  // namespace guild::verifier
