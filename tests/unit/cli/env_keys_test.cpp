#include "cli/env_keys.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::cli;

namespace {

std::string code_of(std::string_view text) {
  const auto keys = parse_env_keys(text);
  return keys ? "ok" : keys.error().code;
}

}  // namespace

TEST_CASE("keys are read from assignments, exported, quoted and commented as they may be") {
  const auto keys = parse_env_keys(
      "# ours\n\nexport ALICE_API_KEY=\"k1\"\n  ALICE_API_SECRET='s1' # the last\r\n"
      "BOB_2_API_KEY=k2 # bare\nBOB_2_API_SECRET=s2\nPATH=/bin\nexport EMPTY=\n");
  REQUIRE(keys);
  REQUIRE(keys->size() == 2);
  CHECK(keys->at(0).name.view() == "ALICE");
  CHECK(keys->at(0).api_key.view() == "k1");
  CHECK(keys->at(0).api_secret.view() == "s1");
  CHECK(keys->at(1).name.view() == "BOB_2");
  CHECK(keys->at(1).api_secret.view() == "s2");
}

TEST_CASE("nothing is expanded, run or sourced") {
  const auto keys = parse_env_keys("A_API_KEY=$(id)\nA_API_SECRET=\"`id` $HOME\"\n");
  REQUIRE(keys);
  CHECK(keys->at(0).api_key.view() == "$(id)");
  CHECK(keys->at(0).api_secret.view() == "`id` $HOME");
}

TEST_CASE("half a key is one with an empty half, which the daemon refuses") {
  const auto keys = parse_env_keys("A_API_KEY=k");
  REQUIRE(keys);
  CHECK(keys->at(0).api_secret.empty());
}

TEST_CASE("what is no assignment is named by its line, and never shown") {
  for (const char* bad :
       {"A_API_KEY", "A_API_KEY = k", "1A_API_KEY=k", "A_API_KEY=k k", "A_API_KEY=\"k",
        "A_API_KEY='k' k", "A_API_KEY=k'k'", "A_API_KEY=", "_API_KEY=k", "A-B_API_KEY=k"})
    CHECK(code_of(bad) == "env_format");
  CHECK(code_of("A_API_KEY=" + std::string(129, 'k')) == "env_format");
  CHECK(code_of(std::string(65, 'A') + "_API_KEY=k") == "env_format");
  const auto keys = parse_env_keys("X=1\nA_API_KEY=geheim geheim\n");
  CHECK(keys.error().message == "line 2 is not NAME=VALUE");
  CHECK(keys.error().text().find("geheim") == std::string::npos);
  CHECK(code_of("A_API_KEY=k\nA_API_KEY=l") == "env_duplicate");
}
