#include <utility>

#include "common/bus/error_json.hpp"
#include "common/bus/session.hpp"

namespace guild::bus {

Responder::Responder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Responder::Responder(Responder&&) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder dropped(std::move(*this));  // Answers "unanswered" where it must.
  state_ = std::move(other.state_);
  return *this;
}

Responder::~Responder() {
  if (state_ == nullptr) return;
  reply_error({.kind = ErrorKind::failed,
               .code = "unanswered",
               .message = "the responder dropped the request without an answer",
               .next_step = {}});
}

// A Responder that was moved from has no state and answers nothing.

// Once it has answered it knows no session, so that it may end on any thread.

void Responder::reply(std::string_view payload) {
  if (state_ == nullptr) return;
  if (const auto session = std::exchange(state_->session, {}).lock())
    session->answer(state_->life, state_->number, false, payload);
}

void Responder::reply_error(const Error& error) {
  if (!wanted()) return;
  if (const auto session = std::exchange(state_->session, {}).lock())
    session->answer(state_->life, state_->number, true, encode_error(error));
}

bool Responder::wanted() const {
  if (state_ == nullptr) return false;
  const auto session = state_->session.lock();
  return session != nullptr && session->is_wanted(state_->life, state_->number);
}

const std::string& Responder::name() const { return state_->name; }
const std::string& Responder::sender() const { return state_->sender; }
std::uint32_t Responder::epoch() const { return state_->epoch; }

}  // namespace guild::bus
