#include "verifier/proof.hpp"

namespace guild::verifier {
namespace {

constexpr std::string_view inclusion_header = "c2sp.org/tlog-proof@v1";
constexpr std::string_view extra_word = "extra ";
constexpr std::string_view index_word = "index ";
constexpr std::string_view old_word = "old ";

/// `WORD NUMBER`.
Parsed<std::int64_t> parse_number_line(const std::optional<std::string_view>& line,
                                       std::string_view word) {
  if (line && line->starts_with(word))
    if (const auto number = parse_decimal(line->substr(word.size()))) return *number;
  return because("the line `", word, "N` is missing");
}

/// Up to the empty line after them.
Parsed<std::vector<Digest>> parse_hashes(Lines& lines) {
  std::vector<Digest> hashes;
  while (const auto line = lines.next()) {
    if (line->empty()) return hashes;
    if (hashes.size() == proof_hashes_max)
      return because("it has more than ", proof_hashes_max, " hashes");
    if (!from_base64(*line, hashes.emplace_back()))
      return because(shown(*line), " is not the base64 of a hash");
  }
  return because("it ends before its checkpoint");
}

template <class Proof>
Parsed<Proof> parse_rest(Lines& lines, Proof proof) {
  auto hashes = parse_hashes(lines);
  if (!hashes) return std::unexpected(std::move(hashes).error());
  auto checkpoint = parse_checkpoint(lines.rest());
  if (!checkpoint) return because("its checkpoint: ", checkpoint.error());
  proof.hashes = std::move(*hashes);
  proof.checkpoint = std::move(*checkpoint);
  return proof;
}

Check check_size(std::string_view text) {
  if (text.size() <= proof_size_max) return {};
  return because("it has ", text.size(), " bytes; ", proof_size_max, " are allowed");
}

Check check_extra(std::string_view line) {
  if (line.size() <= extra_size_max && from_base64(line.substr(extra_word.size()))) return {};
  return because("its line `extra` is not base64 of a few bytes");
}

}  // namespace

Parsed<InclusionProof> parse_inclusion_proof(std::string_view text) {
  VERIFIER_CHECK(check_size(text));
  Lines lines(text);
  if (lines.next() != inclusion_header) return because("its first line is not ", inclusion_header);
  auto line = lines.next();
  if (line && line->starts_with(extra_word)) {
    VERIFIER_CHECK(check_extra(*line));
    line = lines.next();
  }
  const auto index = parse_number_line(line, index_word);
  if (!index) return std::unexpected(index.error());
  return parse_rest(lines, InclusionProof{.index = *index});
}

Parsed<ConsistencyProof> parse_consistency_proof(std::string_view text) {
  VERIFIER_CHECK(check_size(text));
  Lines lines(text);
  const auto old_size = parse_number_line(lines.next(), old_word);
  if (!old_size) return std::unexpected(old_size.error());
  return parse_rest(lines, ConsistencyProof{.old_size = *old_size});
}

bool begins_consistency_proof(std::string_view text) { return text.starts_with(old_word); }

}  // namespace guild::verifier
