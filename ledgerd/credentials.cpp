#include "ledgerd/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace guild::ledgerd {
namespace {

constexpr std::string_view key_prefix = "guild_key_";
constexpr std::string_view secret_prefix = "guild_secret_";
constexpr std::string_view token_prefix = "guild_token_";
constexpr std::size_t id_bytes = 8;
/// Prefix, id of the key, expiry in ns, MAC; the three are set apart by `_`.
constexpr std::size_t token_size = 12 + 16 + 1 + 16 + 1 + 64;

template <std::size_t Bytes>
std::string random_hex() {
  std::array<std::uint8_t, Bytes> bytes{};
  fill_random(bytes.data(), bytes.size());
  std::string hex = to_hex(bytes);
  wipe(bytes.data(), bytes.size());
  return hex;
}

/// The id in an API key's text; empty when it has none.
std::string_view id_in(std::string_view api_key) {
  if (!api_key.starts_with(key_prefix)) return {};
  api_key.remove_prefix(key_prefix.size());
  return api_key.substr(0, 2 * id_bytes);
}

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_key(std::string_view text) {
  const std::string_view id = id_in(text);
  return is_hex(id, 2 * id_bytes) && text.size() > key_prefix.size() + id.size() &&
         text[key_prefix.size() + id.size()] == '_' &&
         is_hex(text.substr(key_prefix.size() + id.size() + 1), 64);
}

bool is_secret(std::string_view text) {
  return text.starts_with(secret_prefix) && is_hex(text.substr(secret_prefix.size()), 64);
}

std::unexpected<Error> invalid() {
  return fail(ErrorKind::denied, "credentials_invalid", "the credentials are not valid",
              "send the operator token, or a bot's API key and secret as they were shown once");
}

}  // namespace

NewCredential Credentials::make(std::string_view handle, Instant now) const {
  NewCredential made;
  made.record.key_id = random_hex<id_bytes>();
  made.api_key = fmt::format("{}{}_{}", key_prefix, made.record.key_id, random_hex<32>());
  made.api_secret = fmt::format("{}{}", secret_prefix, random_hex<32>());
  made.record.handle = handle;
  made.record.key_hash = hash("key", handle, made.api_key);
  made.record.secret_hash = hash("secret", handle, made.api_secret);
  made.record.created_at = now;
  return made;
}

Result<CredentialRecord> Credentials::record_of(std::string_view handle, std::string_view api_key,
                                                std::string_view api_secret, Instant now) const {
  // A key that a person chose may be guessed, and fast hashes are for what may not.
  if (!is_key(api_key) || !is_secret(api_secret))
    return fail(ErrorKind::invalid, "key_format", "this is not the form of our keys and secrets",
                "use what `guild bot add`, `rotate` or `revive` has shown");
  return CredentialRecord{.key_id = std::string(id_in(api_key)),
                          .handle = std::string(handle),
                          .key_hash = hash("key", handle, api_key),
                          .secret_hash = hash("secret", handle, api_secret),
                          .created_at = now};
}

void Credentials::add(CredentialRecord record) {
  std::string id = record.key_id;
  by_id_.insert_or_assign(std::move(id), std::move(record));
}

void Credentials::remove_all_of(std::string_view handle) {
  const auto is_its = [&](const auto& entry) { return entry.second.handle == handle; };
  std::erase_if(by_id_, is_its);
  std::erase_if(of_the_dead_, is_its);
}

void Credentials::bury(std::string_view handle) {
  std::erase_if(by_id_, [&](const auto& entry) {
    if (entry.second.handle != handle) return false;
    of_the_dead_.insert(entry);
    return true;
  });
}

Result<Principal> Credentials::check(const messages::Credential& credential, Instant now) const {
  const bool is_partly_bot = credential.api_key || credential.api_secret || credential.token;
  if (credential.operator_token && !is_partly_bot)
    return check_operator(credential.operator_token->view());
  return check_any(by_id_, credential, now);
}

std::string Credentials::dead_with(const messages::Credential& credential, Instant now) const {
  const auto found = check_any(of_the_dead_, credential, now);
  return found ? found->bot : std::string();
}

