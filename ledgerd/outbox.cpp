#include "ledgerd/outbox.hpp"

#include <algorithm>
#include <utility>

namespace guild::ledgerd {

void Outbox::committed(std::int64_t seq) {
  committed_ = std::max(committed_, seq);
  step();
}

void Outbox::session_changed(bool is_connected) {
  is_connected_ = is_connected;
  if (is_connected && (state_ == State::pausing || state_ == State::sending)) {
    next_ = 0;  // What waited for the old session went with it.
    state_ = State::idle;
  }
  step();
  finish_drain_if_done();
}

void Outbox::room() {
  if (state_ == State::sending) send();
}

void Outbox::step() {
  if (!is_connected_ || state_ != State::idle) return;
  if (!batch_.empty()) return send();
  if (published_ < committed_) fetch();
}

void Outbox::fetch() {
  state_ = State::fetching;
  ports_.fetch(published_, [this](Result<Events> fetched) { take_fetched(std::move(fetched)); });
}

void Outbox::take_fetched(Result<Events> fetched) {
  state_ = State::idle;
  if (!fetched) return pause(fetched.error());
  if (fetched->empty())
    return pause({ErrorKind::failed, "history_damaged", "committed postings are not in the file",
                  "run `guild ledger verify`"});
  batch_ = std::move(*fetched);
  next_ = 0;
  step();
}

void Outbox::send() {
  state_ = State::sending;
  for (; next_ < batch_.size(); ++next_) {
    const bool is_last = next_ + 1 == batch_.size();
    auto accepted =
        is_last ? OnDone([this](const Result<void>& outcome) { take_ack(outcome); }) : OnDone();
    if (is_last) state_ = State::acknowledging;
    const auto published = ports_.publish(batch_[next_], std::move(accepted));
    if (published) continue;
    state_ = State::sending;
    if (published.error().code == "queue_full") return;  // `room` comes back here.
    return pause(published.error());
  }
}

void Outbox::take_ack(const Result<void>& accepted) {
  state_ = State::idle;
  if (!accepted) return pause(accepted.error());
  events_ += static_cast<std::int64_t>(batch_.size());
  published_ = batch_.back().seq;
  batch_.clear();
  keep_soon();
  step();
  finish_drain_if_done();
}

/// The batch is sent again from its start: what became of it is unknown.
void Outbox::pause(const Error& error) {
  next_ = 0;
  // A lost session is no news to anybody, and comes back by itself.
  if (error.code != "not_connected" && error.code != "session_lost") ports_.complain(error);
  state_ = State::pausing;
  ports_.call_after(retry_after, [this, pause = ++pauses_] {
    if (state_ != State::pausing || pause != pauses_) return;
    state_ = State::idle;
    step();
  });
  finish_drain_if_done();
}

void Outbox::keep_soon() {
  if (published_ - kept_ >= keep_every) return keep();
  if (is_keep_planned_) return;
  is_keep_planned_ = true;
  ports_.call_after(keep_within, [this] {
    is_keep_planned_ = false;
    keep();
  });
}

void Outbox::keep() {
  if (is_keeping_ || published_ == kept_) return;
  is_keeping_ = true;
  ports_.keep_mark(published_, [this, seq = published_](const Result<void>& kept) {
    is_keeping_ = false;
    if (kept) {
      kept_ = seq;
    } else {
      ports_.complain(kept.error());  // It costs no more than events that are published again.
      is_drain_over_ = true;
    }
    finish_drain_if_done();
  });
}

void Outbox::drain(std::function<void()> done) {
  drained_ = std::move(done);
  ports_.call_after(drain_limit, [this] {
    is_drain_over_ = true;
    finish_drain_if_done();
  });
  step();
  finish_drain_if_done();
}

void Outbox::finish_drain_if_done() {
  if (!drained_) return;
  const bool is_stuck = !is_connected_ || state_ == State::pausing;
  if (published_ < committed_ && !is_stuck && !is_drain_over_) return;
  if (kept_ < published_ && !is_drain_over_) {
    if (!is_keeping_) keep();
    return;
  }
  std::exchange(drained_, {})();
}

}  // namespace guild::ledgerd
