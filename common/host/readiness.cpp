#include "common/host/readiness.hpp"

#include <fmt/format.h>

namespace guild::host {

void Readiness::expect(std::string_view name) { unconfirmed_.emplace(name); }

void Readiness::confirmed(std::string_view name) {
  if (const auto found = unconfirmed_.find(name); found != unconfirmed_.end())
    unconfirmed_.erase(found);
}

void Readiness::started() { started_ = true; }

void Readiness::session_up() {
  connected_ = true;
  session_problem_.reset();
}

void Readiness::session_down(const std::optional<Error>& cause) {
  connected_ = false;
  if (cause) session_problem_ = cause;
}

void Readiness::draining() { state_ = State::draining; }

bool Readiness::became_ready() {
  if (state_ != State::starting || !started_ || !connected_ || !unconfirmed_.empty()) return false;
  state_ = State::ready;
  return true;
}

std::string_view Readiness::state() const {
  switch (state_) {
    case State::starting:
      return "starting";
    case State::ready:
      return "ready";
    case State::draining:
      break;
  }
  return "draining";
}

std::string Readiness::waiting_for() const {
  if (!started_) return "its own start";
  if (!connected_)
    return "the session with the broker" +
           (session_problem_ ? ": " + session_problem_->text() : std::string());
  if (!unconfirmed_.empty())
    return fmt::format("the broker to confirm {} served names, {} among them", unconfirmed_.size(),
                       *unconfirmed_.begin());
  return "nothing";
}

}  // namespace guild::host
