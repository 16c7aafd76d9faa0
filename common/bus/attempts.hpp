// Attempts: when to connect, and what a failed attempt means. Pure: it is told what the socket's
// monitor saw, and answers with the error to report and the time of the next attempt.
// Back-off 50 ms to 2 s, doubled, +-20 %, at most 150 ms for the first 5 s in which nobody listens;
// 5 s after a refusal of our key. libzmq never says "wrong server key": three handshakes in a row
// that break at once while the transport connects do.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace guild::bus {

using Monotonic = std::chrono::steady_clock::time_point;

/// How an attempt ended before WELCOME.
enum class Failure {
  nothing_listens,   ///< The transport did not connect.
  handshake_broken,  ///< It connected, then the handshake broke.
  key_refused,       ///< The broker's list does not have our key (ZAP 400).
  broker_fault,      ///< The broker could not look our key up (ZAP 500).
  no_answer,         ///< It connected and then nothing came in time.
};

class Attempts {
 public:
  struct Options {
    std::string endpoint;
    std::string name;  ///< The client's, for the text of errors.
    bool give_up_when_refused = false;
    std::uint64_t seed = 1;
  };
  /// What the end of an attempt or session means.
  struct Outcome {
    std::optional<Error> error;  ///< Nothing while the cause is not certain yet.
    bool refused = false;        ///< The broker said no, or is not the broker.
    bool over = false;           ///< There will be no further attempt.
  };
  static constexpr std::chrono::milliseconds attempt_limit{5000};

  explicit Attempts(Options options);

  bool due(Monotonic now) const { return phase_ == Phase::waiting && now >= at_; }
  /// Whether the attempt under way has taken too long.
  bool timed_out(Monotonic now) const { return phase_ == Phase::trying && now >= at_; }
  /// When `due` or `timed_out` may next turn true.
  std::optional<Monotonic> deadline() const;

  bool is_over() const { return phase_ == Phase::over; }

  void started(Monotonic now);
  void transport_connected(Monotonic now) { connected_at_ = now; }
  bool transport_is_connected() const { return connected_at_.has_value(); }
  /// WELCOME has come.
  void established(Monotonic now);

  Outcome failed(Failure failure, Monotonic now);
  /// The session or its attempt ended with this error: REFUSED, malformed, lost.
  Outcome ended(Error error, Monotonic now);

 private:
  enum class Phase { waiting, trying, established, over };
  /// A broker with the wrong key is often another home's for a moment, so it is tried again as soon
  /// as after any failure; a refusal of our key lasts until somebody edits the list.
  enum class Refusal { no, of_us, of_broker };
  Outcome retry(std::optional<Error> error, Refusal refusal, Monotonic now,
                Duration most_at_first = Duration::max());
  Duration jittered(Duration delay);

  Options options_;
  Phase phase_ = Phase::waiting;
  Monotonic at_{};  // The next attempt when waiting, the end of this one when trying.
  std::optional<Monotonic> connected_at_;
  Monotonic established_at_{}, failing_since_{};
  unsigned failures_ = 0;
  unsigned broken_handshakes_ = 0;
  std::uint64_t random_;
};

}  // namespace guild::bus
