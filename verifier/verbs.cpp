#include "verifier/verbs.hpp"

#include "verifier/account_name.hpp"
#include "verifier/export.hpp"
#include "verifier/files.hpp"
#include "verifier/proof.hpp"
#include "verifier/text.hpp"
#include "verifier/witness.hpp"

namespace guild::verifier {
namespace {

Result<PublicKey> key_from(const std::string& typed) {
  const bool is_key = typed.find('+') != std::string::npos && typed.starts_with("guildhall/");
  const auto text = is_key ? Result<std::string>(typed) : read_file(typed, key_text_size_max + 1);
  if (!text) return std::unexpected(text.error());
  auto key = parse_public_key(*text);
  if (key) return std::move(*key);
  return fail(Failure::usage, "key_form", joined("--key: ", key.error()),
              "give the line that an export has as its file key, or a file with it");
}

// ---- An export ---------------------------------------------------------------------------------

void print_balance(std::string_view name, const Account& account, const Output& output) {
  const bool has_floor = name != world_account;
  const std::string balance = amount_text(account.balance), held = amount_text(account.held);
  const std::string floor = amount_text(account.floor);
  Json json;
  json.text("account", name).text("balance", balance).text("held", held);
  has_floor ? json.text("floor", floor) : json.null("floor");
  output.answer(joined(name, "  balance ", balance, "  held ", held, "  floor ",
                       has_floor ? std::string_view(floor) : "none"),
                json);
}

Exit answer(const Fault& fault, const Output& output) {
  Json json;
  json.boolean("ok", false).number("first_bad_seq", fault.seq).text("problem", fault.problem);
  output.answer(joined("FAIL  posting ", fault.seq, ": ", fault.problem), json);
  return Exit::failed;
}

Exit answer(const ExportCheck& check, bool balances, const Output& output) {
  const auto accounts = static_cast<std::int64_t>(check.book().accounts());
  const std::string root = to_hex(check.root());
  Json json;
  json.boolean("ok", true).number("entries", check.book().size()).number("accounts", accounts);
  json.number("checkpoints", check.checkpoints()).text("root", root);
  output.answer(joined("ok  ", check.book().size(), " postings, ", accounts, " accounts, ",
                       check.checkpoints(), " checkpoints, root ", root),
                json);
  if (balances)
    for (const auto& [name, account] : check.book().sorted_accounts())
      print_balance(name, *account, output);
  return Exit::ok;
}

// ---- A proof -----------------------------------------------------------------------------------

/// What is to be in the book, and its seq where a leaf tells it.
struct Wanted {
  Digest hash{};
  std::optional<std::int64_t> seq{};
};

Result<Wanted> wanted_leaf(const std::string& file) {
  const auto text = read_file(file, leaf_size_max);
  if (!text) return std::unexpected(text.error());
  Leaf leaf;
  if (const auto parsed = parse_leaf(as_bytes(*text), leaf); !parsed)
    return fail(Failure::refused, "leaf_form", joined(file, ": ", parsed.error()),
                "give the leaf alone, without the length that precedes it in `leaves`");
  return Wanted{.hash = leaf_hash(as_bytes(*text)), .seq = leaf.seq};
}

Result<Wanted> wanted_hash(const std::string& hex) {
  Wanted wanted;
  if (from_hex(hex, wanted.hash)) return wanted;
  return fail(Failure::usage, "hash_form", joined("--hash ", shown(hex), " is no hash"),
              "give a posting's hash as 64 hex digits in lower case");
}

Result<InclusionProof> read_proof(const std::string& file) {
  const auto text = read_file(file, proof_size_max);
  if (!text) return std::unexpected(text.error());
  auto proof = parse_inclusion_proof(*text);
  if (proof) return std::move(*proof);
  return fail(Failure::refused, "form", joined(file, " is no tlog-proof: ", proof.error()),
              "give a posting's proof as docs/ledger.md has it");
}

Result<void> check_proof(const InclusionProof& proof, const PublicKey& key, const Wanted& wanted) {
  const auto refuse = [](std::string code, std::string why) {
    return fail(Failure::refused, std::move(code), std::move(why),
                "the posting is not shown to be in this book; ask for the proof anew");
  };
  const Checkpoint& checkpoint = proof.checkpoint;
  if (const auto good = check_signature(checkpoint, key); !good)
    return refuse(checkpoint.origin == key.origin ? "bad_signature" : "other_origin",
                  joined("the checkpoint: ", good.error()));
  if (wanted.seq && *wanted.seq - 1 != proof.index)
    return refuse("other_posting", joined("the leaf is posting ", *wanted.seq,
                                          ", the proof is for index ", proof.index));
  if (const auto holds =
          check_inclusion(proof.index, checkpoint.size, wanted.hash, proof.hashes, checkpoint.root);
      !holds)
    return refuse("not_included", joined("the proof does not hold: ", holds.error()));
  return {};
}

Result<InclusionProof> proven(const CheckProof& verb) {
  const auto key = key_from(verb.key);
  if (!key) return std::unexpected(key.error());
  const auto wanted = verb.leaf_file ? wanted_leaf(*verb.leaf_file) : wanted_hash(verb.hash);
  if (!wanted) return std::unexpected(wanted.error());
  auto proof = read_proof(verb.file);
  if (!proof) return proof;
  VERIFIER_CHECK(check_proof(*proof, *key, *wanted));
  return proof;
}

// ---- The witness -------------------------------------------------------------------------------

Result<Witnessed> witnessed(const WitnessCheckpoint& verb) {
  const auto key = key_from(verb.key);
  if (!key) return std::unexpected(key.error());
  const auto text =
      verb.file == "-" ? read_stdin(proof_size_max) : read_file(verb.file, proof_size_max);
  if (!text) return std::unexpected(text.error());
  return witness(verb.state, *key, *text);
}

std::string remembered_line(const Checkpoint& checkpoint) {
  return joined(checkpoint.size, " postings, root ", to_hex(checkpoint.root));
}

}  // namespace

Exit run(const CheckExport& verb, const Output& output) {
  std::optional<PublicKey> expected;
  if (verb.key) {
    auto key = key_from(*verb.key);
    if (!key) return output.error(key.error());
    expected = std::move(*key);
  } else {
    Output::say(
        "the key was taken from the export itself: this shows that the export is whole, not whose "
        "it is; give the key you know by --key");
  }
  const auto report = check_export(verb.folder, expected);
  if (!report) return output.error(report.error());
  if (!report->has_value()) return answer(report->error(), output);
  return answer(**report, verb.balances, output);
}

Exit run(const CheckProof& verb, const Output& output) {
  const auto proof = proven(verb);
  if (!proof) return output.error(proof.error());
  const Checkpoint& checkpoint = proof->checkpoint;
  const std::string root = to_hex(checkpoint.root);
  Json json;
  json.boolean("ok", true).number("seq", proof->index + 1).number("entries", checkpoint.size);
  json.text("root", root);
  output.answer(joined("ok  posting ", proof->index + 1, " is in the book of ", checkpoint.size,
                       " postings, root ", root),
                json);
  return Exit::ok;
}

Exit run(const WitnessCheckpoint& verb, const Output& output) {
  const auto taken = witnessed(verb);
  if (!taken) return output.error(taken.error());
  const Checkpoint& checkpoint = taken->checkpoint;
  const bool is_first = !taken->before;
  if (is_first)
    Output::say(joined("nothing was remembered in ", verb.state, ": this first checkpoint, of ",
                       checkpoint.size, " postings, was trusted as it came"));
  Json json;
  json.boolean("ok", true).boolean("first", is_first).number("before", taken->before.value_or(0));
  json.number("entries", checkpoint.size).text("root", to_hex(checkpoint.root));
  output.answer(joined(taken->before == checkpoint.size ? "ok  nothing new: " : "ok  remembered ",
                       remembered_line(checkpoint)),
                json);
  return Exit::ok;
}

Exit run(const ShowWitness& verb, const Output& output) {
  const auto checkpoint = remembered(verb.state);
  if (!checkpoint) return output.error(checkpoint.error());
  Json json;
  json.text("origin", checkpoint->origin).number("entries", checkpoint->size);
  json.text("root", to_hex(checkpoint->root));
  output.answer(std::to_string(checkpoint->size), json);
  return Exit::ok;
}

}  // namespace guild::verifier
