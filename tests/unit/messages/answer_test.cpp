#include "common/messages/answer.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using messages::mend_answer;

TEST_CASE("an answer is mended to the object that it was meant to be") {
  struct Row {
    std::string_view answer, meant;
  };
  constexpr Row rows[] = {
      {R"({"a":1})", R"({"a":1})"},
      {"  \n{\"a\":1}\n ", R"({"a":1})"},
      {"```json\n{\"a\":1}\n```", R"({"a":1})"},
      {"```\n{\"a\":1}\n```\n", R"({"a":1})"},
      {"```{\"a\":1}```", R"({"a":1})"},
      {"```JSON\r\n{\"a\":1}\r\n```", R"({"a":1})"},
      {"Here is my answer:\n```json\n{\"a\":1}\n```\nGood luck!", R"({"a":1})"},
      {"```json\n{\"a\":1}", R"({"a":1})"},
      {R"({"a":1,})", R"({"a":1})"},
      {"{\"a\":[1,2,\n],\n}", "{\"a\":[1,2\n]\n}"},
      {R"({a:1})", R"({"a":1})"},
      {R"({ observation_id : "x", b-2:[{c:null,},] })",
       R"({ "observation_id" : "x", "b-2":[{"c":null}] })"},
      {R"({true:true,"x":false})", R"({"true":true,"x":false})"},
      // What stands in a string is left alone.
      {R"({"a":"b: 1, }"})", R"({"a":"b: 1, }"})"},
      {R"({"a":"say \"hi:\", ]"})", R"({"a":"say \"hi:\", ]"})"},
      {R"({"a":"```not a fence```"})", R"({"a":"```not a fence```"})"},
      {"```json\n{\"a\":\"use ``` here\"}\n```", "{\"a\":\"use ``` here\"}"},
      {R"({"n":-1.5e3})", R"({"n":-1.5e3})"},
      {"{}", "{}"},
  };
  for (const Row& row : rows) {
    INFO(row.answer);
    const auto mended = mend_answer(row.answer);
    REQUIRE(mended);
    CHECK(*mended == row.meant);
    CHECK(mend_answer(*mended) == *mended);
  }
}

TEST_CASE("what is no object even so is invalid, and says so") {
  constexpr std::string_view rows[] = {"",
                                       " ",
                                       "WAIT",
                                       "[1]",
                                       "\"a\"",
                                       "1",
                                       "null",
                                       "```",
                                       "```json```",
                                       "{",
                                       "}",
                                       R"({"a":})",
                                       R"({"a"})",
                                       R"({'a':1})",
                                       R"({a b:1})",
                                       R"({"a":1} {"b":2})",
                                       R"({"a":1,,"b":2})",
                                       R"({"a":"b)",
                                       R"({"a":NaN})",
                                       "{\"a\":1}// why",
                                       "I would rather wait."};
  for (const std::string_view row : rows) {
    INFO(row);
    const auto mended = mend_answer(row);
    REQUIRE_FALSE(mended);
    CHECK(mended.error().code == "answer_invalid");
    CHECK(mended.error().kind == ErrorKind::invalid);
  }
  const auto large = mend_answer("{\"a\":\"" + std::string(messages::answer_size_max, 'x') + "\"}");
  REQUIRE_FALSE(large);
  CHECK(large.error().code == "answer_invalid");
}
