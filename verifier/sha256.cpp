#include "verifier/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

namespace guild::verifier {
namespace {

/// libcrypto answers 1 for done.
void demand(bool done) {
  if (!done) std::abort();
}

class Hasher {
 public:
  Hasher() : digest_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    demand(digest_ && context_);
  }

  Digest hash(std::initializer_list<Bytes> parts) {
    Digest digest;
    demand(EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) == 1);
    for (const Bytes part : parts)
      demand(EVP_DigestUpdate(context_.get(), part.data(), part.size()) == 1);
    demand(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
    return digest;
  }

 private:
  struct Free {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD, Free> digest_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

constexpr std::array<std::uint8_t, 1> leaf_prefix = {0x00};
constexpr std::array<std::uint8_t, 1> node_prefix = {0x01};

}  // namespace

Digest sha256(std::initializer_list<Bytes> parts) {
  static thread_local Hasher hasher;
  return hasher.hash(parts);
}

Digest leaf_hash(Bytes leaf) { return sha256({leaf_prefix, leaf}); }

Digest node_hash(const Digest& left, const Digest& right) {
  return sha256({node_prefix, left, right});
}

}  // namespace guild::verifier
