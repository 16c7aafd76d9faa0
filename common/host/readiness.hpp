// Readiness: what a daemon still waits for before it is ready, as a state machine without I/O.
// Ready means: recovered (the service started), in a session with the broker, every served name
// confirmed. The last name asked for is confirmed after everything asked before it, because the
// broker answers in order (docs/protocol.md); so the service's own subscriptions stand by then too.
// Once ready, a lost session does not take it back: the session is made again by itself.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild::host {

class Readiness {
 public:
  /// `name` was asked to be served, and must be confirmed.
  void expect(std::string_view name);
  void confirmed(std::string_view name);
  /// The service has started; nothing is expected after this.
  void started();
  void session_up();
  void session_down(const std::optional<Error>& cause);
  void draining();

  /// True once, at the call after which it became ready.
  bool became_ready();
  bool ready() const { return state_ == State::ready; }
  /// As in Health::state.
  std::string_view state() const;
  /// For people: "the session with the broker: connection refused".
  std::string waiting_for() const;

 private:
  enum class State { starting, ready, draining };
  State state_ = State::starting;
  bool started_ = false, connected_ = false;
  std::set<std::string, std::less<>> unconfirmed_;
  std::optional<Error> session_problem_;
};

}  // namespace guild::host
