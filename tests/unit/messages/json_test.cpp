// The parser under the codec: bounds of size and depth, duplicate keys, and the exact text it gives
// back.
#include <catch2/catch.hpp>

#include "common/messages/json.hpp"

namespace guild::messages::json {
namespace {

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

std::string compact(std::string_view text) {
  const auto document = Document::parse(text);
  REQUIRE(document.has_value());
  std::string out;
  append_node(out, document->root());
  return out;
}

Error error_of(std::string_view text) {
  const auto document = Document::parse(text);
  REQUIRE_FALSE(document.has_value());
  return document.error();
}

TEST_CASE("16 levels are read and 17 are not") {
  CHECK(Document::parse(nested(16)).has_value());
  CHECK(error_of(nested(17)).message == "not valid JSON: more than 16 levels");
  CHECK(error_of(std::string(100'000, '[')).code == "json_invalid");
}

TEST_CASE("1 MiB is read and a byte more is not") {
  const std::string at_bound = '"' + std::string(text_bytes_max - 2, 'x') + '"';
  CHECK(Document::parse(at_bound).has_value());
  CHECK(error_of(at_bound + " ").code == "json_invalid");
}

TEST_CASE("what is not JSON is refused") {
  for (const char* text :
       {"",      " ",   "{",      "}",        "{}{}",    "{} x",    "[1,]",      "{\"a\":1,}",
        "{a:1}", "'a'", "NaN",    "Infinity", "-",       "+1",      "01",        "1.",
        ".5",    "1e",  "\"\t\"", "nul",      "// c\n1", "\"\\x\"", "\"\\u12\"", "1e999"}) {
    INFO(text);
    CHECK(error_of(text).code == "json_invalid");
  }
}

TEST_CASE("an error never quotes the input") {
  CHECK(error_of(R"({"token":"s3cr3t)").text().find("s3cr3t") == std::string::npos);
  CHECK(error_of(R"({"token":s3cr3t})").text().find("s3cr3t") == std::string::npos);
}

TEST_CASE("a duplicate key is found among few and among many, with its path") {
  CHECK(error_of(R"({"a":1,"b":2,"a":3})").message == "field a is there twice");
  CHECK(error_of(R"({"a":{"b":[{}, {"c":0,"c":0}]}})").message == "field a.b[1].c is there twice");
  CHECK(error_of(R"([[[{"k":0,"k":0}]]])").message == "field [0][0][0].k is there twice");
  std::string many = "{\"last\":0";
  for (int i = 0; i < 1'000; ++i) many += ",\"k" + std::to_string(i) + "\":0";
  CHECK(Document::parse(many + "}").has_value());
  CHECK(error_of(many + ",\"k500\":1}").message == "field k500 is there twice");
  CHECK(error_of(R"({"a":0,"\u0061":0})").message == "field a is there twice");
}

TEST_CASE("a document is written back as it was, without white space") {
  CHECK(compact(" { \"a\" : [ 1 , -2 , 2.50 , 1E+2 , true , false , null ] , \"\" : { } , \"e\" : "
                "[ ] } ") == R"({"a":[1,-2,2.50,1E+2,true,false,null],"":{},"e":[]})");
  CHECK(compact(R"("\u00e4\/\b\f\n")") == "\"\xC3\xA4/\\u0008\\u000c\\n\"");
  CHECK(compact("18446744073709551615") == "18446744073709551615");
}

TEST_CASE("views survive the document's moves, also of a short text") {
  auto document = Document::parse(R"(["ab"])");
  REQUIRE(document.has_value());
  const Document moved = std::move(*document);
  CHECK((*moved.root().children().begin()).text == "ab");
}

TEST_CASE("levels are counted") {
  const auto document = Document::parse(R"({"a":[[1]],"b":{}})");
  CHECK(levels_of(document->root()) == 3);
}

}  // namespace
}  // namespace guild::messages::json
