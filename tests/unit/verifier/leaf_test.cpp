// What a leaf may look like: one byte off, and it is refused by name.
#include "tests/unit/verifier/story.hpp"

using namespace guild::verifier;
using guild::test::leaf_of;
using guild::test::WrittenPosting;

namespace {

std::string why(const guild::test::Bytes& bytes) {
  Leaf leaf;
  const Check parsed = parse_leaf(bytes, leaf);
  return parsed ? "ok" : parsed.error();
}
std::string why(const WrittenPosting& posting) { return why(leaf_of(posting)); }

WrittenPosting transfer() {
  return BookWriter().draft("TRANSFER", {leg("bot/a", -5, "for tea"), leg("user/u", 5)});
}
WrittenPosting hold() {
  return BookWriter().draft("HOLD", {leg("bot/a", 0)}, hold_facts("user/u", 5));
}

template <class Change>
std::string why_after(WrittenPosting posting, Change change) {
  change(posting);
  return why(posting);
}

}  // namespace

TEST_CASE("a leaf is read to its last field") {
  const auto bytes = leaf_of(hold());
  Leaf leaf;
  REQUIRE(parse_leaf(bytes, leaf));
  CHECK(leaf.seq == 1);
  CHECK(leaf.type == EntryType::HOLD);
  CHECK(leaf.legs.at(0).account == "bot/a");
  CHECK(leaf.facts.credit == "user/u");
  CHECK(leaf.facts.held == 5);
  CHECK(leaf.facts.expires_at == far);
}

TEST_CASE("a leaf that ends anywhere before its end is refused, and so is one more byte") {
  for (const WrittenPosting& posting : {transfer(), hold()}) {
    const auto whole = leaf_of(posting);
    CHECK(why(whole) == "ok");
    for (std::size_t size = 0; size < whole.size(); ++size) {
      INFO(size);
      CHECK(why({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}) != "ok");
    }
    auto longer = whole;
    longer.push_back(0);
    CHECK(why(longer) == "the leaf has bytes after its last field");
  }
}

TEST_CASE("the version says whether there are facts") {
  CHECK(why_after(transfer(), [](auto& posting) { posting.version = 0; }) ==
        "the leaf has the unknown version 0");
  CHECK(why_after(transfer(), [](auto& posting) { posting.version = 3; }) ==
        "the leaf has the unknown version 3");
  CHECK(why_after(transfer(), [](auto& posting) { posting.version = 2; }) ==
        "a TRANSFER has no facts, so version 2 is wrong");
  CHECK(why_after(hold(), [](auto& posting) {
          posting.version = 1;
          posting.facts.clear();
        }) == "a HOLD has facts, so version 1 is wrong");
}

TEST_CASE("a field has the length that the document says") {
  const auto with_length = [](std::size_t place, std::uint8_t length) {
    auto bytes = leaf_of(transfer());
    bytes[place] = length;
    return why(bytes);
  };
  CHECK(with_length(1, 7) == "seq is too short");
  CHECK(with_length(1, 9) == "seq is too long");
  CHECK(with_length(11, 15) == "id is too short");
  CHECK(with_length(11, 17) == "id is too long");
  CHECK(with_length(29, 0) == "time is too short");
  CHECK(with_length(39, 31) == "the previous hash is too short");
  CHECK(with_length(73, 4) == "the number of legs is too short");
}

TEST_CASE("a posting has 1 to 256 legs") {
  CHECK(why(BookWriter().draft("TRANSFER", {})) == "it has 0 legs; 1 to 256 are allowed");
  auto many = BookWriter().draft("TRANSFER", {});
  for (int i = 0; i < 256; ++i) many.legs.push_back(transfer().legs[0]);
  CHECK(why(many) == "ok");
  many.legs.push_back(many.legs[0]);
  CHECK(why(many) == "it has 257 legs; 1 to 256 are allowed");
  auto bytes = leaf_of(transfer());
  bytes[75 + 7] = 0x80;
  CHECK(why(bytes) == "it has -9223372036854775806 legs; 1 to 256 are allowed");
}

