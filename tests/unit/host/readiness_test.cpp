#include "common/host/readiness.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using host::Readiness;

namespace {

const Error unreachable{ErrorKind::unavailable, "broker_unreachable", "nothing listens",
                        "start it"};

}  // namespace

TEST_CASE("ready is: started, in session, every name confirmed") {
  Readiness readiness;
  readiness.expect("x/a");
  readiness.expect("x/health");
  CHECK(readiness.state() == "starting");
  CHECK(readiness.waiting_for() == "its own start");
  readiness.started();
  CHECK(readiness.waiting_for() == "the session with the broker");
  readiness.session_up();
  CHECK_FALSE(readiness.became_ready());
  readiness.confirmed("x/a");
  CHECK_FALSE(readiness.became_ready());
  CHECK(readiness.waiting_for().find("x/health") != std::string::npos);
  readiness.confirmed("x/health");
  CHECK(readiness.became_ready());
  CHECK(readiness.ready());
  CHECK(readiness.state() == "ready");
}

TEST_CASE("it becomes ready once") {
  Readiness readiness;
  readiness.started();
  readiness.session_up();
  CHECK(readiness.became_ready());
  CHECK_FALSE(readiness.became_ready());
}

TEST_CASE("confirmations before the start has returned do not make it ready") {
  Readiness readiness;
  readiness.expect("x/a");
  readiness.session_up();
  readiness.confirmed("x/a");
  CHECK_FALSE(readiness.became_ready());
  readiness.started();
  CHECK(readiness.became_ready());
}

TEST_CASE("it names the cause for which there is no session") {
  Readiness readiness;
  readiness.started();
  readiness.session_down(unreachable);
  CHECK(readiness.waiting_for() == "the session with the broker: " + unreachable.text());
  readiness.session_down({});
  CHECK(readiness.waiting_for().find("nothing listens") != std::string::npos);
  readiness.session_up();
  CHECK(readiness.became_ready());
}

TEST_CASE("a lost session does not take readiness back") {
  Readiness readiness;
  readiness.started();
  readiness.session_up();
  REQUIRE(readiness.became_ready());
  readiness.session_down(unreachable);
  CHECK(readiness.ready());
}

TEST_CASE("who drains is not ready, and never again") {
  Readiness readiness;
  readiness.started();
  readiness.session_up();
  REQUIRE(readiness.became_ready());
  readiness.draining();
  CHECK_FALSE(readiness.ready());
  CHECK(readiness.state() == "draining");
  readiness.session_up();
  CHECK_FALSE(readiness.became_ready());
}

TEST_CASE("a drain before it was ready") {
  Readiness readiness;
  readiness.draining();
  readiness.started();
  readiness.session_up();
  CHECK_FALSE(readiness.became_ready());
}
