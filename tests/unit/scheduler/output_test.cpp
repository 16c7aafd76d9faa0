#include "scheduler/output.hpp"

#include <catch2/catch.hpp>

using namespace guild::scheduler;

namespace {

/// A task's output as a store would keep it.
class Stored {
 public:
  explicit Stored(std::string bytes, std::int64_t bytes_max)
      : bytes_(std::move(bytes)), bound_{bytes_max} {}

  OutputPage page(std::int64_t from, std::int64_t bytes_max = 1'000'000,
                  bool is_ended = true) const {
    const auto read = [this](std::int64_t begin, std::int64_t end) -> guild::Result<std::string> {
      return bytes_.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    };
    return *read_page(
        bound_, static_cast<std::int64_t>(bytes_.size()),
        {.from = from, .bytes_max = bytes_max, .text_bytes_max = 65'536, .is_ended = is_ended},
        read);
  }

 private:
  std::string bytes_;
  OutputBound bound_;
};

}  // namespace

TEST_CASE("output within the bound reads whole") {
  const Stored output("hello\nworld\n", 1024);
  const OutputPage page = output.page(0);
  CHECK(page.text == "hello\nworld\n");
  CHECK(page.next == 12);
  CHECK(page.dropped == 0);
  CHECK(output.page(6).text == "world\n");
  CHECK(output.page(12).text.empty());
  CHECK(output.page(99).next == 12);
}

TEST_CASE("past the bound the first and the last half are kept, and the middle is counted") {
  const Stored output("aaaaaBBBBBBBccccc", 10);
  const OutputPage page = output.page(0);
  CHECK(page.text == "aaaaa\n[... 7 bytes left out ...]\nccccc");
  CHECK(page.next == 17);
  CHECK(page.dropped == 7);
}

TEST_CASE("what is left out does not use up a page") {
  const Stored output(std::string(5, 'a') + std::string(1'000, 'B') + std::string(5, 'c'), 10);
  CHECK(output.page(0, 100).text == "aaaaa\n[... 1000 bytes left out ...]\nccccc");
}

TEST_CASE("a follower who had read into the middle is told what it missed, no more") {
  const Stored output("aaaaaBBBBBBBccccc", 10);
  CHECK(output.page(9).text == "\n[... 3 bytes left out ...]\nccccc");
  CHECK(output.page(14).text == "ccc");
}

TEST_CASE("no character is split at the edges of what is left out") {
  const Stored output(
      "aaa\xE2\x82\xAC"
      "BBBBB\xE2\x82\xAC"
      "cccc",
      10);  // € across both edges
  const OutputPage page = output.page(0);
  CHECK(page.text == "aaa\n[... 11 bytes left out ...]\ncccc");
  CHECK(page.dropped == 11);
}

TEST_CASE("no character is split between two reads, whatever their size") {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  const Stored output(text, 1024);
  for (std::int64_t size = 1; size <= 12; ++size) {
    std::string read;
    for (std::int64_t from = 0; from < static_cast<std::int64_t>(text.size());) {
      const OutputPage page = output.page(from, size);
      REQUIRE(page.next > from);
      CHECK(page.text.find("\xEF\xBF\xBD") == std::string::npos);
      read += page.text;
      from = page.next;
    }
    CHECK(read == text);
  }
}

TEST_CASE(
    "a character that is still coming is waited for; one that will not come reads as U+FFFD") {
  const Stored output("ab\xE2\x82", 1024);
  CHECK(output.page(0, 100, false).text == "ab");
  CHECK(output.page(0, 100, false).next == 2);
  CHECK(output.page(0, 100, true).text == "ab\xEF\xBF\xBD");
  CHECK(output.page(0, 100, true).next == 4);
}

TEST_CASE("invalid bytes read as U+FFFD and lose nothing beside them") {
  const std::string_view fffd = "\xEF\xBF\xBD";
  const auto text = [](std::string_view bytes) { return to_utf8(bytes, false, 1000).text; };
  CHECK(text("a\xFFz") == "a" + std::string(fffd) + "z");
  CHECK(text("\x80") == fffd);
  CHECK(text("\xC0\xAF") == std::string(fffd) + std::string(fffd));   // overlong
  CHECK(text("\xED\xA0\x80").find('\xED') == std::string::npos);      // surrogate
  CHECK(text("\xE2\x82z") == std::string(fffd) + "z");                // cut by another
  CHECK(text("\xF4\x90\x80\x80").find('\xF4') == std::string::npos);  // past U+10FFFF
}

TEST_CASE("text that grows by replacement stays within its bound, and reading goes on") {
  const Utf8Text part = to_utf8("\xFF\xFF\xFF", false, 7);
  CHECK(part.text.size() == 6);
  CHECK(part.consumed == 2);
}

TEST_CASE("of a large chunk only the head's and the tail's part is stored") {
  const OutputBound bound{10};
  const std::string chunk = "0123456789abcdefghij";
  const auto pieces = pieces_to_keep(bound, 0, chunk);
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[0].start == 0);
  CHECK(pieces[0].bytes == "01234");
  CHECK(pieces[1].start == 15);
  CHECK(pieces[1].bytes == "fghij");
  const auto later = pieces_to_keep(bound, 100, "xyz");
  REQUIRE(later.size() == 1);
  CHECK(later[0].start == 100);
}
