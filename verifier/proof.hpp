// Proofs as texts, with the checkpoint they lead to: an inclusion proof (c2sp.org/tlog-proof) and a
// consistency proof (the body that c2sp.org/tlog-witness takes). Limits: proof_hashes_max hashes,
// proof_size_max bytes. Reading checks the form alone; signature and hashes are checked by whoever
// knows the key and the root (checkpoint.hpp, tree.hpp).
#pragma once

#include <string_view>
#include <vector>

#include "verifier/checkpoint.hpp"
#include "verifier/tree.hpp"

namespace guild::verifier {

/// A tlog-proof may carry data of its sender, which says nothing to us.
inline constexpr std::size_t extra_size_max = std::size_t{64} * 1024;
inline constexpr std::size_t proof_size_max =
    checkpoint_size_max + extra_size_max + std::size_t{8} * 1024;

struct InclusionProof {
  std::int64_t index = 0;  ///< seq - 1.
  std::vector<Digest> hashes{};
  Checkpoint checkpoint{};
};

struct ConsistencyProof {
  std::int64_t old_size = 0;
  std::vector<Digest> hashes{};
  Checkpoint checkpoint{};
};

Parsed<InclusionProof> parse_inclusion_proof(std::string_view text);
Parsed<ConsistencyProof> parse_consistency_proof(std::string_view text);
/// Whether a text is one, by how it begins; a checkpoint begins otherwise.
bool begins_consistency_proof(std::string_view text);

}  // namespace guild::verifier
