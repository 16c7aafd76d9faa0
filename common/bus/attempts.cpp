#include "common/bus/attempts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace guild::bus {
namespace {

using namespace std::chrono_literals;

constexpr Duration backoff_first = 50ms;
constexpr Duration backoff_most = 2s;
constexpr Duration backoff_refused = 5s;
/// A broker that died is soon back, and to ask whether somebody listens costs next to nothing.
constexpr Duration backoff_nobody = 150ms;
constexpr Duration soon_back = 5s;
/// A session that lasted this long was a good one: the next attempt comes soon.
constexpr Duration settled_after = 2s;
/// A wrong key breaks the handshake at once; a busy or stopped broker lets it time out.
constexpr Duration breaks_at_once = 1s;
constexpr unsigned broken_handshakes_needed = 3;

constexpr std::string_view start_it = "start it: scripts/run_system start";

std::uint64_t next_random(std::uint64_t& state) {  // splitmix64
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

Attempts::Attempts(Options options) : options_(std::move(options)), random_(options_.seed) {}

std::optional<Monotonic> Attempts::deadline() const {
  if (phase_ == Phase::waiting || phase_ == Phase::trying) return at_;
  return {};
}

void Attempts::started(Monotonic now) {
  phase_ = Phase::trying;
  at_ = now + attempt_limit;
  connected_at_.reset();
}

void Attempts::established(Monotonic now) {
  phase_ = Phase::established;
  established_at_ = now;
  broken_handshakes_ = 0;
}

Attempts::Outcome Attempts::failed(Failure failure, Monotonic now) {
  const std::string& endpoint = options_.endpoint;
  if (failure == Failure::handshake_broken && connected_at_ &&
      now - *connected_at_ >= breaks_at_once)
    failure = Failure::no_answer;
  broken_handshakes_ = failure == Failure::handshake_broken ? broken_handshakes_ + 1 : 0;

  switch (failure) {
    case Failure::nothing_listens:
      return retry(Error{ErrorKind::unavailable, "broker_unreachable",
                         fmt::format("nothing listens at {}", endpoint), std::string(start_it)},
                   Refusal::no, now, backoff_nobody);
    case Failure::no_answer:
      return retry(Error{ErrorKind::unavailable, "broker_unreachable",
                         fmt::format("the broker at {} does not answer", endpoint),
                         "see whether it is stopped or overloaded: scripts/run_system status"},
                   Refusal::no, now);
    case Failure::broker_fault:
      return retry(Error{ErrorKind::unavailable, "broker_unreachable",
                         fmt::format("the broker at {} cannot check keys now", endpoint),
                         "see the broker's log"},
                   Refusal::no, now);
    case Failure::key_refused:
      return retry(Error{ErrorKind::denied, "not_authorized",
                         fmt::format("the broker refused the key of {}: it is not on its list",
                                     options_.name),
                         fmt::format("guild keys list, guild keys add {}", options_.name)},
                   Refusal::of_us, now);
    case Failure::handshake_broken:
      break;
  }
  if (broken_handshakes_ < broken_handshakes_needed) return retry({}, Refusal::no, now);
  return retry(
      Error{ErrorKind::denied, "wrong_server_key",
            fmt::format("what listens at {} does not hold the key that {} expects of the "
                        "broker: handshakes break while the transport connects",
                        endpoint, options_.name),
            "compare the broker's public key in the home's keys/ with the broker's own; is "
            "this another home's broker?"},
      Refusal::of_broker, now);
}

Attempts::Outcome Attempts::ended(Error error, Monotonic now) {
  if (phase_ == Phase::established && now - established_at_ >= settled_after) failures_ = 0;
  // "revoked" ends one session; whether the key is still on the list, the next attempt tells.
  if (error.code == "revoked") {
    Outcome outcome = retry(std::move(error), Refusal::no, now);
    outcome.refused = true;
    return outcome;
  }
  const auto refusal = error.code == "version_unsupported" ? Refusal::of_us : Refusal::no;
  return retry(std::move(error), refusal, now);
}

Attempts::Outcome Attempts::retry(std::optional<Error> error, Refusal refusal, Monotonic now,
                                  Duration most_at_first) {
  const bool refused = refusal != Refusal::no;
  const bool over = refused && options_.give_up_when_refused;
  phase_ = over ? Phase::over : Phase::waiting;
  connected_at_.reset();

  constexpr unsigned doublings_most = 6;
  Duration delay =
      std::min(backoff_first * (1 << std::min(failures_, doublings_most)), backoff_most);
  if (failures_ == 0) failing_since_ = now;
  if (now - failing_since_ < soon_back) delay = std::min(delay, most_at_first);
  if (refusal == Refusal::of_us) delay = backoff_refused;
  ++failures_;
  at_ = now + jittered(delay);
  return {.error = std::move(error), .refused = refused, .over = over};
}

Duration Attempts::jittered(Duration delay) {
  const auto percent = static_cast<std::int64_t>(80 + next_random(random_) % 41);
  return delay * percent / 100;
}

}  // namespace guild::bus
