#include "common/bus/attempts.hpp"

#include <catch2/catch.hpp>

using namespace guild;
using namespace guild::bus;
using namespace std::chrono_literals;

namespace {

const Monotonic start{std::chrono::hours(5)};

Attempts make(bool give_up_when_refused = false, std::uint64_t seed = 1) {
  return Attempts({.endpoint = "ipc:///x",
                   .name = "bot-7",
                   .give_up_when_refused = give_up_when_refused,
                   .seed = seed});
}

Error lost() { return {ErrorKind::unavailable, "session_lost", "lost", ""}; }

/// A whole attempt that breaks in the handshake `after` its transport connected.
Attempts::Outcome break_handshake(Attempts& attempts, Monotonic& now, Duration after) {
  now = std::max(now, attempts.deadline().value());
  attempts.started(now);
  attempts.transport_connected(now);
  now += after;
  return attempts.failed(Failure::handshake_broken, now);
}

}  // namespace

TEST_CASE("the first attempt is due at once; the next after a growing, jittered pause") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Attempts attempts = make(false, seed);
    Monotonic now = start;
    const double wanted_ms[] = {50, 100, 200, 400, 800, 1600, 2000, 2000, 2000};
    for (const double wanted : wanted_ms) {
      CHECK(attempts.due(now));
      attempts.started(now);
      CHECK_FALSE(attempts.due(now + 1h));
      const auto outcome = attempts.failed(Failure::no_answer, now);
      CHECK(outcome.error->code == "broker_unreachable");
      CHECK_FALSE(outcome.refused);
      CHECK_FALSE(outcome.over);
      const auto pause = std::chrono::duration<double, std::milli>(*attempts.deadline() - now);
      INFO("seed " << seed << ", wanted " << wanted);
      CHECK(pause.count() >= wanted * 0.8);
      CHECK(pause.count() <= wanted * 1.2);
      CHECK_FALSE(attempts.due(*attempts.deadline() - 1ns));
      now = *attempts.deadline();
    }
  }
}

TEST_CASE("while nobody listens the pauses stay short for five seconds, then grow") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Attempts attempts = make(false, seed);
    Monotonic now = start;
    while (now < start + 30s) {
      attempts.started(now);
      attempts.failed(Failure::nothing_listens, now);
      const auto pause = *attempts.deadline() - now;
      INFO("seed " << seed << ", after " << (now - start).count() << " ns");
      if (now < start + 5s) CHECK(pause <= 180ms);
      if (now > start + 5s) CHECK(pause >= 1'600ms);
      now = *attempts.deadline();
    }
  }
}

TEST_CASE("three handshakes that break at once are a wrong server key, within two seconds") {
  Attempts attempts = make();
  Monotonic now = start;
  CHECK_FALSE(break_handshake(attempts, now, 1ms).error.has_value());
  CHECK_FALSE(break_handshake(attempts, now, 1ms).error.has_value());
  const auto third = break_handshake(attempts, now, 1ms);
  REQUIRE(third.error.has_value());
  CHECK(third.error->code == "wrong_server_key");
  CHECK(third.refused);
  CHECK_FALSE(third.over);
  CHECK(now - start < 2s);
}

TEST_CASE("a handshake that times out is a broker that does not answer") {
  Attempts attempts = make();
  Monotonic now = start;
  for (int i = 0; i < 5; ++i) {
    const auto outcome = break_handshake(attempts, now, 2s);
    CHECK(outcome.error->code == "broker_unreachable");
    CHECK(outcome.error->message == "the broker at ipc:///x does not answer");
  }
}

TEST_CASE("a good session, or another failure, breaks the row of broken handshakes") {
  Attempts attempts = make();
  Monotonic now = start;
  break_handshake(attempts, now, 1ms);
  break_handshake(attempts, now, 1ms);
  now = *attempts.deadline();
  attempts.started(now);
  SECTION("a session") {
    attempts.established(now);
    attempts.ended(lost(), now);
  }
  SECTION("nothing listens") { attempts.failed(Failure::nothing_listens, now); }
  CHECK_FALSE(break_handshake(attempts, now, 1ms).error.has_value());
}

TEST_CASE("a refused key ends the attempts, or is tried again slowly") {
  for (const bool give_up : {true, false}) {
    Attempts attempts = make(give_up);
    attempts.started(start);
    const auto outcome = attempts.failed(Failure::key_refused, start);
    CHECK(outcome.error->code == "not_authorized");
    CHECK(outcome.refused);
    CHECK(outcome.over == give_up);
    CHECK(attempts.is_over() == give_up);
    CHECK(attempts.deadline().has_value() == !give_up);
    CHECK(attempts.due(start + 1h) == !give_up);
    if (!give_up) {
      CHECK(*attempts.deadline() - start >= 4s);
      CHECK(*attempts.deadline() - start <= 6s);
    }
  }
}

TEST_CASE("a fault of the broker is no refusal") {
  Attempts attempts = make(true);
  attempts.started(start);
  const auto outcome = attempts.failed(Failure::broker_fault, start);
  CHECK(outcome.error->code == "broker_unreachable");
  CHECK_FALSE(outcome.over);
}

TEST_CASE("another version is a refusal for good; other codes are tried again") {
  for (const std::string code : {"version_unsupported", "shutting_down", "too_many"}) {
    Attempts attempts = make(true);
    attempts.started(start);
    const bool for_good = code == "version_unsupported";
    const auto outcome = attempts.ended({ErrorKind::failed, code, "x", ""}, start);
    CHECK(outcome.refused == for_good);
    CHECK(outcome.over == for_good);
  }
}

TEST_CASE(
    "a revoked session is told as refused, and tried again soon: the key may still be listed") {
  Attempts attempts = make(true);
  attempts.started(start);
  attempts.established(start);
  const auto outcome = attempts.ended({ErrorKind::denied, "revoked", "x", ""}, start);
  CHECK(outcome.refused);
  CHECK_FALSE(outcome.over);
  CHECK(*attempts.deadline() - start < 100ms);
}

TEST_CASE("an attempt has an end") {
  Attempts attempts = make();
  attempts.started(start);
  CHECK(attempts.deadline() == start + Attempts::attempt_limit);
  CHECK_FALSE(attempts.timed_out(start + Attempts::attempt_limit - 1ns));
  CHECK(attempts.timed_out(start + Attempts::attempt_limit));
  CHECK_FALSE(attempts.transport_is_connected());
  attempts.transport_connected(start);
  CHECK(attempts.transport_is_connected());
  attempts.established(start + 1s);
  CHECK_FALSE(attempts.timed_out(start + 1h));
  CHECK_FALSE(attempts.deadline().has_value());
}

TEST_CASE("after a session that lasted, the next attempt comes soon; after a short one, later") {
  for (const bool lasted : {true, false}) {
    Attempts attempts = make();
    Monotonic now = start;
    for (int i = 0; i < 6; ++i) {
      now = std::max(now, *attempts.deadline());
      attempts.started(now);
      attempts.established(now);
      now += lasted ? Duration(3s) : Duration(1ms);
      attempts.ended(lost(), now);
    }
    const auto pause = *attempts.deadline() - now;
    if (lasted)
      CHECK(pause <= 60ms);
    else
      CHECK(pause >= 1s);
  }
}
