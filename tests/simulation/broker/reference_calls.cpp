#include "tests/simulation/broker/reference_calls.hpp"

#include <algorithm>

#include "tests/simulation/law.hpp"

namespace guild::simulation {

using broker::SessionId;

// ---- What the broker is told -------------------------------------------------------------------

void ReferenceCalls::request(Asked asked) {
  const Key key{asked.requester, asked.correlation};
  Call call;
  call.came_in = round_;
  if (asked.failure) {
    call.state = State::failure_due;
    call.settled_in = round_;
  }
  by_payload_.emplace(asked.payload, key);
  call.asked = std::move(asked);
  calls_.emplace(key, std::move(call));
}

/// Nobody waits for it any more: its responder must hear of that.
void ReferenceCalls::unwanted(Call& call) {
  call.settled_in = round_;
  call.cancel_due = call.number != 0 && !call.responder_over;
}

void ReferenceCalls::reply(SessionId responder, std::uint64_t number, std::string responder_name,
                           const bus::Reply& reply) {
  const auto found = by_number_.find(number);
  Call* call = found == by_number_.end() ? nullptr : &calls_.at(found->second);
  if (call == nullptr || call->state != State::open || call->responder != responder) {
    ++late;
    return;
  }
  call->state = State::reply_due;
  call->responder_name = std::move(responder_name);
  call->reply = reply.payload;
  call->is_error = reply.is_error;
}

void ReferenceCalls::cancel(SessionId requester, std::uint64_t correlation) {
  const auto found = calls_.find({requester, correlation});
  if (found == calls_.end() || found->second.state != State::open) return;
  found->second.state = State::settled;
  unwanted(found->second);
}

void ReferenceCalls::expire(Time now) {
  for (auto& [key, call] : calls_) {
    if (call.state != State::open || call.asked.deadline > now) continue;
    call.state = State::failure_due;
    call.asked.failure = bus::Code::timeout;
    unwanted(call);
  }
}

void ReferenceCalls::end(SessionId session) {
  for (auto& [key, call] : calls_) {
    if (call.asked.candidates.contains(session)) call.candidate_ended_in = round_;
    if (call.responder == session && call.number != 0) {
      call.responder_over = true;
      call.cancel_due = false;
      if (call.state == State::open) {
        call.state = State::failure_due;
        call.asked.failure = bus::Code::responder_gone;
        call.settled_in = round_;
      }
    }
    if (call.asked.requester == session) {
      call.requester_over = true;
      if (call.state == State::open) unwanted(call);
      call.state = State::settled;
    }
  }
}

// ---- What it says ------------------------------------------------------------------------------

ReferenceCalls::Call& ReferenceCalls::of_requester(SessionId session, std::uint64_t correlation) {
  const auto found = calls_.find({session, correlation});
  demand(found != calls_.end(), "an answer to correlation {}, which nobody asked", correlation);
  return found->second;
}

void ReferenceCalls::sent_request(SessionId to, const bus::Record& record) {
  const auto request = bus::read_request_delivery(record.body);
  demand(request.has_value(), "a REQUEST that cannot be read");
  const auto found = by_payload_.find(request->payload);
  demand(found != by_payload_.end(), "a request that nobody made: {}", request->payload);
  Call& call = calls_.at(found->second);
  demand(call.number == 0, "a request was passed on twice: {}", request->payload);
  demand(call.asked.name == record.topic && call.asked.sender == record.name,
         "a request of {} for {} was passed on as {}'s for {}", call.asked.sender, call.asked.name,
         record.name, record.topic);
  demand(call.asked.candidates.contains(to), "a request went to one who does not serve {}",
         record.topic);
  demand(request->deadline_ms > 0, "a request was passed on without time to answer");
  // Taken back in the round that also passed it on: then both are told.
  const bool wanted = call.state == State::open;
  demand(wanted || call.settled_in == round_, "a request was passed on that nobody waits for");
  call.responder = to;
  call.number = record.number;
  call.cancel_due = !wanted;
  demand(by_number_.emplace(record.number, found->second).second, "request number {} came twice",
         record.number);
}

void ReferenceCalls::sent_reply(SessionId to, const bus::Record& record) {
  const auto reply = bus::read_reply(record.body);
  demand(reply.has_value(), "a REPLY that cannot be read");
  Call& call = of_requester(to, record.number);
  demand(call.state == State::reply_due, "correlation {} was answered without a reply",
         record.number);
  demand(call.reply == reply->payload && call.is_error == reply->is_error &&
             call.responder_name == record.name && call.asked.name == record.topic,
         "the reply to {} is not the one that was given", record.number);
  call.state = State::settled;
  ++replies;
}

void ReferenceCalls::sent_failed(SessionId to, const bus::Record& record) {
  const auto failure = bus::read_refused(record.body);
  demand(failure.has_value(), "a FAILED that cannot be read");
  Call& call = of_requester(to, record.number);
  const bool due = call.state == State::failure_due && call.asked.failure == failure->code;
  // Decided by what only the core knows: whom it picked, and how full that one's queue is.
  const bool responder_full =
      failure->code == bus::Code::too_many && call.number == 0 && call.came_in == round_;
  const bool requester_full =
      failure->code == bus::Code::too_many && call.state == State::reply_due;
  const bool gone = failure->code == bus::Code::responder_gone && call.number == 0 &&
                    call.candidate_ended_in == round_;
  const bool open = call.state == State::open || call.settled_in == round_;
  demand(due || requester_full || (open && (responder_full || gone)),
         "correlation {} failed with {} without cause", record.number,
         bus::to_string(failure->code));
  if (call.state == State::open) call.settled_in = round_;
  call.state = State::settled;
  ++failed;
}

void ReferenceCalls::sent_cancelled(SessionId to, const bus::Record& record) {
  const auto found = by_number_.find(record.number);
  demand(found != by_number_.end(), "CANCELLED for request {}, which was never passed on",
         record.number);
  Call& call = calls_.at(found->second);
  demand(call.responder == to, "CANCELLED went to one who does not have request {}", record.number);
  demand(call.cancel_due, "request {} is still wanted, or its end was told before", record.number);
  call.cancel_due = false;
  ++cancelled;
}

// ---- Rounds ------------------------------------------------------------------------------------

void ReferenceCalls::end_of_round() {
  for (const auto& [key, call] : calls_) {
    if (call.requester_over && !call.cancel_due) continue;
    demand(call.state != State::failure_due, "request {} failed and its requester was not told",
           key.second);
    demand(!call.cancel_due, "request {} is not wanted and its responder was not told", key.second);
  }
  ++round_;
}

std::size_t ReferenceCalls::waiting_for(SessionId session) const {
  return static_cast<std::size_t>(std::ranges::count_if(calls_, [&](const auto& entry) {
    const Call& call = entry.second;
    // A request that was taken back waits on, as nothing, until its turn comes.
    const bool to_responder = call.number == 0 && call.asked.candidates.contains(session);
    const bool to_requester = call.asked.requester == session && call.state == State::reply_due;
    return to_responder || to_requester;
  }));
}

std::set<std::string> ReferenceCalls::names_waiting_for(SessionId session) const {
  std::set<std::string> names;
  for (const auto& [key, call] : calls_)
    if (call.number == 0 && call.asked.candidates.contains(session)) names.insert(call.asked.name);
  return names;
}

}  // namespace guild::simulation
