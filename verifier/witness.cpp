#include "verifier/witness.hpp"

#include "verifier/files.hpp"

namespace guild::verifier {
namespace {

std::unexpected<Error> refuse(std::string code, std::string message, std::string next_step) {
  return fail(Failure::refused, std::move(code), std::move(message), std::move(next_step));
}

constexpr std::string_view keep_both =
    "keep this file and the remembered one: together, both signed, they show what was done";

std::string since(std::int64_t size) {
  return joined("get the proof from there: guild ledger checkpoint --since ", size);
}

/// A bare checkpoint is a proof from nothing.
Result<ConsistencyProof> parse(std::string_view text) {
  Parsed<ConsistencyProof> proof;
  if (begins_consistency_proof(text)) {
    proof = parse_consistency_proof(text);
  } else if (auto checkpoint = parse_checkpoint(text)) {
    proof->checkpoint = std::move(*checkpoint);
  } else {
    proof = std::unexpected(std::move(checkpoint).error());
  }
  if (proof) return std::move(*proof);
  return refuse("form", joined("this is no checkpoint and no consistency proof: ", proof.error()),
                "give what `guild ledger checkpoint --since N` writes");
}

Result<void> check_signed(const Checkpoint& checkpoint, const PublicKey& key) {
  if (checkpoint.origin != key.origin)
    return refuse(
        "other_origin",
        joined("the checkpoint is of the book ", checkpoint.origin, ", the key of ", key.origin),
        "give the key and the checkpoint of one book");
  if (const auto good = check_signature(checkpoint, key); !good)
    return refuse(
        "bad_signature", joined("the checkpoint: ", good.error()),
        "remember nothing of it; ask the ledger's owner for a checkpoint with its signature");
  return {};
}

Result<void> check_same(const Checkpoint& last, const Checkpoint& next) {
  if (last.root == next.root) return {};
  return refuse("fork",
                joined("of ", next.size, " postings another root is remembered: ",
                       to_hex(last.root), ", not ", to_hex(next.root)),
                std::string(keep_both));
}

Result<void> check_first(const ConsistencyProof& next) {
  if (next.old_size == 0 && next.hashes.empty()) return {};
  return refuse("other_old",
                joined("nothing is remembered yet, and this is a proof from ", next.old_size),
                "begin with a checkpoint alone: guild ledger checkpoint");
}

Result<void> check_follows(const Checkpoint& last, const ConsistencyProof& next) {
  const Checkpoint& checkpoint = next.checkpoint;
  if (checkpoint.size < last.size)
    return refuse(
        "rollback",
        joined("the checkpoint has ", checkpoint.size, " postings, ", last.size, " are remembered"),
        joined("an old checkpoint is no harm, get a new one; a ledger that has no newer one "
               "was rolled back, and then ",
               keep_both));
  if (checkpoint.size == last.size) return check_same(last, checkpoint);
  if (next.old_size != last.size)
    return refuse(
        "other_old",
        joined("the proof is from ", next.old_size, " postings, ", last.size, " are remembered"),
        since(last.size));
  const auto holds =
      check_consistency(last.size, last.root, checkpoint.size, checkpoint.root, next.hashes);
  if (holds) return {};
  return refuse("fork",
                joined("the book of ", checkpoint.size, " postings does not go on from the ",
                       last.size, " that are remembered: ", holds.error()),
                std::string(keep_both));
}

Result<Checkpoint> checked_state(const std::filesystem::path& state, const PublicKey& key) {
  auto last = remembered(state);
  if (!last) return last;
  if (last->origin != key.origin)
    return refuse("other_origin",
                  joined(state.string(), " remembers the book ", last->origin, ", the key is of ",
                         key.origin),
                  "give that book's key, or another file for this book");
  if (const auto good = check_signature(*last, key); !good)
    return refuse("state_damaged", joined(state.string(), ": ", good.error()),
                  "find out who changed it, or put back a copy; do not begin anew");
  return last;
}

/// Nothing when there is no such file yet.
Result<std::optional<Checkpoint>> last_of(const std::filesystem::path& state,
                                          const PublicKey& key) {
  auto last = checked_state(state, key);
  if (last) return std::move(*last);
  if (last.error().failure == Failure::missing) return std::nullopt;
  return std::unexpected(std::move(last).error());
}

}  // namespace

Result<Checkpoint> remembered(const std::filesystem::path& state) {
  const auto text = read_file(state, checkpoint_size_max);
  if (!text) return std::unexpected(text.error());
  auto checkpoint = parse_checkpoint(*text);
  if (checkpoint) return std::move(*checkpoint);
  return refuse("state_damaged",
                joined(state.string(), " is no remembered checkpoint: ", checkpoint.error()),
                "find out who changed it, or put back a copy; do not begin anew");
}

Result<void> check_next(const std::optional<Checkpoint>& last, const ConsistencyProof& next,
                        const PublicKey& key) {
  if (auto good = check_signed(next.checkpoint, key); !good) return good;
  return last ? check_follows(*last, next) : check_first(next);
}

Result<Witnessed> witness(const std::filesystem::path& state, const PublicKey& key,
                          std::string_view text) {
  auto next = parse(text);
  if (!next) return std::unexpected(std::move(next).error());
  // A link would be replaced by the file, and a link to nothing taken for a beginning.
  std::error_code unknown;
  if (std::filesystem::is_symlink(state, unknown))
    return fail(Failure::usage, "state_link", joined(state.string(), " is a symbolic link"),
                "give the path of the file itself");
  const auto lock = FolderLock::take(state);
  if (!lock) return std::unexpected(lock.error());
  const auto last = last_of(state, key);
  if (!last) return std::unexpected(last.error());
  const std::optional<Checkpoint>& known = *last;
  VERIFIER_CHECK(check_next(known, *next, key));
  Witnessed witnessed{.checkpoint = std::move(next->checkpoint), .before = {}};
  if (known) witnessed.before = known->size;
  if (witnessed.before != witnessed.checkpoint.size)
    VERIFIER_CHECK(lock->replace(state, witnessed.checkpoint.text));
  return witnessed;
}

}  // namespace guild::verifier
