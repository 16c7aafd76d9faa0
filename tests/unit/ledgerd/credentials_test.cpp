#include "ledgerd/credentials.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::ledgerd;
using messages::Credential;

namespace {

constexpr Instant at{1'800'000'000'000'000'000};

constexpr std::string_view token = "00112233445566778899aabbccddeeff";

struct World {
  World() {
    alice = credentials.make("alice", Instant{5});
    bob = credentials.make("bob", Instant{6});
    credentials.add(alice.record);
    credentials.add(bob.record);
  }

  std::string code(const Credential& credential) const {
    const auto checked = credentials.check(credential, at);
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
  CHECK(it.credentials.check(World::bot(it.alice.api_key, it.alice.api_secret), at) ==
        Principal{false, "alice"});
  CHECK(it.credentials.check(World::bot(it.bob.api_key, it.bob.api_secret), at) ==
        Principal{false, "bob"});
  CHECK(it.credentials.check(World::operator_with(token), at) == Principal{true, ""});
}

TEST_CASE("everything that is wrong gets one and the same error") {
  World it;
  const Error wrong = it.credentials.check(World::operator_with("wrong"), at).error();
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
    CHECK(it.credentials.check(credential, at).error() == wrong);
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
  CHECK_FALSE(other.check(World::bot(it.alice.api_key, it.alice.api_secret), at));
}

TEST_CASE("keys that were taken away open nothing; those of others still do") {
  World it;
  it.credentials.remove_all_of("alice");
  CHECK(it.code(World::bot(it.alice.api_key, it.alice.api_secret)) == "credentials_invalid");
  CHECK(it.code(World::bot(it.bob.api_key, it.bob.api_secret)) == "ok");
}

TEST_CASE("keys of the dead open nothing, but who shows them can be told why") {
  World it;
  const Credential alice = World::bot(it.alice.api_key, it.alice.api_secret);
  CHECK(it.credentials.dead_with(alice, at).empty());
  it.credentials.bury("alice");
  CHECK(it.code(alice) == "credentials_invalid");
  CHECK(it.credentials.dead_with(alice, at) == "alice");
  CHECK(it.credentials.dead_with(World::bot(it.alice.api_key, it.bob.api_secret), at).empty());
  CHECK(it.credentials.dead_with(World::bot(it.bob.api_key, it.bob.api_secret), at).empty());
  CHECK(it.credentials.dead_with(World::operator_with(token), at).empty());
  CHECK(it.credentials.dead_with({}, at).empty());
  it.credentials.remove_all_of("alice");
  CHECK(it.credentials.dead_with(alice, at).empty());
}

TEST_CASE("a token stands for a bot's key and secret, until it expires") {
  World it;
  const Instant end{at.ns + 1'000};
  const std::string text =
      it.credentials.make_token(World::bot(it.alice.api_key, it.alice.api_secret), end).value();
  CHECK(text.size() <= 128);
  const auto of = [](std::string made) {
    Credential credential;
    credential.token = std::move(made);
    return credential;
  };
  CHECK(it.credentials.check(of(text), at) == Principal{false, "alice"});
  CHECK(it.credentials.check(of(text), {end.ns - 1}));
  CHECK_FALSE(it.credentials.check(of(text), end));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string forged = text;
    forged[i] = forged[i] == '1' ? '2' : '1';
    INFO(forged);
    CHECK(it.code(of(forged)) == "credentials_invalid");
  }
  for (const std::string& wrong : {std::string(), text + "0", text.substr(1), text + text})
    CHECK(it.code(of(wrong)) == "credentials_invalid");
  // Not beside something else, and it makes no other one.
  Credential both = of(text);
  both.operator_token = std::string(token);
  CHECK(it.code(both) == "credentials_invalid");
  both = of(text);
  both.api_key = it.alice.api_key;
  both.api_secret = it.alice.api_secret;
  CHECK(it.code(both) == "credentials_invalid");
  for (const Credential& none : {of(text), World::operator_with(token), both, Credential{},
                                 World::bot(it.alice.api_key, it.bob.api_secret)})
    CHECK_FALSE(it.credentials.make_token(none, end));
}

TEST_CASE("a token ends with the key that it stands for") {
  World it;
  Credential made;
  made.token =
      it.credentials.make_token(World::bot(it.alice.api_key, it.alice.api_secret), {at.ns + 1'000})
          .value();
  World dead = it;
  dead.credentials.bury("alice");
  CHECK(dead.code(made) == "credentials_invalid");
  CHECK(dead.credentials.dead_with(made, at) == "alice");
  it.credentials.remove_all_of("alice");
  it.credentials.add(it.credentials.make("alice", at).record);
  CHECK(it.code(made) == "credentials_invalid");
  CHECK(it.credentials.dead_with(made, at).empty());
}
