// Keys, checkpoints and proofs as texts: what is refused, and why.
#include <algorithm>

#include "tests/unit/verifier/story.hpp"
#include "verifier/proof.hpp"

using namespace guild::verifier;

namespace {

const std::string dash = "\xE2\x80\x94 ";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t place = text.find(what);
  REQUIRE(place != std::string::npos);
  return text.replace(place, what.size(), with);
}

template <class Value>
std::string why(const Parsed<Value>& parsed) {
  return parsed ? "ok" : parsed.error();
}

std::string signed_by(const std::string& checkpoint, const std::string& key) {
  const auto parsed = parse_checkpoint(checkpoint);
  REQUIRE(parsed);
  return why(check_signature(*parsed, parse_public_key(key).value()));
}

std::string lines(std::size_t count, const std::string& line) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += line + "\n";
  return text;
}

const std::string hash_line = std::string(43, 'A') + "=";

}  // namespace

TEST_CASE("a key is told in one form") {
  const BookWriter book = small_book();
  const std::string key = book.key();
  const auto parsed = parse_public_key(key);
  REQUIRE(parsed);
  CHECK(parsed->origin == book.origin());
  CHECK(parse_public_key(key + "\n") == parsed);
  for (const std::string& bad :
       {std::string(), std::string("+"), std::string("++"), key + "\n\n", key + " ", " " + key,
        key.substr(0, key.size() - 1), key + "A", replaced(key, "guildhall", "Guildhall"),
        replaced(key, "+", "-"), std::string(1'000'000, '+')})
    CHECK_FALSE(parse_public_key(bad));
  for (std::size_t i = 0; i < key.size(); ++i) {
    std::string changed = key;
    changed[i] = changed[i] == 'b' ? 'c' : 'b';
    INFO(changed);
    CHECK_FALSE(parse_public_key(changed));
  }
}

TEST_CASE("a key is of a book, though its key id is right") {
  std::array<std::uint8_t, 33> typed{0x01};
  const auto told = [&](const std::string& origin) {
    const Digest hash = sha256({as_bytes(origin), as_bytes("\n"), typed});
    return origin + "+" + to_hex(Bytes(hash).first(4)) + "+" + to_base64(typed);
  };
  CHECK(parse_public_key(told("guildhall/0123456789abcdef")));
  for (const char* origin : {"", "other/0123456789abcdef", "guildhall/0123456789ABCDEF",
                             "guildhall/0123456789abcde", "guildhall/0123456789abcdef0"})
    CHECK_FALSE(parse_public_key(told(origin)));
}

TEST_CASE("a checkpoint is three lines, an empty one, and signatures") {
  const BookWriter book = small_book();
  const std::string good = book.checkpoint(4);
  CHECK(why(parse_checkpoint(good)) == "ok");
  CHECK(signed_by(good, book.key()) == "ok");
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(parse_checkpoint(good.substr(0, size)));
  const auto changed = [&](std::string_view what, std::string_view with) {
    return why(parse_checkpoint(replaced(good, what, with)));
  };
  CHECK(changed("\n4\n", "\n04\n") == "its second line \"04\" is no number of postings");
  CHECK(changed("\n4\n", "\n-4\n") == "its second line \"-4\" is no number of postings");
  CHECK(changed("\n4\n", "\n0\n") == "its second line \"0\" is no number of postings");
  CHECK(changed("\n4\n", "\n9223372036854775808\n") ==
        "its second line \"9223372036854775808\" is no number of postings");
  CHECK(changed("=\n\n", "\n\n").ends_with("is not the base64 of a root"));
  CHECK(changed("=\n\n", "=\nmore\n\n") == "it has more than three lines before its signatures");
  CHECK(changed("guildhall/", "guildhall-").find("is no origin") != std::string::npos);
  CHECK(changed(dash, "- ") == "a signature line does not begin with an em dash and a space");
  CHECK(changed("\n4\n", "\r\n4\r\n").find("is no origin") != std::string::npos);
  CHECK(why(parse_checkpoint(good + "\n")) ==
        "a signature line does not begin with an em dash and a space");
  CHECK(why(parse_checkpoint(good.substr(0, good.find(dash)))) == "it has no signature");
  CHECK(why(parse_checkpoint(std::string(checkpoint_size_max + 1, 'x'))) ==
        "it has 131073 bytes; 131072 are allowed");
}

