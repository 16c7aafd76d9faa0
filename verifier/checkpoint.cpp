#include "verifier/checkpoint.hpp"

#include <sodium.h>

#include <algorithm>

namespace guild::verifier {
namespace {

constexpr std::string_view signature_prefix = "\xE2\x80\x94 ";  // An em dash and a space.

bool is_key_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != '+' && c != 0x7F;
  };
  return !name.empty() && is_utf8(name) && std::ranges::all_of(name, is_plain);
}

Parsed<Signature> parse_signature(std::string_view line) {
  if (!line.starts_with(signature_prefix))
    return because("a signature line does not begin with an em dash and a space");
  line.remove_prefix(signature_prefix.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_key_name(line.substr(0, space)))
    return because("a signature line has no key name");
  const auto bytes = from_base64(line.substr(space + 1));
  Signature signature{.name = std::string(line.substr(0, space))};
  if (!bytes || bytes->size() <= signature.key_id.size())
    return because("a signature line has no base64 of a key id and a signature");
  const auto after_id = bytes->begin() + static_cast<std::ptrdiff_t>(signature.key_id.size());
  std::copy(bytes->begin(), after_id, signature.key_id.begin());
  signature.bytes.assign(after_id, bytes->end());
  return signature;
}

Check parse_head(Lines& lines, Checkpoint& checkpoint) {
  const std::string_view origin = lines.next().value_or("");
  if (!is_origin(origin))
    return because("its first line ", shown(origin), " is no origin: guildhall/ and 16 hex digits");
  const std::string_view size = lines.next().value_or("");
  const std::int64_t number = parse_decimal(size).value_or(0);
  if (number < 1) return because("its second line ", shown(size), " is no number of postings");
  const std::string_view root = lines.next().value_or("");
  if (!from_base64(root, checkpoint.root))
    return because("its third line ", shown(root), " is not the base64 of a root");
  const auto empty = lines.next();
  if (!empty) return because("it ends before its signatures");
  if (!empty->empty()) return because("it has more than three lines before its signatures");
  checkpoint.origin = origin;
  checkpoint.size = number;
  return {};
}

Check parse_signatures(Lines& lines, Checkpoint& checkpoint) {
  while (const auto line = lines.next()) {
    if (checkpoint.signatures.size() == signatures_max)
      return because("it has more than ", signatures_max, " signature lines");
    auto signature = parse_signature(*line);
    if (!signature) return std::unexpected(std::move(signature).error());
    checkpoint.signatures.push_back(std::move(*signature));
  }
  if (!lines.rest().empty()) return because("its last line does not end");
  if (checkpoint.signatures.empty()) return because("it has no signature");
  return {};
}

bool is_good(const Signature& signature, const Checkpoint& checkpoint, const PublicKey& key) {
  const Bytes text = as_bytes(checkpoint.signed_text);
  return signature.bytes.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(signature.bytes.data(), text.data(), text.size(),
                                     key.key.data()) == 0;
}

}  // namespace

Parsed<Checkpoint> parse_checkpoint(std::string_view text) {
  if (text.size() > checkpoint_size_max)
    return because("it has ", text.size(), " bytes; ", checkpoint_size_max, " are allowed");
  Checkpoint checkpoint;
  checkpoint.text = text;
  Lines lines(text);
  VERIFIER_CHECK(parse_head(lines, checkpoint));
  checkpoint.signed_text = text.substr(0, text.size() - lines.rest().size() - 1);
  VERIFIER_CHECK(parse_signatures(lines, checkpoint));
  return checkpoint;
}

Check check_signature(const Checkpoint& checkpoint, const PublicKey& key) {
  if (checkpoint.origin != key.origin)
    return because("it is of the book ", checkpoint.origin, ", the key of ", key.origin);
  bool is_signed = false;
  for (const Signature& signature : checkpoint.signatures) {
    if (signature.name != key.origin || signature.key_id != key.id) continue;
    if (!is_good(signature, checkpoint, key)) return because("its signature is not good");
    is_signed = true;
  }
  if (!is_signed) return because("it has no signature by the key ", to_hex(key.id));
  return {};
}

}  // namespace guild::verifier