TEST_CASE(
    "the largest leaf that the limits allow is below the bound, and nothing above it is read") {
  auto largest = BookWriter().draft("TRANSFER", {});
  for (int i = 0; i < 256; ++i)
    largest.legs.push_back({.account = "escrow/" + std::string(64, 'x'),
                            .amount = 0,
                            .type = "RESEARCH_LOOKUP_FEE",
                            .reference = std::string(128, 'r')});
  const auto bytes = leaf_of(largest);
  CHECK(bytes.size() < leaf_size_max);
  CHECK(why(bytes) == "ok");
  CHECK(why(guild::test::Bytes(leaf_size_max + 1, 1)) ==
        "the leaf has 98305 bytes; 98304 are allowed");
}

TEST_CASE("accounts have the names that the document says") {
  const auto named = [](std::string name) {
    return why_after(transfer(), [&](auto& posting) { posting.legs[1].account = name; });
  };
  const std::string longest(64, 'a');
  for (const std::string& name :
       {std::string("world"), std::string("treasury"), "bot/" + longest, std::string("user/a-_9"),
        std::string("escrow/0190-f0"), "escrow/" + longest}) {
    INFO(name);
    CHECK(named(name) == "ok");
  }
  for (const std::string& name :
       {std::string(), std::string("World"), std::string("bot"), std::string("bot/"),
        std::string("bot/9a"), std::string("bot/A"), std::string("bot/a/b"), std::string("bot/a "),
        std::string("user/-a"), std::string("escrow/"), std::string("escrow/a.b"),
        std::string("bank/a"), std::string("bot/a\0", 6), "bot/" + longest + "a"}) {
    INFO(name);
    CHECK(named(name) != "ok");
  }
  CHECK(named("bot/A\x1b") == "\"bot/A\\x1b\" is no account's name");
  CHECK(named("escrow/" + longest + "a") == "a leg's account is too long");
}

TEST_CASE("a reference is up to 128 bytes of UTF-8") {
  const auto referenced = [](std::string reference) {
    return why_after(transfer(), [&](auto& posting) { posting.legs[0].reference = reference; });
  };
  CHECK(referenced("") == "ok");
  CHECK(referenced(std::string(128, 'r')) == "ok");
  CHECK(referenced("caf\xC3\xA9 \xF0\x9F\x8D\xB5") == "ok");
  CHECK(referenced(std::string(129, 'r')) == "a leg's reference is too long");
  CHECK(referenced("\xC3") == "a leg's reference is not UTF-8");
  CHECK(referenced("\xED\xA0\x80") == "a leg's reference is not UTF-8");
}

TEST_CASE("all legs have one entry type that is known") {
  CHECK(why_after(transfer(), [](auto& posting) { posting.legs[1].type = "CHARGE"; }) ==
        "its legs have two types, \"TRANSFER\" and \"CHARGE\"");
  CHECK(why_after(transfer(), [](auto& posting) {
          for (auto& leg : posting.legs) leg.type = "transfer";
        }) == "\"transfer\" is no entry type");
  CHECK(why_after(transfer(), [](auto& posting) {
          for (auto& leg : posting.legs) leg.type = "";
        }) == "\"\" is no entry type");
}

TEST_CASE("facts are those of the type, in their order") {
  CHECK(why_after(hold(), [](auto& posting) { posting.facts.pop_back(); }) ==
        "it has 2 facts; a HOLD has 3");
  CHECK(why_after(hold(), [](auto& posting) { posting.facts.push_back({"floor", far}); }) ==
        "it has 4 facts; a HOLD has 3");
  CHECK(why_after(hold(), [](auto& posting) { std::swap(posting.facts[1], posting.facts[2]); }) ==
        "its fact \"expires_at\" should be held");
  CHECK(why_after(hold(), [](auto& posting) { posting.facts[1].value = std::string("5"); }) ==
        "held is too short");
  CHECK(why_after(hold(), [](auto& posting) { posting.facts[0].value = std::int64_t{5}; }) ==
        "its credit \"\\x05\\x00\\x00\\x00\\x00\\x00\\x00\\x00\" is no account's name");
  CHECK(why_after(hold(), [](auto& posting) { posting.facts[0].value = std::string(72, 'a'); }) ==
        "credit is too long");
}
