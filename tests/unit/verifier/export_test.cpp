// An export as a whole: its files, its checkpoints, and who is blamed.
#include <filesystem>
#include <fstream>

#include "tests/support/home.hpp"
#include "tests/unit/verifier/story.hpp"

using namespace guild::verifier;

namespace {

/// 20 postings.
BookWriter longer_book() {
  BookWriter book = small_book();
  while (book.size() < 20) book.post("TRANSFER", {leg("treasury", -1), leg("user/u", 1)});
  return book;
}

WrittenExport with_checkpoints(const BookWriter& book, const std::vector<std::string>& texts) {
  WrittenExport written = book.written();
  written.checkpoints.clear();
  for (const std::string& text : texts) written.checkpoints += text + "\n";
  return written;
}

std::string hex_of(const guild::test::Hash& hash) { return to_hex(hash); }

}  // namespace

TEST_CASE("an export with checkpoints of any sizes is sound") {
  const BookWriter book = longer_book();
  CHECK(verdict(book) == "ok");
  CHECK(verdict(book.written({1})) == "ok");
  std::vector<std::int64_t> all;
  for (std::int64_t size = 1; size <= book.size(); ++size) all.push_back(size);
  CHECK(verdict(book.written(all)) == "ok");
}

TEST_CASE("a leaf's length is believed only as far as the file goes") {
  WrittenExport written = longer_book().written();
  const std::size_t last = 4 + guild::test::leaf_of(longer_book().postings().back()).size();
  for (std::size_t left = 1; left < last; ++left) {
    WrittenExport cut = written;
    cut.leaves.resize(cut.leaves.size() - last + left);
    INFO(left);
    CHECK(verdict(cut) ==
          (left < 4 ? "20: the file ends inside its length" : "20: the file ends inside the leaf"));
  }
  written.leaves.resize(written.leaves.size() - last);
  CHECK(verdict(written) ==
        "20: it is missing: checkpoint 1 is of 20 postings, leaves ends before");
  written.leaves.insert(written.leaves.end(), 4, std::uint8_t{0xFF});
  CHECK(verdict(written) == "20: the leaf has 4294967295 bytes; 98304 are allowed");
  std::fill(written.leaves.end() - 4, written.leaves.end(), std::uint8_t{0});
  CHECK(verdict(written) == "20: the leaf is empty");
}

TEST_CASE("no posting is no book") {
  WrittenExport written = longer_book().written();
  written.leaves.clear();
  CHECK(verdict(written) == "1: leaves holds no posting");
}

TEST_CASE("the origin is that of posting 1") {
  WrittenExport written = longer_book().written();
  BookWriter other;
  other.post("GRANT", {leg("world", -1), leg("treasury", 1)});
  written.key = other.key() + "\n";
  CHECK(verdict(written) == "1: its hash makes the origin " + longer_book().origin() +
                                ", the key's is " + other.origin());
}

TEST_CASE("the last checkpoint is of all postings") {
  const BookWriter book = longer_book();
  CHECK(verdict(with_checkpoints(book, {})) == "1: no checkpoint is of all 20 postings");
  CHECK(verdict(with_checkpoints(book, {book.checkpoint(7), book.checkpoint(19)})) ==
        "20: no checkpoint is of all 20 postings");
  CHECK(verdict(with_checkpoints(
            book, {book.checkpoint(20), book.checkpoint(book.origin(), 21, book.root(20))})) ==
        "21: it is missing: checkpoint 2 is of 21 postings, leaves ends before");
}

TEST_CASE("checkpoints' sizes rise") {
  const BookWriter book = longer_book();
  CHECK(verdict(with_checkpoints(book,
                                 {book.checkpoint(7), book.checkpoint(7), book.checkpoint(20)})) ==
        "8: checkpoint 2: it is of 7 postings, the one before of 7");
  CHECK(verdict(with_checkpoints(book,
                                 {book.checkpoint(7), book.checkpoint(6), book.checkpoint(20)})) ==
        "8: checkpoint 2: it is of 6 postings, the one before of 7");
}

TEST_CASE("a checkpoint's root is that of its postings") {
  const BookWriter book = longer_book();
  CHECK(verdict(with_checkpoints(
            book, {book.checkpoint(7), book.checkpoint(book.origin(), 20, book.root(19))})) ==
        "8: checkpoint 2: of 20 postings: its root is " + hex_of(book.root(19)) +
            ", that of the leaves " + hex_of(book.root(20)));
}

