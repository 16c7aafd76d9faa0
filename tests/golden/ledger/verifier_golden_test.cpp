// Holds guild-verify against the files that make_postings.py made from docs/ledger.md: it must find
// sound what the document calls a book, and the proofs about it good.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "verifier/export.hpp"
#include "verifier/proof.hpp"

using namespace guild::verifier;
using Json = nlohmann::json;

namespace {

std::string text_of(const std::string& name) {
  std::ifstream file(GUILD_GOLDEN_LEDGER "/" + name, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::uint8_t> bytes_of(const Json& hex) {
  const auto& text = hex.get_ref<const std::string&>();
  std::vector<std::uint8_t> bytes(text.size() / 2);
  REQUIRE(from_hex(text, bytes));
  return bytes;
}

Digest digest_of(const Json& hex) {
  Digest digest;
  REQUIRE(from_hex(hex.get_ref<const std::string&>(), digest));
  return digest;
}

std::vector<Digest> digests_of(const Json& base64) {
  std::vector<Digest> digests;
  for (const Json& one : base64)
    REQUIRE(from_base64(one.get_ref<const std::string&>(), digests.emplace_back()));
  return digests;
}

const Json& proofs() {
  static const Json golden = Json::parse(text_of("proofs.json"));
  return golden;
}

Checkpoint checkpoint_of(std::int64_t size) {
  auto checkpoint =
      parse_checkpoint(proofs()["checkpoints"][std::to_string(size)].get_ref<const std::string&>());
  REQUIRE(checkpoint);
  CHECK(checkpoint->size == size);
  return *checkpoint;
}

PublicKey key() { return parse_public_key(text_of("export/key")).value(); }

void check_leg(const Leg& leg, const Json& told) {
  CHECK(leg.account == told.at("account").get_ref<const std::string&>());
  CHECK(leg.amount == told.at("amount_units").get<std::int64_t>());
  CHECK(leg.reference == told.at("reference").get_ref<const std::string&>());
  CHECK(leg.account_seq == told.at("account_seq").get<std::int64_t>());
  CHECK(leg.previous_hash == digest_of(told.at("previous_hash")));
}

void check_fact(const Facts& facts, const std::string& name, const Json& value) {
  if (name == "credit") CHECK(facts.credit == value.get_ref<const std::string&>());
  if (name == "held") CHECK(facts.held == value.get<std::int64_t>());
  if (name == "expires_at") CHECK(facts.expires_at == value.get<std::int64_t>());
  if (name == "hold") CHECK(facts.hold == value.get<std::int64_t>());
  if (name == "floor") CHECK(facts.floor == value.get<std::int64_t>());
}

void check_book(const std::string& file, std::size_t postings) {
  const Json golden = Json::parse(text_of(file)).at("postings");
  REQUIRE(golden.size() == postings);
  Book book;
  Frontier tree;
  for (const Json& told : golden) {
    INFO(file << " " << told.at("seq"));
    const auto bytes = bytes_of(told.at("leaf"));
    Leaf leaf;
    const Check parsed = parse_leaf(bytes, leaf);
    INFO((parsed ? "" : parsed.error()));
    REQUIRE(parsed);
    CHECK(leaf.time == told.at("time_ns").get<std::int64_t>());
    REQUIRE(leaf.legs.size() == told.at("legs").size());
    for (std::size_t i = 0; i < leaf.legs.size(); ++i) check_leg(leaf.legs[i], told["legs"][i]);
    if (told.contains("facts"))
      for (const Json& fact : told.at("facts"))
        check_fact(leaf.facts, fact.at("name"), fact.at("value"));
    const Digest hash = leaf_hash(bytes);
    CHECK(hash == digest_of(told.at("hash")));
    const Check taken = book.take(leaf, hash);
    INFO((taken ? "" : taken.error()));
    REQUIRE(taken);
    tree.append(hash);
    CHECK(tree.root() == digest_of(told.at("root")));
  }
  CHECK(book.check_total());
}

}  // namespace

TEST_CASE("postings without facts are those of the document") { check_book("postings.json", 15); }
TEST_CASE("postings with facts are those of the document") { check_book("facts.json", 24); }

TEST_CASE("the export of the document is sound") {
  const auto report = check_export(GUILD_GOLDEN_LEDGER "/export", key());
  REQUIRE(report);
  REQUIRE(report->has_value());
  CHECK((*report)->book().size() == 100);
  CHECK((*report)->checkpoints() == 6);
  CHECK((*report)->root() == checkpoint_of(100).root);
}

TEST_CASE("the document's checkpoints are signed") {
  for (const auto& [size, text] : proofs()["checkpoints"].items()) {
    INFO(size);
    CHECK(check_signature(checkpoint_of(std::stoll(size)), key()));
  }
}

TEST_CASE("the document's inclusion proofs hold, and for no other place") {
  for (const Json& proof : proofs()["inclusion"]) {
    INFO(proof);
    const std::int64_t index = proof.at("index"), size = proof.at("size");
    const Digest leaf = digest_of(proof.at("leaf_hash")), root = checkpoint_of(size).root;
    const auto hashes = digests_of(proof.at("hashes"));
    CHECK(check_inclusion(index, size, leaf, hashes, root));
    CHECK_FALSE(check_inclusion(index, size, sha256({}), hashes, root));
    for (std::int64_t other = 0; other < size; ++other)
      if (other != index) CHECK_FALSE(check_inclusion(other, size, leaf, hashes, root));
  }
}

TEST_CASE("the document's consistency proofs hold, and from no other size") {
  for (const Json& proof : proofs()["consistency"]) {
    INFO(proof);
    const std::int64_t old_size = proof.at("old"), size = proof.at("size");
    const Digest old_root = digest_of(proof.at("old_root")), root = checkpoint_of(size).root;
    const auto hashes = digests_of(proof.at("hashes"));
    CHECK(check_consistency(old_size, old_root, size, root, hashes));
    if (old_size == 0) continue;
    CHECK_FALSE(check_consistency(old_size, sha256({}), size, root, hashes));
    for (std::int64_t other = 1; other < size; ++other)
      if (other != old_size) CHECK_FALSE(check_consistency(other, old_root, size, root, hashes));
  }
}

TEST_CASE("the document's proofs as texts are read") {
  const auto inclusion = parse_inclusion_proof(text_of("posting_18.tlog-proof"));
  REQUIRE(inclusion);
  CHECK(inclusion->index == 17);
  CHECK(inclusion->checkpoint.root == checkpoint_of(100).root);
  const auto consistency = parse_consistency_proof(text_of("from_24_to_100.consistency"));
  REQUIRE(consistency);
  CHECK(consistency->old_size == 24);
  CHECK(check_consistency(24, digest_of(Json::parse(text_of("facts.json"))["postings"][23]["root"]),
                          100, consistency->checkpoint.root, consistency->hashes));
}
