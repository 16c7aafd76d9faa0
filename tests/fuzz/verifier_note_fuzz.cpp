// A stranger's key, checkpoint or proof: all are tried on the same text. What is accepted says what
// the text says, and its hashes and signatures can be checked.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "verifier/proof.hpp"
#include "verifier/witness.hpp"

using namespace guild::verifier;

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

/// They may answer anything, but must answer.
void answers(const Check&) {}
void answers(const Result<void>&) {}

/// The key of the corpus, so that its checkpoints are those of a known key.
const PublicKey& known_key() {
  static const PublicKey key =
      parse_public_key(
          "guildhall/5db50497b7d05f9b+1b885549+AbH8qOA/uvJ6ds7f46Idjn5KYXilphRz0gC53Ucc8NAv")
          .value();
  return key;
}

void try_checkpoint(const Checkpoint& checkpoint) {
  demand(checkpoint.signed_text ==
         joined(checkpoint.origin, "\n", checkpoint.size, "\n", to_base64(checkpoint.root), "\n"));
  demand(checkpoint.text.starts_with(checkpoint.signed_text + "\n"));
  demand(!checkpoint.signatures.empty() && checkpoint.signatures.size() <= signatures_max);
  PublicKey key = known_key();
  answers(check_signature(checkpoint, key));
  // With this key every line that has its name is tried.
  key.origin = checkpoint.origin;
  for (const Signature& signature : checkpoint.signatures) {
    key.id = signature.key_id;
    answers(check_signature(checkpoint, key));
  }
}

void try_inclusion(const InclusionProof& proof) {
  demand(proof.index >= 0 && proof.hashes.size() <= proof_hashes_max);
  try_checkpoint(proof.checkpoint);
  answers(check_inclusion(proof.index, proof.checkpoint.size, Digest{}, proof.hashes,
                          proof.checkpoint.root));
}

void try_consistency(const ConsistencyProof& proof) {
  demand(proof.old_size >= 0 && proof.hashes.size() <= proof_hashes_max);
  try_checkpoint(proof.checkpoint);
  answers(check_consistency(proof.old_size, Digest{}, proof.checkpoint.size, proof.checkpoint.root,
                            proof.hashes));
  Checkpoint last = proof.checkpoint;
  last.size = proof.old_size;
  answers(check_next(last, proof, known_key()));
  answers(check_next({}, proof, known_key()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = parse_public_key(text)) demand(is_origin(key->origin));
  if (const auto checkpoint = parse_checkpoint(text)) try_checkpoint(*checkpoint);
  if (const auto proof = parse_inclusion_proof(text)) try_inclusion(*proof);
  if (const auto proof = parse_consistency_proof(text)) try_consistency(*proof);
  demand(is_utf8(json_string(text)));
  demand(shown(text).size() <= 64 * 4 + 5);
  return 0;
}