Result<Principal> Credentials::check_operator(std::string_view token) const {
  if (!equal_in_constant_time(sha256(as_bytes(token)), operator_token_hash_)) return invalid();
  return Principal{.is_operator = true, .bot = {}};
}

Result<Principal> Credentials::check_any(const ById& known, const messages::Credential& credential,
                                         Instant now) const {
  if (credential.operator_token) return invalid();
  if (credential.token && !credential.api_key && !credential.api_secret)
    return check_token(known, credential.token->view(), now);
  if (credential.api_key && credential.api_secret && !credential.token)
    return check_bot(known, credential.api_key->view(), credential.api_secret->view());
  return invalid();
}

Result<std::string> Credentials::make_token(const messages::Credential& credential,
                                            Instant expires_at) const {
  if (!credential.api_key || !credential.api_secret || credential.token ||
      credential.operator_token)
    return invalid();
  GUILD_CHECK(check_bot(by_id_, credential.api_key->view(), credential.api_secret->view()));
  const CredentialRecord& record = by_id_.at(std::string(id_in(credential.api_key->view())));
  const std::string signed_part =
      fmt::format("{}{}_{:016x}", token_prefix, record.key_id,
                  static_cast<std::uint64_t>(std::max<std::int64_t>(expires_at.ns, 0)));
  return fmt::format("{}_{}", signed_part, to_hex(mac_of(record, signed_part)));
}

Result<Principal> Credentials::check_token(const ById& known, std::string_view token,
                                           Instant now) const {
  if (token.size() != token_size || !token.starts_with(token_prefix)) return invalid();
  const std::string_view signed_part = token.substr(0, token_size - 65);
  static const CredentialRecord nobody{};
  const auto found = known.find(std::string(token.substr(token_prefix.size(), 2 * id_bytes)));
  const CredentialRecord& record = found == known.end() ? nobody : found->second;
  const std::string mac = "_" + to_hex(mac_of(record, signed_part));
  const bool is_ours =
      equal_in_constant_time(as_bytes(mac), as_bytes(token.substr(signed_part.size())));
  if (!is_ours || found == known.end()) return invalid();
  std::uint64_t expires_ns = 0;
  const std::string_view expiry = signed_part.substr(signed_part.size() - 16);
  std::from_chars(expiry.data(), expiry.data() + expiry.size(), expires_ns, 16);
  if (std::cmp_less_equal(expires_ns, now.ns)) return invalid();
  return Principal{.is_operator = false, .bot = record.handle};
}

/// The key's own hash is in it, so that it ends with the key.
Digest Credentials::mac_of(const CredentialRecord& record, std::string_view signed_part) const {
  return hash("token", record.handle, fmt::format("{}\n{}", signed_part, to_hex(record.key_hash)));
}

Result<Principal> Credentials::check_bot(const ById& known, std::string_view api_key,
                                         std::string_view api_secret) const {
  // An unknown key is compared with hashes that nothing has, so that it takes as long as a wrong
  // one.
  static const CredentialRecord nobody{};
  const auto found = known.find(std::string(id_in(api_key)));
  const CredentialRecord& record = found == known.end() ? nobody : found->second;
  const bool is_key = equal_in_constant_time(hash("key", record.handle, api_key), record.key_hash);
  const bool is_secret =
      equal_in_constant_time(hash("secret", record.handle, api_secret), record.secret_hash);
  if (!static_cast<bool>(static_cast<int>(is_key) & static_cast<int>(is_secret))) return invalid();
  return Principal{.is_operator = false, .bot = record.handle};
}

/// The handle is hashed in, so that a row copied to another bot opens nothing.
Digest Credentials::hash(std::string_view what, std::string_view handle,
                         std::string_view secret) const {
  std::string text = fmt::format("guild ledgerd {} {}\n{}", what, handle, secret);
  const Digest digest = keyed_hash(hashing_key_.reveal(), as_bytes(text));
  wipe(text.data(), text.size());
  return digest;
}

}  // namespace guild::ledgerd
