#include "ledgerd/checkpoint.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::ledgerd;

namespace {

Secret32 seed_of(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(byte);
  return Secret32(bytes);
}

struct Signed {
  CheckpointSigner signer{origin_of(sha256(as_bytes("first"))), seed_of(7)};
  TreeHead head{.size = 1'048'576, .root = sha256(as_bytes("root"))};
  std::string note = signer.sign(head);
};

}  // namespace

TEST_CASE("a checkpoint has the form that others read") {
  const Signed it;
  CHECK(it.signer.origin().starts_with("guildhall/"));
  CHECK(it.signer.origin().size() == 10 + 16);
  const std::string body = it.signer.origin() + "\n1048576\n" + to_base64(it.head.root) +
                           "\n\n\u2014 " + it.signer.origin() + " ";
  CHECK(it.note.starts_with(body));
  CHECK(it.note.ends_with("=\n"));
  const auto read = parse_checkpoint(it.note);
  REQUIRE(read);
  CHECK(read->origin == it.signer.origin());
  CHECK(read->head == it.head);
}

TEST_CASE("a checkpoint is signed by its key and by no other") {
  const Signed it;
  CHECK(is_signed_by(it.note, it.signer.public_key()));
  const CheckpointSigner other(it.signer.origin(), seed_of(8));
  CHECK_FALSE(is_signed_by(it.note, other.public_key()));
  CHECK_FALSE(is_signed_by(it.note, "nonsense"));
  for (std::size_t at = 0; at < it.note.size(); ++at) {
    INFO(at);
    std::string changed = it.note;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(is_signed_by(changed, it.signer.public_key()));
  }
}

TEST_CASE("what is no checkpoint is refused") {
  const Signed it;
  const auto malformed = [](const std::string& text) {
    INFO(text);
    const auto read = parse_checkpoint(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == "checkpoint_malformed");
  };
  const std::string root = to_base64(it.head.root);
  malformed("");
  malformed("origin\n5\n");
  malformed("\n5\n" + root + "\n\n");
  malformed("origin\n05\n" + root + "\n\n");
  malformed("origin\n-5\n" + root + "\n\n");
  malformed("origin\n5x\n" + root + "\n\n");
  malformed("origin\n99999999999999999999\n" + root + "\n\n");
  malformed("origin\n5\n" + root.substr(4) + "\n\n");
  malformed("origin\n5\n" + root + "=\n\n");
  malformed("origin\n5\n" + root + "\nextension\n\n");
}

TEST_CASE("texts of proofs hold the hashes and the checkpoint") {
  const std::vector<std::string> hashes = {"aGVsbG8=", "d29ybGQ="};
  CHECK(inclusion_text(8, hashes, "note\n") ==
        "c2sp.org/tlog-proof@v1\nindex 7\naGVsbG8=\nd29ybGQ=\n\nnote\n");
  CHECK(consistency_text(5, {}, "note\n") == "old 5\n\nnote\n");
}
