#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "keys/files.hpp"
#include "keys/keyring.hpp"

using namespace guild;

namespace {

keys::AuthorizedClient client(std::string_view name, std::uint8_t key,
                              std::string_view role = "client") {
  auto made = keys::client_of_role(role, name);
  REQUIRE(made);
  made->public_key.fill(key);
  return *made;
}

const std::string key_hex(64, 'a');

std::string one_client(std::string_view lines) {
  return fmt::format("[[client]]\nname = \"alice\"\nrole = \"client\"\npublic_key = \"{}\"\n{}",
                     key_hex, lines);
}

/// The message of the refusal.
std::string refusal(std::string_view text) {
  const auto parsed = keys::parse_authorized_clients(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == "list_invalid");
  CHECK(parsed.error().kind == ErrorKind::invalid);
  return parsed.error().text();
}

void check_refused(std::string_view text, std::initializer_list<std::string_view> parts) {
  const std::string message = refusal(text);
  for (const std::string_view part : parts) {
    INFO(message);
    CHECK(message.find(part) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("a list that was written reads back the same") {
  const std::vector<keys::AuthorizedClient> clients = {
      client("broker", 1, "broker"), client("operator", 2, "operator"), client("seven", 3, "bot")};
  const std::string text = keys::format_authorized_clients(clients);
  const auto read = keys::parse_authorized_clients(text);
  REQUIRE(read);
  CHECK(*read == clients);
  CHECK(keys::format_authorized_clients(*read) == text);
  CHECK(text.starts_with("# "));
}

TEST_CASE("an empty list is a list") {
  CHECK(keys::parse_authorized_clients("")->empty());
  CHECK(keys::parse_authorized_clients(keys::format_authorized_clients({}))->empty());
}

TEST_CASE("patterns may be left out, and then nothing is allowed") {
  const auto read = keys::parse_authorized_clients(one_client(""));
  REQUIRE(read);
  CHECK(read->front().publish.empty());
  CHECK(read->front().serve.empty());
}

TEST_CASE("every fault of a list is refused by client, field and line") {
  check_refused("[[client]\n", {"authorized_clients.toml:1:"});
  check_refused("clients = 1\n", {"line 1", "\"clients\"", "[[client]]"});
  check_refused("[client]\nname = \"a\"\n", {"not an array of tables"});
  check_refused("client = [1]\n", {"an integer, not a table"});
  check_refused("[[client]]\nrole = \"bot\"\n", {"client number 1", "name: missing"});
  check_refused("[[client]]\nname = 7\n", {"name: an integer, not a string", "line 2"});
  check_refused("[[client]]\nname = \"Alice\"\n", {"name: \"Alice\" is not a client name"});
  check_refused(one_client("subscrbe = []\n"),
                {"\"alice\"", "subscrbe: unknown field", "did you mean subscribe?", "line 5"});
  check_refused(one_client("publish = \"a\"\n"), {"publish: a string, not an array"});
  check_refused(one_client("publish = [\"a\", 3]\n"), {"publish: pattern 2: an integer"});
  check_refused(one_client("serve = [\"a//b\"]\n"), {"serve: pattern 1", "level 2 is empty"});
  check_refused(one_client("publish = []\npublish = []\n"), {"authorized_clients.toml:6"});
  check_refused("[[client]]\nname = \"a\"\n", {"public_key: missing"});
  check_refused("[[client]]\nname = \"a\"\npublic_key = \"abc\"\n", {"public_key: "});
  check_refused(
      fmt::format("[[client]]\nname = \"a\"\npublic_key = \"{}\"\n", std::string(64, '0')),
      {"all zeros"});
  check_refused(
      fmt::format("[[client]]\nname = \"a\"\nrole = \"root\"\npublic_key = \"{}\"\n", key_hex),
      {"\"root\" is not a role", "operator"});
}

TEST_CASE("a name or a key twice is refused") {
  check_refused(keys::format_authorized_clients({client("a", 1), client("a", 2)}),
                {"\"a\"", "name: listed twice"});
  check_refused(keys::format_authorized_clients({client("a", 1), client("b", 1)}),
                {"\"b\"", "the key of client \"a\" too"});
}

TEST_CASE("a list at its bounds is read, and past them refused") {
  std::vector<keys::AuthorizedClient> clients;
  for (std::size_t i = 0; i < keys::clients_max; ++i) {
    clients.push_back(client(fmt::format("client-{}", i), 0));
    clients.back().public_key[0] = static_cast<std::uint8_t>(i);
    clients.back().public_key[1] = static_cast<std::uint8_t>(i >> 8U);
    clients.back().public_key[2] = 1;
  }
  const auto full = keys::parse_authorized_clients(keys::format_authorized_clients(clients));
  REQUIRE(full);
  CHECK(full->size() == keys::clients_max);
  clients.push_back(client("one-more", 9));
  check_refused(keys::format_authorized_clients(clients), {"4097 clients, at most 4096"});

  auto wide = client("wide", 1);
  wide.publish.assign(keys::patterns_max, "apps/x");
  CHECK(keys::parse_authorized_clients(keys::format_authorized_clients({wide})));
  wide.publish.push_back("apps/x");
  check_refused(keys::format_authorized_clients({wide}), {"257 patterns, at most 256"});

  check_refused(std::string(keys::list_bytes_max + 1, '#'), {"bytes, at most"});
}
