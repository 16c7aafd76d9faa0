// Two processes exchange messages over the real broker; a stranger is refused by name and it is
// told.
#include <catch2/catch.hpp>

#include "tests/support/home.hpp"
#include "tests/support/json.hpp"
#include "tests/support/scale.hpp"

using namespace guild::test;
namespace fs = std::filesystem;

TEST_CASE("a hundred thousand messages arrive, each once and in order") {
  TestHome home;
  home.start("broker");
  const Outcome outcome = home.guild({"bus", "bench", "--size", "100", "--messages", "100000",
                                      "--publishers", "1", "--subscribers", "1", "--json"},
                                     {}, seconds(120));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const Json figures = Json::parse(outcome.out);
  CHECK(figures.at("published") == 100'000);
  CHECK(figures.at("delivered") == 100'000);
  CHECK(figures.at("dropped") == 0);
}

TEST_CASE("a subscriber sees the numbers of a publisher one by one") {
  TestHome home;
  home.start("broker");
  Process subscriber = home.guild_in_background(
      {"bus", "sub", "demo/**", "--count", "50", "--json", "--timeout", "30s"});
  REQUIRE(subscriber.wait_for_err("subscribed"));
  for (int i = 1; i <= 50; ++i) {
    const Outcome published =
        home.guild({"bus", "pub", "demo/numbers", std::to_string(i), "--ack"});
    INFO(published.err);
    REQUIRE(published.exit_code == 0);
  }
  const Outcome outcome = subscriber.wait();
  REQUIRE(outcome.exit_code == 0);
  int expected = 0;
  for (const Json& message : json_lines(outcome.out)) {
    CHECK(message.at("payload") == std::to_string(++expected));
    CHECK(message.at("sender") == "operator");
    CHECK(message.at("topic") == "demo/numbers");
  }
  CHECK(expected == 50);
}

TEST_CASE("a key that is not on the list is refused by name, and the log says whose it was") {
  TestHome home;
  TestHome elsewhere;
  elsewhere.add_key("stranger", "client");
  home.start("broker");
  home.start("logconsumer");
  // A keypair of another home, pointed at this home's broker.
  fs::copy(elsewhere.keys() / "stranger", home.keys() / "stranger");
  fs::copy_file(home.keys() / "operator" / "broker.public",
                home.keys() / "stranger" / "broker.public", fs::copy_options::overwrite_existing);
  const Outcome refused =
      home.guild({"--as", "stranger", "bus", "ping", "broker", "--json"}, {}, seconds(5));
  CHECK(refused.exit_code == 4);
  CHECK(refused.out.empty());
  CHECK(Json::parse(refused.err).at("code") == "not_authorized");

  std::string key = read_text(home.keys() / "stranger" / "bus.public");
  key.resize(64);
  const auto told = [&] {
    const Outcome logs =
        home.guild({"logs", "query", "--daemon", "broker", "--grep", "key_unlisted", "--json"});
    return logs.out.find(key) != std::string::npos;
  };
  CHECK(wait_for_change(home.data(), told, seconds(10)));
}

TEST_CASE("another home's broker is recognised as the wrong one") {
  TestHome home;
  TestHome elsewhere;
  home.start("broker");
  fs::copy_file(elsewhere.keys() / "operator" / "broker.public",
                home.keys() / "operator" / "broker.public", fs::copy_options::overwrite_existing);
  const Outcome refused = home.guild({"bus", "ping", "broker", "--json"}, {}, seconds(10));
  CHECK(refused.exit_code == 4);
  CHECK(Json::parse(refused.err).at("code") == "wrong_server_key");
}
