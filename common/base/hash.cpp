#include "common/base/hash.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include "common/base/assert.hpp"

namespace guild {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const EVP_MD* sha256_digest() {
  // Kept for the life of the process: fetching it costs more than hashing a short text.
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  GUILD_ASSERT(digest != nullptr);
  return digest;
}

EVP_MD_CTX* thread_context() {
  thread_local const Context context{EVP_MD_CTX_new()};
  GUILD_ASSERT(context != nullptr);
  return context.get();
}

// Also chooses the fastest BLAKE2b for this machine.
void start_sodium() {
  static const bool started = sodium_init() >= 0;
  GUILD_ASSERT(started);
}

}  // namespace

Digest sha256(BytesView bytes) {
  Digest digest{};
  unsigned size = 0;
  EVP_MD_CTX* const context = thread_context();
  GUILD_ASSERT(EVP_DigestInit_ex2(context, sha256_digest(), nullptr) == 1);
  GUILD_ASSERT(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
  GUILD_ASSERT(EVP_DigestFinal_ex(context, digest.data(), &size) == 1);
  GUILD_ASSERT(size == digest.size());
  return digest;
}

Digest keyed_hash(BytesView key, BytesView bytes) {
  GUILD_ASSERT(key.size() >= crypto_generichash_KEYBYTES_MIN);
  GUILD_ASSERT(key.size() <= crypto_generichash_KEYBYTES_MAX);
  start_sodium();
  Digest digest{};
  GUILD_ASSERT(crypto_generichash(digest.data(), digest.size(), bytes.data(), bytes.size(),
                                  key.data(), key.size()) == 0);
  return digest;
}

bool equal_in_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace guild
