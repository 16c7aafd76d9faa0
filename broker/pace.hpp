// Pace: keeps one session's flood out of the way of others. Each session's work is counted: the
// bytes of its records and of what is delivered of them, and something for each item and frame. Who
// does more than `busy_factor` times `pace_bytes_per_s` for longer than a burst is busy, until it
// has done less than that rate for as long. While another session, that is not, speaks (publishes,
// asks, answers, pings), a busy one's credit comes back in parts, at the rate. Who is alone,
// or with others that are busy too, is not paced, so that the rate costs nothing where nobody
// waits; nor is a daemon of the suite, whose events and answers are others' doing, nor does
// anybody make way for its status and its log. A pure state
// machine: time is the caller's. Source: docs/adr/0005-pace.md.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "broker/limits.hpp"
#include "broker/wire.hpp"

namespace guild::broker {

class Pace {
 public:
  /// What frames and items cost beside their bytes, in bytes. Less than a frame's true price (that
  /// of 4 KiB), or who asks one thing after another, as fast as answers come, would be busy.
  static constexpr std::uint64_t frame_work = 256, item_work = 64;
  static constexpr std::uint64_t busy_factor = 32;
  /// How long after it spoke a session counts as one that may speak again.
  static constexpr auto attention = std::chrono::milliseconds(50);
  /// Whether anybody still speaks, that is.
  static constexpr auto look_again_after = std::chrono::milliseconds(10);
  /// However much one frame became (a thousand subscribers), credit waits a quarter of a second.
  static constexpr std::uint64_t waits_per_s = 4;
  /// A part that comes late is larger, up to so many.
  static constexpr std::uint64_t parts_at_once = 2;

  /// Of one session; who keeps it is the session.
  struct Account {
    std::uint64_t debt_bytes = 0;  ///< Work beyond the rate, as of `at`.
    Steady at{};
    bool is_exempt = false;  ///< A daemon of the suite: it does what others ask of it.
    bool is_busy = false;
    bool waits = false;  ///< For the next part of its credit.
    Steady due{};        ///< When that was, or is.
  };

  explicit Pace(const Limits& limits) : limits_(limits) {}

  /// The session did so much work.
  void charge(Account& account, std::uint64_t bytes, Steady now) const;
  /// It did it by saying something: what others wait behind, if they are many.
  void note_speech(SessionId session, const Account& account, Steady now);
  static constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();
  /// How many bytes of the credit that is owed may be given back now; 0 is none. Unless it is
  /// everything, the session comes out of `take_due` when to ask again.
  std::uint64_t allow(SessionId session, Account& account, Steady now);

  /// Those that have waited long enough; the caller clears what is said in `waits`.
  std::vector<SessionId> take_due(Steady now);
  std::optional<Steady> next_due() const;
  /// Times that credit was held back.
  std::uint64_t held_back() const { return held_back_; }

 private:
  struct Speaker {
    SessionId session{};  // 0: none.
    Steady at{};
  };
  struct Due {
    SessionId session{};
    Steady at{};
  };

  void drain(Account& account, Steady now) const;
  bool has_other_speakers(SessionId session, Steady now) const;

  const Limits& limits_;
  std::array<Speaker, 2> speakers_;  // The last that are not busy; the newer first.
  std::vector<Due> due_;             // In no order; as many as sessions are busy.
  std::uint64_t held_back_ = 0;
};

}  // namespace guild::broker
