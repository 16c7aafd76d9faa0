// The readers of text from outside, the proofs about trees, and the set of ids.
#include <cctype>
#include <limits>
#include <random>
#include <set>

#include "tests/unit/verifier/story.hpp"
#include "verifier/id_set.hpp"
#include "verifier/output.hpp"
#include "verifier/tree.hpp"

using namespace guild::verifier;

TEST_CASE("UTF-8 has one spelling for a character") {
  for (const char* text : {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    CHECK(is_utf8(text));
  for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF",
                           "\xED\xA0\x80", "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                           "\xF5\x80\x80\x80", "\xFF", "\xF0\x90\x80", "a\xE2\x82\x41"}) {
    INFO(shown(text));
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("a number has one spelling") {
  CHECK(parse_decimal("0") == 0);
  CHECK(parse_decimal("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", "00", "01", "-1", "+1", " 1", "1 ", "0x1", "1.0",
                           "9223372036854775808", "99999999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(parse_decimal(text));
  }
}

TEST_CASE("base64 and hex have one spelling") {
  std::array<std::uint8_t, 1> byte{};
  CHECK(from_base64("/w==", byte));
  CHECK(byte[0] == 0xFF);
  for (const char* text :
       {"", "/w", "/w=", "/x==", "_w==", "/w==\n", " /w==", "/w==/w==", "=w=="}) {
    INFO(text);
    CHECK_FALSE(from_base64(text, byte));
  }
  // Every byte in every place: only the 64 digits are any.
  for (int other = 0; other < 256; ++other) {
    for (std::size_t place = 0; place < 4; ++place) {
      std::string text = "AAAA";
      text[place] = static_cast<char>(other);
      const bool is_digit = std::isalnum(other) != 0 || other == '+' || other == '/';
      INFO(shown(text));
      if (other != '=') CHECK(from_base64(text).has_value() == is_digit);
    }
  }
  CHECK(from_base64("")->empty());
  CHECK(to_base64(*from_base64("AP+/")) == "AP+/");
  CHECK(to_base64(*from_base64("AP8=")) == "AP8=");
  CHECK(from_hex("0f", byte));
  CHECK(byte[0] == 0x0F);
  for (const char* text : {"", "f", "0F", "0g", "0f0", "0f0f"}) CHECK_FALSE(from_hex(text, byte));
}

TEST_CASE("amounts are shown to the last unit") {
  CHECK(amount_text(0) == "0.00");
  CHECK(amount_text(150'000'000) == "1.50");
  CHECK(amount_text(-1) == "-0.00000001");
  CHECK(amount_text(std::numeric_limits<std::int64_t>::min()) == "-92233720368.54775808");
}

TEST_CASE("foreign text is shown without acting on a terminal or breaking JSON") {
  CHECK(shown("a\"\x1b[2J\xC3\xA9") == "\"a\\x22\\x1b[2J\\xc3\\xa9\"");
  CHECK(shown(std::string(100, 'a')) == "\"" + std::string(64, 'a') + "...\"");
  CHECK(json_string("a\"\\\n\xC3\xA9\xFF") == "\"a\\\"\\\\\\u000a\xC3\xA9\xEF\xBF\xBD\"");
  CHECK(Json().boolean("ok", true).number("n", -5).null("x").line() ==
        R"({"ok":true,"n":-5,"x":null})");
}

TEST_CASE("an id is in the set once, however many there are") {
  IdSet set;
  std::set<Id> model;
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    Id id{};
    // Few bits, so that many come again.
    for (std::size_t place : {std::size_t{0}, std::size_t{9}, std::size_t{15}})
      id[place] = static_cast<std::uint8_t>(random() % 32);
    REQUIRE(set.insert(id) == model.insert(id).second);
  }
  CHECK(set.size() == model.size());
  CHECK(model.contains(Id{}));
}

TEST_CASE(
    "proofs about every pair of sizes up to 40 hold, and not with a hash more, less or other") {
  BookWriter book = small_book();
  while (book.size() < 40) book.post("HEARTBEAT", {leg("treasury", 0)});
  const auto hashes_in = [](const std::string& text) {
    Lines lines(text);
    std::vector<Digest> hashes;
    while (const auto line = lines.next()) {
      if (line->empty()) break;
      if (Digest hash; from_base64(*line, hash)) hashes.push_back(hash);
    }
    return hashes;
  };
  const auto check_damaged = [](std::vector<Digest> proof, auto holds) {
    auto longer = proof;
    longer.push_back(Digest{});
    CHECK_FALSE(holds(longer));
    if (proof.empty()) return;
    auto other = proof;
    other.front()[0] ^= 1;
    CHECK_FALSE(holds(other));
    proof.pop_back();
    CHECK_FALSE(holds(proof));
  };
  for (std::int64_t size = 1; size <= book.size(); ++size) {
    const Digest root = book.root(size);
    for (std::int64_t index = 0; index < size; ++index) {
      const Digest leaf = book.hashes()[static_cast<std::size_t>(index)];
      const auto holds = [&](const std::vector<Digest>& proof) {
        return check_inclusion(index, size, leaf, proof, root).has_value();
      };
      const auto proof = hashes_in(book.inclusion(index, size));
      REQUIRE(holds(proof));
      check_damaged(proof, holds);
    }
    for (std::int64_t old = 1; old <= size; ++old) {
      const auto holds = [&](const std::vector<Digest>& proof) {
        return check_consistency(old, book.root(old), size, root, proof).has_value();
      };
      const auto proof = hashes_in(book.consistency(old, size));
      REQUIRE(holds(proof));
      check_damaged(proof, holds);
    }
  }
}

TEST_CASE("proofs about sizes that cannot be are refused") {
  const Digest any{};
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const std::vector<Digest> longest(proof_hashes_max, any);
  CHECK_FALSE(check_inclusion(0, 0, any, {}, any));
  CHECK_FALSE(check_inclusion(-1, 5, any, {}, any));
  CHECK_FALSE(check_inclusion(5, 5, any, {}, any));
  CHECK_FALSE(check_inclusion(most - 1, most, any, longest, any));
  CHECK_FALSE(check_inclusion(0, most, any, longest, any));
  CHECK(check_inclusion(0, 1, any, {}, any));
  CHECK_FALSE(check_consistency(6, any, 5, any, {}));
  CHECK_FALSE(check_consistency(-1, any, 5, any, {}));
  CHECK_FALSE(check_consistency(0, any, 5, any, longest));
  CHECK_FALSE(check_consistency(most - 1, any, most, any, longest));
  CHECK(check_consistency(0, any, 5, any, {}));
  CHECK(check_consistency(5, any, 5, any, {}));
}
