#include "common/base/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "common/base/complain.hpp"
#include "common/base/file.hpp"

using namespace std::string_view_literals;

namespace {

/// What `speak` writes to stderr, as the first read(2) of a pipe sees it.
template <class Speak>
std::string heard_on_stderr(Speak speak) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const guild::Fd reader(ends[0]);
  const guild::Fd writer(ends[1]);
  const guild::Fd saved(::dup(STDERR_FILENO));
  REQUIRE(::dup2(writer.get(), STDERR_FILENO) == STDERR_FILENO);
  speak();
  REQUIRE(::dup2(saved.get(), STDERR_FILENO) == STDERR_FILENO);
  std::string heard(65'536, '\0');
  const ssize_t size = ::read(reader.get(), heard.data(), heard.size());
  heard.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return heard;
}

}  // namespace

TEST_CASE("valid UTF-8 is accepted up to its last code point") {
  for (const auto text : {""sv, "plain"sv, "\0"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv,
                          "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xef\xbf\xbf"sv,
                          "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv}) {
    INFO(guild::escape_to_ascii(text));
    CHECK(guild::is_utf8(text));
  }
}

TEST_CASE("overlong forms, surrogates, cut characters and foreign bytes are not UTF-8") {
  for (const auto text : {"\xc0\x80"sv,
                          "\xc1\xbf"sv,
                          "\xe0\x80\x80"sv,
                          "\xe0\x9f\xbf"sv,
                          "\xf0\x8f\xbf\xbf"sv,
                          "\xed\xa0\x80"sv,
                          "\xed\xbf\xbf"sv,
                          "\xf4\x90\x80\x80"sv,
                          "\xf5\x80\x80\x80"sv,
                          "\xff"sv,
                          "\xfe"sv,
                          "\x80"sv,
                          "\xbf"sv,
                          "\xc2"sv,
                          "\xe2\x82"sv,
                          "\xf0\x9f\x98"sv,
                          "\xc2 "sv,
                          "\xe2\x82 "sv,
                          "\xe2 \x82"sv,
                          "ok \xc2"sv,
                          "\xc2\x80\x80"sv}) {
    INFO(guild::escape_to_ascii(text));
    CHECK_FALSE(guild::is_utf8(text));
  }
}

TEST_CASE("a prefix never splits a character") {
  const auto text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"sv;  // 1 + 2 + 3 + 4 + 1 bytes
  const std::array<std::size_t, 13> sizes{0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t size_max = 0; size_max < sizes.size(); ++size_max) {
    INFO(size_max);
    CHECK(guild::utf8_prefix(text, size_max) == text.substr(0, sizes[size_max]));
  }
  CHECK(guild::utf8_prefix("", 0).empty());
}

TEST_CASE("a prefix of broken text is bounded too, and not needlessly short") {
  CHECK(guild::utf8_prefix("\x80\x80\x80\x80\x80\x80", 5).size() == 5);
  CHECK(guild::utf8_prefix("\x80\x80\x80\x80\x80\x80", 1).size() == 1);
  CHECK(guild::utf8_prefix("ab\xff\x80", 3).size() == 3);
}

TEST_CASE("escaping to ASCII leaves nothing that a terminal could obey") {
  CHECK(guild::escape_to_ascii("plain ~ text") == "plain ~ text");
  CHECK(guild::escape_to_ascii("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(guild::escape_to_ascii("\x1b[31m\x7f\0"sv) == "\\x1b[31m\\x7f\\x00");
  CHECK(guild::escape_to_ascii("\xc3\xa9\xff") == "\\xc3\\xa9\\xff");
}

TEST_CASE("escaping controls keeps valid UTF-8") {
  CHECK(guild::escape_controls("caf\xc3\xa9 \xf0\x9f\x98\x80") == "caf\xc3\xa9 \xf0\x9f\x98\x80");
  CHECK(guild::escape_controls("a\nb\x1b[0m\x7f\0"sv) == "a\\nb\\x1b[0m\\x7f\\x00");
  CHECK(guild::escape_controls("\xc2\x9b"
                               "31m\xc2\xa0") == "\\u009b31m\xc2\xa0");
  CHECK(guild::escape_controls("\xff\xc3\xa9\xc3") == "\\xff\xc3\xa9\\xc3");
  CHECK(guild::escape_controls("\xed\xa0\x80") == "\\xed\\xa0\\x80");
}

TEST_CASE("foreign text in an error is quoted, cut and escaped") {
  CHECK(guild::quoted("a b") == "\"a b\"");
  CHECK(guild::quoted("") == "\"\"");
  CHECK(guild::quoted("a\n") == "\"a\\n\"");
  CHECK(guild::quoted(std::string(64, 'x')) == '"' + std::string(64, 'x') + '"');
  CHECK(guild::quoted(std::string(65, 'x')) == '"' + std::string(64, 'x') + "...\"");
}

TEST_CASE("names are short, lower case and begin with a letter") {
  for (const auto& name : {std::string("a"), std::string("bot-7"), std::string("log_consumer"),
                           std::string("z") + std::string(63, '9')}) {
    INFO(name);
    CHECK(guild::check_name("client name", name).has_value());
  }
}

TEST_CASE("other names are refused, and the error says what was named and how to name it") {
  for (const auto name : {""sv, "A"sv, "7bot"sv, "-a"sv, "_a"sv, "a b"sv, "a/b"sv, "a.b"sv, ".."sv,
                          "bot*"sv, "a\n"sv, "a\0"sv, "caf\xc3\xa9"sv,
                          "a12345678901234567890123456789012345678901234567890123456789abcd"
                          "e"sv}) {
    const auto checked = guild::check_name("client name", name);
    INFO(guild::escape_to_ascii(name));
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code == "name_format");
    CHECK(checked.error().kind == guild::ErrorKind::invalid);
    CHECK(checked.error().message.find("client name") != std::string::npos);
    CHECK(checked.error().message.find('\n') == std::string::npos);
    CHECK_FALSE(checked.error().next_step.empty());
  }
}

TEST_CASE("a slip of the keyboard finds the word that was meant") {
  constexpr std::array<std::string_view, 4> words{"status", "start", "stop", "transfer"};
  CHECK(guild::nearest("statsu", words) == "status");
  CHECK(guild::nearest("trasnfer", words) == "transfer");
  CHECK(guild::nearest("stop", words) == "stop");
  CHECK(guild::nearest("stp", words) == "stop");
}

TEST_CASE("a word that is too far from all is not guessed") {
  constexpr std::array<std::string_view, 3> words{"status", "ls", "settlement"};
  CHECK(guild::nearest("xyz", words).empty());
  CHECK(guild::nearest("", words).empty());
  CHECK(guild::nearest("la", words).empty());         // 1 is half of "ls".
  CHECK(guild::nearest("settlxxxt", words).empty());  // 4 edits.
  CHECK(guild::nearest("settlxxent", words) == "settlement");
  CHECK(guild::nearest(std::string(1'000'000, 's'), words).empty());
  CHECK(guild::nearest("status", {}).empty());
}

TEST_CASE("a complaint is one escaped line in one write") {
  const std::string heard =
      heard_on_stderr([] { guild::complain("bus", "no answer\nfrom \x1b[1mthe broker\xff"); });
  CHECK(heard == "bus: no answer\\nfrom \\x1b[1mthe broker\\xff\n");
}

TEST_CASE("a long complaint is cut at 2,000 bytes, also when each is escaped") {
  const std::string plain = heard_on_stderr([] { guild::complain("x", std::string(9999, 'a')); });
  CHECK(plain == "x: " + std::string(2000, 'a') + "...\n");
  const std::string escaped =
      heard_on_stderr([] { guild::complain("x", std::string(9999, '\x01')); });
  CHECK(escaped.size() == 3 + 4 * 2000 + 4);
}
