#include "broker/connections.hpp"

#include <catch2/catch.hpp>

namespace guild::broker {
namespace {

const Steady at = Steady{} + std::chrono::hours(1);

TEST_CASE("a connection is found by routing id and session until it is forgotten") {
  Connections connections;
  const SessionId one = connections.add("r1", "ada#1", 10, at).session;
  const SessionId two = connections.add("r2", "ada#2", 11, at).session;
  CHECK(one != two);
  CHECK(connections.find("r1")->user_id == "ada#1");
  CHECK(connections.find(two)->routing_id == "r2");
  connections.fd_closed(10, at);
  REQUIRE(connections.closed().size() == 1);
  CHECK(connections.closed()[0].session == one);
  // Until all it sent was read it is still known.
  CHECK(connections.find("r1") != nullptr);
  CHECK(connections.find("r1")->fd == -1);
  connections.forget_closed();
  CHECK(connections.find("r1") == nullptr);
  CHECK(connections.find("r2") != nullptr);
  CHECK(connections.closed().empty());
}

TEST_CASE("a descriptor that is used again ends who had it, and never who has it") {
  Connections connections;
  const SessionId old = connections.add("r1", "ada#1", 10, at).session;
  const SessionId fresh = connections.add("r2", "bob#2", 10, at).session;
  REQUIRE(connections.closed().size() == 1);
  CHECK(connections.closed()[0].session == old);
  CHECK(connections.find(fresh)->fd == 10);
  connections.forget_closed();
  connections.fd_closed(10, at);
  REQUIRE(connections.closed().size() == 1);
  CHECK(connections.closed()[0].session == fresh);
}

TEST_CASE("a connection that may be gone already is doubtful, the next on its descriptor is not") {
  Connections connections;
  connections.fd_closed(10, at);
  CHECK(connections.add("r1", "ada#1", 10, at).doubtful);
  CHECK_FALSE(connections.add("r2", "ada#2", 11, at).doubtful);
  connections.fd_closed(10, at);
  connections.forget_closed();
  CHECK_FALSE(connections.add("r3", "ada#3", 10, at).doubtful);
}

TEST_CASE("closing twice, by the monitor and by a failed send, is closing once") {
  Connections connections;
  const SessionId one = connections.add("r1", "ada#1", 10, at).session;
  connections.close(one, at);
  connections.fd_closed(10, at);
  connections.close(one, at);
  CHECK(connections.closed().size() == 1);
}

}  // namespace
}  // namespace guild::broker