TEST_CASE("other keys' lines are passed over, if they are lines") {
  const BookWriter book = small_book();
  const std::string good = book.checkpoint(4);
  const std::string theirs = dash + "witness.example/w1 AAAAAAA=\n";
  CHECK(signed_by(good + theirs, book.key()) == "ok");
  const std::string before = replaced(good, dash, theirs + dash);
  CHECK(signed_by(before, book.key()) == "ok");
  CHECK(why(parse_checkpoint(good + lines(63, theirs.substr(0, theirs.size() - 1)))) == "ok");
  CHECK(why(parse_checkpoint(good + lines(64, theirs.substr(0, theirs.size() - 1)))) ==
        "it has more than 64 signature lines");
  CHECK(why(parse_checkpoint(good + dash + "w AAAA\n")) ==
        "a signature line has no base64 of a key id and a signature");
  CHECK(why(parse_checkpoint(good + dash + "w AAAAAA==\n")) ==
        "a signature line has no base64 of a key id and a signature");
  CHECK(why(parse_checkpoint(good + dash + "w+w AAAAAAA=\n")) ==
        "a signature line has no key name");
  CHECK(why(parse_checkpoint(good + dash + " AAAAAAA=\n")) == "a signature line has no key name");
  CHECK(why(parse_checkpoint(good + dash + "\xFF AAAAAAA=\n")) ==
        "a signature line has no key name");
}

TEST_CASE("a checkpoint is signed over its three lines, by this key, in every line of it") {
  BookWriter book = small_book();
  const std::string key = book.key(), good = book.checkpoint(4), other = book.checkpoint(3);
  CHECK(signed_by(replaced(good, "\n4\n", "\n5\n"), key) == "its signature is not good");
  const std::string signature = other.substr(other.find(dash));
  CHECK(signed_by(good + signature, key) == "its signature is not good");
  CHECK(signed_by(good + good.substr(good.find(dash)), key) == "ok");
  const std::string origin = book.origin();
  CHECK(signed_by(replaced(good, dash + origin, dash + "other"), key)
            .starts_with("it has no signature by the key "));
  book.key_seed = {9};
  CHECK(signed_by(good, book.key()).starts_with("it has no signature by the key "));
}

TEST_CASE("an inclusion proof is read line by line") {
  const BookWriter book = small_book();
  const std::string good = book.inclusion(2, 4);
  CHECK(why(parse_inclusion_proof(good)) == "ok");
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(parse_inclusion_proof(good.substr(0, size)));
  CHECK(why(parse_inclusion_proof(replaced(good, "index", "extra YWJj\nindex"))) == "ok");
  CHECK(why(parse_inclusion_proof(replaced(good, "index", "extra YWJ\nindex"))) ==
        "its line `extra` is not base64 of a few bytes");
  CHECK(why(parse_inclusion_proof(replaced(good, "@v1", "@v2"))) ==
        "its first line is not c2sp.org/tlog-proof@v1");
  CHECK(why(parse_inclusion_proof(replaced(good, "index 2", "index 02"))) ==
        "the line `index N` is missing");
  CHECK(why(parse_inclusion_proof(replaced(good, "index 2\n", "index 2\nx\n"))) ==
        "\"x\" is not the base64 of a hash");
  CHECK(why(parse_inclusion_proof(replaced(good, "\n4\n", "\nx\n"))) ==
        "its checkpoint: its second line \"x\" is no number of postings");
  CHECK(why(parse_inclusion_proof(std::string(proof_size_max + 1, 'x'))).find("are allowed") !=
        std::string::npos);
}

TEST_CASE("a proof has at most 63 hashes") {
  const BookWriter book = small_book();
  const auto with = [&](std::size_t count) {
    return why(
        parse_consistency_proof("old 3\n" + lines(count, hash_line) + "\n" + book.checkpoint(4)));
  };
  CHECK(with(63) == "ok");
  CHECK(with(64) == "it has more than 63 hashes");
}

TEST_CASE("a consistency proof is read line by line") {
  const BookWriter book = small_book();
  const std::string good = book.consistency(3, 4);
  CHECK(why(parse_consistency_proof(good)) == "ok");
  CHECK(begins_consistency_proof(good));
  CHECK_FALSE(begins_consistency_proof(book.checkpoint(4)));
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(parse_consistency_proof(good.substr(0, size)));
  CHECK(why(parse_consistency_proof(replaced(good, "old 3", "old  3"))) ==
        "the line `old N` is missing");
  CHECK(why(parse_consistency_proof("old 3\n")) == "it ends before its checkpoint");
  CHECK(why(parse_consistency_proof(std::string(proof_size_max + 1, 'x'))).find("are allowed") !=
        std::string::npos);
}
