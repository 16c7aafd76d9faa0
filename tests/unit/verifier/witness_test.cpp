// What the witness takes, what it refuses and by which code, and that a refusal changes nothing.
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/home.hpp"
#include "tests/unit/verifier/story.hpp"
#include "verifier/witness.hpp"

using namespace guild::verifier;
using guild::test::read_text;
using guild::test::write_text;

namespace {

BookWriter book_of(std::int64_t size) {
  BookWriter book = small_book();
  while (book.size() < size) book.post("TRANSFER", {leg("treasury", -1), leg("user/u", 1)});
  return book;
}

/// The same book to posting `kept`, and then another.
BookWriter forked_book(std::int64_t kept, std::int64_t size) {
  BookWriter book = book_of(kept);
  while (book.size() < size) book.post("TRANSFER", {leg("treasury", -1), leg("bot/a", 1)});
  return book;
}

struct Fixture {
  guild::test::TempFolder folder;
  std::filesystem::path state = folder.path() / "state";
  BookWriter book = book_of(20);
  PublicKey key = parse_public_key(book.key()).value();

  std::string taken(const std::string& text) { return taken(text, key); }
  /// "ok", or the code and the message.
  std::string taken(const std::string& text, const PublicKey& with) const {
    const auto before = std::filesystem::exists(state) ? read_text(state) : "";
    const auto witnessed = witness(state, with, text);
    const auto after = std::filesystem::exists(state) ? read_text(state) : "";
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
      ++files;
    CHECK(files == (after.empty() ? 0 : 1));
    if (witnessed) return "ok";
    CHECK(before == after);
    CHECK_FALSE(witnessed.error().next_step.empty());
    return witnessed.error().code + ": " + witnessed.error().message;
  }
  std::int64_t size() const { return remembered(state).value().size; }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the first checkpoint is taken as it comes, the next ones with a proof") {
  const auto first = witness(state, key, book.checkpoint(7));
  REQUIRE(first);
  CHECK_FALSE(first->before);
  CHECK(read_text(state) == book.checkpoint(7));
  const auto next = witness(state, key, book.consistency(7, 12));
  REQUIRE(next);
  CHECK(next->before == 7);
  CHECK(read_text(state) == book.checkpoint(12));
  CHECK(taken(book.consistency(12, 20)) == "ok");
  CHECK(size() == 20);
}

TEST_CASE_METHOD(Fixture, "the first may come as a proof from nothing, and from nothing else") {
  CHECK(taken(book.consistency(7, 12)) ==
        "other_old: nothing is remembered yet, and this is a proof from 7");
  CHECK_FALSE(std::filesystem::exists(state));
  CHECK(taken(book.consistency(0, 12)) == "ok");
  CHECK(size() == 12);
}

TEST_CASE_METHOD(Fixture, "the same again is nothing new") {
  CHECK(taken(book.checkpoint(7)) == "ok");
  CHECK(taken(book.checkpoint(7)) == "ok");
  CHECK(taken(book.consistency(7, 7)) == "ok");
  CHECK(taken(book.consistency(3, 7)) == "ok");
  CHECK(size() == 7);
}

TEST_CASE_METHOD(Fixture, "fewer postings than are remembered are a rollback") {
  CHECK(taken(book.checkpoint(12)) == "ok");
  CHECK(taken(book.checkpoint(11)) ==
        "rollback: the checkpoint has 11 postings, 12 are remembered");
  CHECK(taken(book.consistency(7, 11)).starts_with("rollback: "));
}

TEST_CASE_METHOD(Fixture, "as many postings with another root are a fork") {
  CHECK(taken(book.checkpoint(12)) == "ok");
  CHECK(taken(forked_book(9, 12).checkpoint(12))
            .starts_with("fork: of 12 postings another root is remembered: "));
}

TEST_CASE_METHOD(Fixture, "a rewritten book is a fork, whatever proof it brings") {
  CHECK(taken(book.checkpoint(12)) == "ok");
  const BookWriter rewritten = forked_book(9, 20);
  CHECK(taken(rewritten.consistency(12, 20))
            .starts_with("fork: the book of 20 postings does not go on from the 12 that are "
                         "remembered: "));
  const std::string proof = book.consistency(12, 20);
  CHECK(taken(proof.substr(0, proof.find("guildhall")) + rewritten.checkpoint(20))
            .starts_with("fork: "));
  CHECK(taken("old 12\n\n" + rewritten.checkpoint(20)).starts_with("fork: "));
  CHECK(taken(forked_book(12, 20).consistency(12, 20)) == "ok");
}

TEST_CASE_METHOD(Fixture, "a proof from another size says which is needed") {
  CHECK(taken(book.checkpoint(12)) == "ok");
  CHECK(taken(book.consistency(7, 20)) ==
        "other_old: the proof is from 7 postings, 12 are remembered");
  CHECK(taken(book.checkpoint(20)) == "other_old: the proof is from 0 postings, 12 are remembered");
  CHECK(witness(state, key, book.checkpoint(20)).error().next_step ==
        "get the proof from there: guild ledger checkpoint --since 12");
}

TEST_CASE_METHOD(Fixture, "another book and another key are refused") {
  CHECK(taken(book.checkpoint(12)) == "ok");
  BookWriter other;
  other.post("GRANT", {leg("world", -1), leg("treasury", 1)});
  CHECK(taken(other.checkpoint(1)).starts_with("other_origin: the checkpoint is of the book "));
  const auto others_key = parse_public_key(other.key()).value();
  CHECK(taken(other.checkpoint(1), others_key).find(" remembers the book ") != std::string::npos);
  BookWriter forger = book;
  forger.key_seed = {9};
  CHECK(taken(forger.consistency(12, 20)).starts_with("bad_signature: "));
  std::string changed = book.consistency(12, 20);
  changed.replace(changed.find("\n20\n"), 4, "\n19\n");
  CHECK(taken(changed) == "bad_signature: the checkpoint: its signature is not good");
}

TEST_CASE_METHOD(Fixture, "what is no proof is refused") {
  for (const std::string& text : {std::string(), std::string("old"), std::string("old 1\n"),
                                  std::string("\0\0", 2), book.checkpoint(7) + "x"})
    CHECK(taken(text).starts_with("form: this is no checkpoint and no consistency proof: "));
}

TEST_CASE_METHOD(Fixture, "a remembered checkpoint that was changed is never begun anew") {
  for (const std::string& damaged :
       {std::string(), std::string("x"), book.checkpoint(12).substr(0, 50)}) {
    write_text(state, damaged);
    CHECK(witness(state, key, book.checkpoint(12)).error().code == "state_damaged");
    CHECK(read_text(state) == damaged);
  }
  std::string lowered = book.checkpoint(12);
  lowered.replace(lowered.find("\n12\n"), 4, "\n11\n");
  write_text(state, lowered);
  CHECK(witness(state, key, book.consistency(12, 20)).error().code == "state_damaged");
  CHECK(read_text(state) == lowered);
}

TEST_CASE_METHOD(Fixture, "what a killed run left behind is no hindrance") {
  write_text(folder.path() / "state.new", "half a check");
  CHECK(taken(book.checkpoint(12)) == "ok");
  CHECK(size() == 12);
}

TEST_CASE_METHOD(Fixture, "a link is not followed, and not taken for a beginning") {
  std::filesystem::create_symlink(folder.path() / "elsewhere", state);
  CHECK(witness(state, key, book.checkpoint(12)).error().code == "state_link");
  CHECK(std::filesystem::is_symlink(state));
}

TEST_CASE_METHOD(Fixture, "a folder that is not there, or cannot be written, is said") {
  CHECK(witness(folder.path() / "none" / "state", key, book.checkpoint(7)).error().failure ==
        Failure::missing);
  std::filesystem::create_directory(folder.path() / "state.new");
  std::filesystem::create_directory(folder.path() / "state.new" / "in");
  CHECK(witness(state, key, book.checkpoint(7)).error().code == "file_unwritable");
  CHECK_FALSE(std::filesystem::exists(state));
}