TEST_CASE("a checkpoint is signed with the ledger's key") {
  BookWriter book = longer_book();
  const std::string key = book.key(), good = book.checkpoint(7);
  book.key_seed = {8};
  const std::string forged = book.checkpoint(20);
  WrittenExport written = with_checkpoints(book, {good, forged});
  written.key = key + "\n";
  CHECK(verdict(written).starts_with(
      "8: checkpoint 2: of 20 postings: it has no signature by the key "));
}

TEST_CASE("a checkpoint of another book is refused, though the key has signed it") {
  const BookWriter book = longer_book();
  const std::string other = "guildhall/0000000000000000";
  CHECK(verdict(with_checkpoints(book, {book.checkpoint(other, 20, book.root(20))})) ==
        "1: checkpoint 1: of 20 postings: it is of the book " + other + ", the key of " +
            book.origin());
}

TEST_CASE("what is no checkpoint is refused") {
  const BookWriter book = longer_book();
  WrittenExport written = book.written({7});
  for (const std::string& rest : {std::string("\n"), std::string("x"), std::string(200'000, 'x')}) {
    WrittenExport longer = written;
    longer.checkpoints += rest;
    CHECK(verdict(longer) == "21: checkpoint 3: it does not end with an empty line");
  }
  written.checkpoints.pop_back();
  CHECK(verdict(written) == "8: checkpoint 2: it does not end with an empty line");
}

TEST_CASE("witnesses' signatures may follow") {
  const BookWriter book = longer_book();
  const std::string theirs = "\xE2\x80\x94 witness.example/w1 " + std::string(100, 'A') + "\n";
  CHECK(verdict(with_checkpoints(book, {book.checkpoint(7) + theirs, book.checkpoint(20)})) ==
        "ok");
}

TEST_CASE("a checkpoint has a size, to the byte") {
  const BookWriter book = longer_book();
  const auto of_size = [&](std::size_t size) {
    const std::string start = book.checkpoint(20) + "\xE2\x80\x94 w ";
    // Four at a time for the base64, the rest for the name.
    std::string name((size - start.size() - 1) % 4, 'w');
    std::string line(size - start.size() - 1 - name.size(), 'A');
    return book.checkpoint(20) + "\xE2\x80\x94 w" + name + " " + line + "\n";
  };
  REQUIRE(of_size(checkpoint_size_max).size() == checkpoint_size_max);
  CHECK(verdict(with_checkpoints(book, {of_size(checkpoint_size_max)})) == "ok");
  CHECK(verdict(with_checkpoints(book, {of_size(checkpoint_size_max + 1)})) ==
        "1: checkpoint 1: it does not end with an empty line");
}

TEST_CASE("a folder is read from its three files") {
  guild::test::TempFolder folder;
  const auto path = folder.path() / "export";
  const BookWriter book = longer_book();
  book.written({7}).write(path);
  const auto key = parse_public_key(book.key()).value();
  for (const auto& expected : {std::optional<PublicKey>(), std::optional(key)}) {
    const auto report = check_export(path, expected);
    REQUIRE(report);
    REQUIRE(report->has_value());
    CHECK((*report)->book().accounts() == 5);
    CHECK((*report)->checkpoints() == 2);
  }

  SECTION("a file is missing") {
    for (const std::string& name :
         {std::string("leaves"), std::string("checkpoints"), std::string("key")}) {
      std::filesystem::rename(path / name, path / "away");
      const auto report = check_export(path, {});
      REQUIRE_FALSE(report);
      CHECK(report.error().failure == Failure::missing);
      CHECK(report.error().message.find(name) != std::string::npos);
      std::filesystem::rename(path / "away", path / name);
    }
  }
  SECTION("the key is another than was given") {
    BookWriter other = book;
    other.key_seed = {8};
    const auto report = check_export(path, parse_public_key(other.key()).value());
    REQUIRE(report);
    CHECK(report->error().problem == "the file key is not the key that was given");
  }
  SECTION("the key is no key") {
    std::ofstream(path / "key") << "guildhall/x\n";
    CHECK(check_export(path, {})->error().problem ==
          "the file key: \"guildhall/x\" has not the form ORIGIN+KEYID+KEY");
    std::ofstream(path / "key") << book.key();
    CHECK(check_export(path, {})->error().problem == "the file key: its line does not end");
    std::ofstream(path / "key") << book.key() << "\n\n";
    CHECK_FALSE(check_export(path, {})->has_value());
    std::ofstream(path / "key") << std::string(100'000, 'x');
    CHECK(check_export(path, {})->error().problem.ends_with("key has more than 257 bytes"));
  }
  SECTION("a file is a folder") {
    std::filesystem::remove(path / "leaves");
    std::filesystem::create_directory(path / "leaves");
    CHECK(check_export(path, {}).error().failure == Failure::machine);
  }
}
