// The broker's proof to itself: that it notices a door which is not shut. Each door here is a real
// socket with one part of the authentication missing.
#include <catch2/catch.hpp>

#include "broker/endpoint.hpp"
#include "broker/gatekeeper.hpp"
#include "broker/self_test.hpp"
#include "common/base/bytes.hpp"
#include "tests/unit/base/scratch_folder.hpp"

namespace guild::broker {
namespace {

struct Keypair {
  keys::PublicKey public_key{};
  keys::PublicKey secret_key{};
};

Keypair make_keypair() {
  char public_text[41], secret_text[41];
  REQUIRE(zmq_curve_keypair(public_text, secret_text) == 0);
  Keypair pair;
  REQUIRE(zmq_z85_decode(pair.public_key.data(), public_text) != nullptr);
  REQUIRE(zmq_z85_decode(pair.secret_key.data(), secret_text) != nullptr);
  return pair;
}

struct Door {
  bool curve = true, gatekeeper = true, domain = true, listens = true;
};

/// What the self-test says of such a door.
Result<void> prove(const Door& door) {
  const ScratchFolder folder;
  const std::string endpoint = "ipc://" + (folder.path() / "door").string();
  const Keypair keys = make_keypair();
  std::unique_ptr<Gatekeeper> gatekeeper;  // Ends after the context.
  auto context = ZmqContext::make(1);
  REQUIRE(context);
  std::optional<ZmqContext> ends_first(std::move(*context));
  if (door.gatekeeper) {
    auto started = Gatekeeper::start(*ends_first, [] {});
    REQUIRE(started);
    gatekeeper = std::move(*started);
  }
  auto made = ZmqSocket::make(*ends_first, ZMQ_ROUTER);
  REQUIRE(made);
  std::optional<ZmqSocket> router(std::move(*made));
  REQUIRE(router->set(ZMQ_LINGER, 0));
  if (door.curve) {
    REQUIRE(router->set(ZMQ_CURVE_SERVER, 1));
    REQUIRE(router->set_bytes(ZMQ_CURVE_SECRETKEY, keys.secret_key.data(), 32));
  }
  if (door.domain) REQUIRE(router->set_bytes(ZMQ_ZAP_DOMAIN, zap_domain.data(), zap_domain.size()));
  if (door.listens) REQUIRE(listen(*router, endpoint));
  const auto proven = prove_door_is_shut(endpoint, keys.public_key);
  router.reset();
  ends_first.reset();
  return proven;
}

TEST_CASE("a door with CURVE, a gatekeeper and a domain is shut") { CHECK(prove({})); }

TEST_CASE("a door without a gatekeeper lets a random key in, and that is found") {
  const auto proven = prove({.gatekeeper = false, .domain = false});
  REQUIRE_FALSE(proven);
  CHECK(proven.error().code == "self_test_failed");
  CHECK(proven.error().message == "self-test: a random key was let in");
}

TEST_CASE("a door without CURVE is found") {
  const auto proven = prove({.curve = false});
  REQUIRE_FALSE(proven);
  CHECK(proven.error().code == "self_test_failed");
}

TEST_CASE("a door that nobody answers at proves nothing") {
  const auto proven = prove({.listens = false});
  REQUIRE_FALSE(proven);
  CHECK(proven.error().message.find("neither refused nor let in") != std::string::npos);
}

}  // namespace
}  // namespace guild::broker
