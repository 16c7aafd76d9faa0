#include "ledgerd/checkpoint.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/base/assert.hpp"

namespace guild::ledgerd {
namespace {

constexpr std::size_t key_id_size = 4;
constexpr std::uint8_t ed25519 = 0x01;
static_assert(std::tuple_size_v<SigningKey> == crypto_sign_PUBLICKEYBYTES);
constexpr std::string_view signature_prefix = "\u2014 ";

void append(Bytes& bytes, BytesView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

Bytes key_id_of(std::string_view name, BytesView public_key) {
  Bytes named;
  append(named, as_bytes(name));
  named.push_back('\n');
  named.push_back(ed25519);
  append(named, public_key);
  const Digest hash = sha256(named);
  return {hash.begin(), hash.begin() + key_id_size};
}

std::optional<Bytes> from_base64(std::string_view text) {
  Bytes bytes(text.size());
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size())
    return {};
  bytes.resize(size);
  // What has two spellings is one of them.
  if (to_base64(bytes) != text) return {};
  return bytes;
}

/// The part of `text` before `end`, which it is cut off with; nothing when there is no `end`.
std::optional<std::string_view> take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return {};
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorKind::invalid, "checkpoint_malformed",
              fmt::format("this is no checkpoint: {}", what),
              "docs/ledger.md says what one is like");
}

std::string body_of(std::string_view origin, const TreeHead& head) {
  return fmt::format("{}\n{}\n{}\n", origin, head.size, to_base64(head.root));
}

std::string text_of(std::string_view first_lines, std::span<const std::string> hashes,
                    std::string_view note) {
  std::string text(first_lines);
  for (const std::string& hash : hashes) text.append(hash).append("\n");
  return text.append("\n").append(note);
}

}  // namespace

std::string to_base64(BytesView bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // The zero that C wants.
  return text;
}

std::string origin_of(const Digest& first_posting) {
  return "guildhall/" + to_hex(BytesView(first_posting).first(8));
}

std::string public_text_of(std::string_view origin, const SigningKey& key) {
  Bytes typed = {ed25519};
  append(typed, key);
  return fmt::format("{}+{}+{}", origin, to_hex(key_id_of(origin, key)), to_base64(typed));
}

CheckpointSigner::CheckpointSigner(std::string origin, const Secret32& seed)
    : origin_(std::move(origin)) {
  GUILD_ASSERT(sodium_init() >= 0);
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
  crypto_sign_seed_keypair(key_.data(), secret.data(), seed.reveal().data());
  secret_ = Secret<64>(secret);
  wipe(secret.data(), secret.size());
  key_id_ = key_id_of(origin_, key_);
  public_text_ = public_text_of(origin_, key_);
}

std::string CheckpointSigner::sign(const TreeHead& head) const {
  const std::string body = body_of(origin_, head);
  std::array<std::uint8_t, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, as_bytes(body).data(), body.size(),
                       secret_.reveal().data());
  Bytes signed_with = key_id_;
  append(signed_with, signature);
  return fmt::format("{}\n{}{} {}\n", body, signature_prefix, origin_, to_base64(signed_with));
}

Result<CheckpointText> parse_checkpoint(std::string_view note) {
  const auto origin = take(note, '\n');
  const auto size = take(note, '\n');
  const auto root = take(note, '\n');
  if (!origin || origin->empty() || !size || !root) return malformed("three lines are wanted");
  CheckpointText read{.origin = std::string(*origin), .head = {}};
  const char* const begin = size->data();
  const char* const end = begin + size->size();
  const auto [stopped, problem] = std::from_chars(begin, end, read.head.size);
  if (problem != std::errc{} || stopped != end || read.head.size < 0 ||
      fmt::to_string(read.head.size) != *size)
    return malformed("the second line is not a size");
  const auto hash = from_base64(*root);
  if (!hash || hash->size() != read.head.root.size())
    return malformed("the third line is not a root");
  std::ranges::copy(*hash, read.head.root.begin());
  if (!note.starts_with('\n')) return malformed("an empty line and signatures are wanted");
  return read;
}

bool is_signed_by(std::string_view note, std::string_view public_text) {
  const auto read = parse_checkpoint(note);
  const auto name = take(public_text, '+');
  if (!read || !name || !take(public_text, '+')) return false;
  const auto key = from_base64(public_text);
  if (!key || key->size() != 1 + crypto_sign_PUBLICKEYBYTES || key->front() != ed25519)
    return false;
  const BytesView public_key = BytesView(*key).subspan(1);
  const Bytes key_id = key_id_of(*name, public_key);
  const std::string body = body_of(read->origin, read->head);
  std::string_view rest = note.substr(body.size() + 1);
  while (const auto line = take(rest, '\n')) {
    const std::string named = fmt::format("{}{} ", signature_prefix, *name);
    if (!line->starts_with(named)) continue;
    const auto signature = from_base64(line->substr(named.size()));
    if (signature && signature->size() == key_id_size + crypto_sign_BYTES &&
        std::ranges::equal(BytesView(*signature).first(key_id_size), key_id) &&
        crypto_sign_verify_detached(signature->data() + key_id_size, as_bytes(body).data(),
                                    body.size(), public_key.data()) == 0)
      return true;
  }
  return false;
}

std::string inclusion_text(std::int64_t seq, std::span<const std::string> hashes,
                           std::string_view note) {
  return text_of(fmt::format("c2sp.org/tlog-proof@v1\nindex {}\n", seq - 1), hashes, note);
}

std::string consistency_text(std::int64_t old, std::span<const std::string> hashes,
                             std::string_view note) {
  return text_of(fmt::format("old {}\n", old), hashes, note);
}

}  // namespace guild::ledgerd
