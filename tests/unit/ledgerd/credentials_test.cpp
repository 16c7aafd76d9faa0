#include "ledgerd/credentials.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::ledgerd;
using messages::Credential;

namespace {

constexpr std::string_view token = "00112233445566778899aabbccddeeff";

struct World {
  World() {
    alice = credentials.make("alice", Instant{5});
    bob = credentials.make("bob", Instant{6});
    credentials.add(alice.record);
    credentials.add(bob.record);
  }

  std::string code(const Credential& credential) const {
    const auto checked = credentials.check(credential);
    return checked ? "ok" : checked.error().code;
  }
  static Credential bot(const std::string& api_key, const std::string& api_secret) {
    return {.operator_token = {}, .api_key = api_key, .api_secret = api_secret};
  }
  static Credential operator_with(std::string_view text) {
    return {.operator_token = std::string(text), .api_key = {}, .api_secret = {}};
  }

  Credentials credentials{Secret32::random(), sha256(as_bytes(token))};
  NewCredential alice, bob;
};

}  // namespace

TEST_CASE("a key and a secret name their id, and carry 256 bits each") {
  const World it;
  CHECK(it.alice.api_key.starts_with("guild_key_" + it.alice.record.key_id + "_"));
  CHECK(it.alice.api_key.size() == 10 + 16 + 1 + 64);
  CHECK(it.alice.api_secret.size() == 13 + 64);
  CHECK(it.alice.api_key.size() <= Text<128>::size_max);
  CHECK(it.alice.api_key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") ==
        std::string::npos);
  CHECK(it.alice.record.handle == "alice");
  CHECK(it.alice.record.created_at == Instant{5});
  CHECK(it.alice.api_key != it.bob.api_key);
  CHECK(it.alice.api_secret != it.bob.api_secret);
}

TEST_CASE("a bot is known by its key and secret, the operator by the token") {
  const World it;
  CHECK(it.credentials.check(World::bot(it.alice.api_key, it.alice.api_secret)) ==
        Principal{false, "alice"});
  CHECK(it.credentials.check(World::bot(it.bob.api_key, it.bob.api_secret)) ==
        Principal{false, "bob"});
  CHECK(it.credentials.check(World::operator_with(token)) == Principal{true, ""});
}

TEST_CASE("everything that is wrong gets one and the same error") {
  World it;
  const Error wrong = it.credentials.check(World::operator_with("wrong")).error();
  CHECK(wrong.kind == ErrorKind::denied);
  CHECK(wrong.code == "credentials_invalid");
  CHECK(wrong.message.find("wrong") == std::string::npos);

  std::string unknown = it.alice.api_key;
  unknown[10] = unknown[10] == 'a' ? 'b' : 'a';
  std::string wrong_key = it.alice.api_key;
  wrong_key.back() = wrong_key.back() == 'a' ? 'b' : 'a';
  std::string wrong_secret = it.alice.api_secret;
  wrong_secret.back() = wrong_secret.back() == 'a' ? 'b' : 'a';
  for (const Credential& credential :
       {Credential{}, World::operator_with(""), World::operator_with(std::string(token) + "\n"),
        World::bot("", ""), World::bot(unknown, it.alice.api_secret),
        World::bot(wrong_key, it.alice.api_secret), World::bot(it.alice.api_key, wrong_secret),
        World::bot(it.alice.api_key, it.bob.api_secret), World::bot(it.alice.api_key, ""),
        World::bot(it.alice.record.key_id, it.alice.api_secret),
        Credential{.operator_token = {}, .api_key = it.alice.api_key, .api_secret = {}},
        Credential{.operator_token = {}, .api_key = {}, .api_secret = it.alice.api_secret},
        Credential{.operator_token = std::string(token),
                   .api_key = it.alice.api_key,
                   .api_secret = it.alice.api_secret}})
    CHECK(it.credentials.check(credential).error() == wrong);
}

TEST_CASE("a missing hash never accepts a key") {
  World it;
  CredentialRecord empty;
  empty.key_id = it.alice.record.key_id;
  empty.handle = "alice";
  it.credentials.add(empty);
  CHECK(it.code(World::bot(it.alice.api_key, it.alice.api_secret)) == "credentials_invalid");
}

TEST_CASE("a row copied to another bot opens nothing") {
  World it;
  CredentialRecord copied = it.alice.record;
  copied.handle = "bob";
  it.credentials.add(copied);
  CHECK(it.code(World::bot(it.alice.api_key, it.alice.api_secret)) == "credentials_invalid");
}

TEST_CASE("hashes under another hashing key open nothing") {
  const World it;
  Credentials other(Secret32::random(), sha256(as_bytes(token)));
  other.add(it.alice.record);
  CHECK_FALSE(other.check(World::bot(it.alice.api_key, it.alice.api_secret)));
}

TEST_CASE("keys that were taken away open nothing; those of others still do") {
  World it;
  it.credentials.remove_all_of("alice");
  CHECK(it.code(World::bot(it.alice.api_key, it.alice.api_secret)) == "credentials_invalid");
  CHECK(it.code(World::bot(it.bob.api_key, it.bob.api_secret)) == "ok");
}
