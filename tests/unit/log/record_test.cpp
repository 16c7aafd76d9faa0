#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "common/base/text.hpp"
#include "common/log/record.hpp"

namespace guild::log {
namespace {

TEST_CASE("a module becomes one level of a topic") {
  CHECK(module_level("journal") == "journal");
  CHECK(module_level("Net.HTTP-2_x") == "Net.HTTP-2_x");
  CHECK(module_level("a/b c*d\n\xC3\xA4") == "a_b_c_d___");
  CHECK(module_level("") == "main");
  CHECK(module_level(std::string(100, 'a')) == std::string(64, 'a'));
}

TEST_CASE("a source file keeps its folder, and loses the place it was built in") {
  CHECK(source_file("../../home/someone/src/common/log/log.cpp") == "log/log.cpp");
  CHECK(source_file("/log.cpp") == "/log.cpp");
  CHECK(source_file("log/log.cpp") == "log/log.cpp");
  CHECK(source_file("log.cpp") == "log.cpp");
  CHECK(source_file("").empty());
}

TEST_CASE("text is cut between characters and holds neither NUL nor broken UTF-8") {
  CHECK(bounded("abc", 2) == "ab");
  CHECK(bounded("a\xC3\xA4", 2) == "a");
  CHECK(bounded(std::string_view("a\0b", 3), 10) == "a?b");
  CHECK(bounded("a\xFFz", 10) == "a?z");
  CHECK(rc::check([](const std::string& bytes) {
    const auto size_max = *rc::gen::inRange<std::size_t>(0, 20);
    const std::string text = bounded(bytes, size_max);
    RC_ASSERT(text.size() <= size_max);
    RC_ASSERT(is_utf8(text));
    RC_ASSERT(text.find('\0') == std::string::npos);
  }));
}

TEST_CASE("a line for a console is one line of plain ASCII") {
  messages::LogRecord record;
  record.time = {1'767'322'985'678'000'000};
  record.level = messages::LogLevel::warn;
  record.daemon = "ledgerd";
  record.module = "journal";
  record.file = "ledgerd/journal.cpp";
  record.line = 12;
  record.message = "two\nlines, \x1b[31mred, \xC3\xA4";
  CHECK(plain_line(record) ==
        "2026-01-02T03:03:05.678Z WARN ledgerd/journal: two\\nlines, \\x1b[31mred, \\xc3\\xa4 "
        "(ledgerd/journal.cpp:12)");
  record.message = "m";
  record.extra.text = R"({"bot":"a"})";
  CHECK(
      plain_line(record) ==
      "2026-01-02T03:03:05.678Z WARN ledgerd/journal: m {\"bot\":\"a\"} (ledgerd/journal.cpp:12)");
}

}  // namespace
}  // namespace guild::log
