#include "common/host/arguments.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace guild;
using host::Action;

namespace {

Result<host::Arguments> parse(std::vector<std::string_view> words) {
  return host::parse_arguments(words);
}

}  // namespace

TEST_CASE("the arguments of a daemon") {
  CHECK(parse({})->action == Action::run);
  CHECK(parse({})->home.empty());
  CHECK(parse({"--home", "/x"})->home == "/x");
  CHECK(parse({"--home=/x"})->home == "/x");
  CHECK(parse({"--check-config", "--home", "/x"})->action == Action::check_config);
  CHECK(parse({"--version"})->action == Action::print_version);
  CHECK(parse({"-h"})->action == Action::print_help);
}

TEST_CASE("arguments that are refused") {
  for (const auto& words : std::vector<std::vector<std::string_view>>{
           {"--home"}, {"--home="}, {"--home", ""}, {"start"}, {"--debug"}}) {
    const auto refused = parse(words);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "usage");
    CHECK(refused.error().kind == ErrorKind::invalid);
  }
  CHECK(parse({"--check-confg"}).error().next_step == "did you mean --check-config?");
}

TEST_CASE("the version is that of the build") {
  CHECK_FALSE(host::version().empty());
  CHECK(host::help_text("ledgerd").find("run/ledgerd.shutdown") != std::string::npos);
}
