#include "common/bus/topic.hpp"

#include <catch2/catch.hpp>

using namespace guild::bus;

namespace {

std::string levels(std::size_t count) {
  std::string topic = "l1";
  for (std::size_t i = 2; i <= count; ++i) topic += "/l" + std::to_string(i);
  return topic;
}

bool refused(const guild::Result<void>& result, const std::string& why) {
  if (result) return false;
  INFO(result.error().message);
  return result.error().code == "topic_invalid" &&
         result.error().kind == guild::ErrorKind::invalid &&
         result.error().message.find(why) != std::string::npos;
}

}  // namespace

TEST_CASE("topics that are topics") {
  for (const std::string topic : {"a", "ledger/entry/bot-7", "a.b/c_d/~",
                                  "gr\xC3\xBC\xC3\x9F"
                                  "e/\xF0\x9F\x90\xAC",
                                  "0/-/:"}) {
    INFO(topic);
    CHECK(check_topic(topic).has_value());
    CHECK(check_pattern(topic).has_value());
  }
  CHECK(check_topic(levels(10)).has_value());
  CHECK(check_topic(std::string(250, 'x')).has_value());
}

TEST_CASE("topics that are not say which rule they break") {
  CHECK(refused(check_topic(""), "empty"));
  CHECK(refused(check_topic("/a"), "level 1 is empty"));
  CHECK(refused(check_topic("a/"), "level 2 is empty"));
  CHECK(refused(check_topic("a//b"), "level 2 is empty"));
  CHECK(refused(check_topic(levels(11)), "more than 10 levels"));
  CHECK(refused(check_topic(std::string(251, 'x')), "251 bytes"));
  CHECK(refused(check_topic("a b"), "white space at byte 1"));
  CHECK(refused(check_topic("a/\xC2\xA0"), "white space at byte 2"));     // No-break space.
  CHECK(refused(check_topic("a\xE3\x80\x80"), "white space at byte 1"));  // Ideographic space.
  CHECK(refused(check_topic("a\xE2\x80\xA8"), "white space at byte 1"));  // Line separator.
  CHECK(refused(check_topic("a\tb"), "control character at byte 1"));
  CHECK(refused(check_topic(std::string_view("a\0b", 3)), "control character at byte 1"));
  CHECK(refused(check_topic("a\x7F"), "control character at byte 1"));
  CHECK(refused(check_topic("a\xC2\x85"), "control character at byte 1"));  // C1.
  CHECK(refused(check_topic("a/\xFF"), "not UTF-8"));
  CHECK(refused(check_topic("a/*"), "wildcard at level 2"));
  CHECK(refused(check_topic("a*b/c"), "wildcard at level 1"));
}

TEST_CASE("patterns: a wildcard is a whole level, and ** the last") {
  for (const std::string pattern : {"*", "**", "a/*", "*/b", "a/**", "*/*/**"}) {
    INFO(pattern);
    CHECK(check_pattern(pattern).has_value());
  }
  CHECK(refused(check_pattern("a/**/b"), "not the last level"));
  CHECK(refused(check_pattern("a*"), "whole level"));
  CHECK(refused(check_pattern("a/***"), "whole level"));
  CHECK(refused(check_pattern("a//*"), "level 2 is empty"));
  CHECK(refused(check_pattern(levels(10) + "/**"), "more than 10 levels"));
}

TEST_CASE("matching, by table") {
  struct Row {
    const char *pattern, *topic;
    bool matches;
  };
  const Row rows[] = {
      {"a/b", "a/b", true},      {"a/b", "a/c", false},     {"a/b", "a", false},
      {"a/b", "a/b/c", false},   {"a", "ab", false},        {"ab", "a", false},
      {"*", "a", true},          {"*", "a/b", false},       {"a/*", "a/b", true},
      {"a/*", "a", false},       {"a/*", "a/b/c", false},   {"*/b", "a/b", true},
      {"*/b", "b", false},       {"a/*/c", "a/b/c", true},  {"a/*/c", "a/c", false},
      {"**", "a", true},         {"**", "a/b/c", true},     {"a/**", "a/b", true},
      {"a/**", "a/b/c/d", true}, {"a/**", "a", false},      {"a/**", "b/c", false},
      {"a/**", "ab/c", false},   {"*/**", "a", false},      {"*/**", "a/b", true},
      {"a/*/**", "a/b", false},  {"a/*/**", "a/b/c", true},
  };
  for (const Row& row : rows) {
    INFO(row.pattern << " on " << row.topic);
    CHECK(matches(row.pattern, row.topic) == row.matches);
  }
}

TEST_CASE("covering, by table") {
  struct Row {
    const char *wide, *narrow;
    bool covers;
  };
  const Row rows[] = {
      {"a/b", "a/b", true},   {"a/*", "a/b", true},      {"a/b", "a/*", false},
      {"a/*", "a/*", true},   {"a/**", "a/*", true},     {"a/*", "a/**", false},
      {"a/**", "a/**", true}, {"a/**", "a", false},      {"a/**", "a/*/c", true},
      {"**", "a/**", true},   {"a/**", "**", false},     {"*/b", "a/b", true},
      {"a/b", "*/b", false},  {"*/**", "a/b", true},     {"*/**", "**", false},
      {"*", "**", false},     {"a/*/**", "a/**", false}, {"a/**", "a/*/**", true},
  };
  for (const Row& row : rows) {
    INFO(row.wide << " covers " << row.narrow);
    CHECK(covers(row.wide, row.narrow) == row.covers);
  }
}

TEST_CASE("where the limits leave ** one level only, * covers it") {
  CHECK(covers(levels(9) + "/*", levels(9) + "/**"));
  CHECK_FALSE(covers(levels(8) + "/*", levels(8) + "/**"));
  const std::string nearly(247, 'x');  // "/a" fits, "/a/b" does not.
  CHECK(covers(nearly + "/*", nearly + "/**"));
  const std::string shorter(246, 'x');  // "/a/b" just fits.
  CHECK_FALSE(covers(shorter + "/*", shorter + "/**"));
}
