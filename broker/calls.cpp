#include "broker/calls.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/bus/topic.hpp"

namespace guild::broker {
namespace {

std::unexpected<Refusal> malformed(std::string reason) {
  return std::unexpected(Refusal{bus::Code::malformed_frame, std::move(reason)});
}

std::uint32_t milliseconds_left(Steady deadline, Steady now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(left, 1));
}

}  // namespace

void Calls::serve(Session& session, std::string_view pattern) {
  if (std::ranges::find(session.served, pattern) != session.served.end()) return;
  session.served.emplace_back(pattern);
  served_.add(pattern, &session);
}

void Calls::unserve(Session& session, std::string_view pattern) {
  const auto held = std::ranges::find(session.served, pattern);
  if (held == session.served.end()) return;
  session.served.erase(held);
  served_.remove(pattern, &session);
}

std::optional<Calls::Failure> Calls::check(const Session& session, std::string_view name,
                                           const bus::Request& request) const {
  using bus::Code;
  if (!bus::check_topic(name)) return Failure{Code::topic_invalid, "the name is not valid"};
  if (request.deadline_ms == 0 || request.deadline_ms > bus::deadline_ms_max)
    return Failure{Code::deadline_invalid, "the deadline is 1 ms to 10 min"};
  if (request.payload.size() > bus::payload_bytes_max)
    return Failure{Code::payload_too_large, "the payload is over 1,048,576 bytes"};
  if (!permissions_->may_request(session.name(), name))
    return Failure{Code::no_permission, "the list does not let you request this name"};
  if (session.requests_asked >= limits_->requests_max)
    return Failure{Code::too_many, "too many of your requests wait for an answer"};
  return {};
}

Result<bool, Refusal> Calls::request(Session& session, const bus::Record& record,
                                     const Moment& now) {
  const auto request = bus::read_request(record.body);
  if (!request) return malformed("a REQUEST's body is too short");
  if (pending_.find(session.id, record.number) != nullptr)
    return malformed(fmt::format("correlation {} is in use", record.number));
  auto failure = check(session, record.topic, *request);
  Session* responder = failure ? nullptr : pick(record.topic);
  if (!failure && responder == nullptr) {
    // Nobody's fault, and no refusal: whoever serves the name may be about to come.
    fail_request(session, record.number, record.topic,
                 {bus::Code::no_responder, "nobody serves this name"});
    return false;
  }
  if (!failure && !responder->outlet.takes_calls())
    failure = Failure{bus::Code::too_many, "the responder's queue is full"};
  if (failure) {
    note_denial(*denials_, session, failure->code, "request", record.topic, 1, now);
    fail_request(session, record.number, record.topic, *failure);
    return false;
  }

  const Steady deadline = now.steady + std::chrono::milliseconds(request->deadline_ms);
  PendingRequest& pending =
      pending_.add(session.id, record.number, responder->id, record.topic, deadline);
  ++session.requests_asked;
  ++responder->requests_held;
  pass_on(*responder, pending, session.name(), request->payload, now);
  return true;
}

/// In turn: the one that has waited longest, of those that can take it at once if there are any.
Session* Calls::pick(std::string_view name) {
  Session* best = nullptr;
  bool best_ready = false;
  served_.match(name, [&](Session* session) {
    const bool ready = session->outlet.ready_for_calls();
    const bool better = best == nullptr || (ready && !best_ready) ||
                        (ready == best_ready && session->last_picked < best->last_picked);
    if (!better) return;
    best = session;
    best_ready = ready;
  });
  if (best != nullptr) best->last_picked = ++picks_;
  return best;
}

void Calls::pass_on(Session& responder, PendingRequest& request, std::string_view sender,
                    std::string_view payload, const Moment& now) {
  if (responder.outlet.ready_for_calls()) {
    request.delivered = true;
    responder.outlet.send_request(request.number, request.name, sender,
                                  milliseconds_left(request.deadline, now.steady),
                                  permissions_->epoch(), payload);
    return;
  }
  responder.outlet.queue_call({.is_request = true,
                               .number = request.number,
                               .name = request.name,
                               .peer = std::string(sender),
                               .payload = std::string(payload)});
}

void Calls::send_waiting(Session& responder, const WaitingCall& call, const Moment& now) {
  PendingRequest* request = pending_.find(call.number);
  if (request == nullptr) return;  // Cancelled, or its deadline passed while it waited.
  request->delivered = true;
  responder.outlet.send_request(call.number, call.name, call.peer,
                                milliseconds_left(request->deadline, now.steady),
                                permissions_->epoch(), call.payload);
}

Result<void, Refusal> Calls::reply(Session& session, const bus::Record& record, const Moment& now) {
  const auto reply = bus::read_reply(record.body);
  if (!reply) return malformed("a REPLY's status is missing or unknown");
  const PendingRequest* request = pending_.find(record.number);
  // Another session's number is as good as none.
  if (request == nullptr || request->responder != session.id) {
    ++late_replies_;
    return {};
  }
  Session* requester = sessions_->find(request->requester);
  if (reply->payload.size() > bus::payload_bytes_max) {
    note_denial(*denials_, session, bus::Code::payload_too_large, "reply", request->name, 1, now);
    fail_request(*requester, request->correlation, request->name,
                 {bus::Code::payload_too_large, "the reply is over 1,048,576 bytes"});
  } else {
    answer(*requester, *request, session.name(), *reply, now);
  }
  forget(*request);
  return {};
}

void Calls::answer(Session& requester, const PendingRequest& request, std::string_view responder,
                   const bus::Reply& reply, const Moment& now) {
  if (requester.outlet.ready_for_calls()) {
    requester.outlet.send_reply(request.correlation, request.name, responder, reply.is_error,
                                reply.payload);
  } else if (requester.outlet.takes_calls()) {
    requester.outlet.queue_call({.is_request = false,
                                 .number = request.correlation,
                                 .is_error = reply.is_error,
                                 .name = request.name,
                                 .peer = std::string(responder),
                                 .payload = std::string(reply.payload)});
  } else {
    note_denial(*denials_, requester, bus::Code::too_many, "reply", request.name, 1, now);
    fail_request(requester, request.correlation, request.name,
                 {bus::Code::too_many, "your queue is full; the reply was dropped"});
  }
}

void Calls::fail_request(Session& requester, std::uint64_t correlation, std::string_view name,
                         const Failure& failure) {
  requester.outlet.control().refusal(bus::Kind::failed, correlation, name, failure.code,
                                     failure.reason);
}

void Calls::cancel(Session& session, std::uint64_t correlation) {
  const PendingRequest* request = pending_.find(session.id, correlation);
  if (request == nullptr) return;  // Answered meanwhile.
  tell_cancelled(*request);
  forget(*request);
}

void Calls::tell_cancelled(const PendingRequest& request) {
  if (!request.delivered) return;
  Session* responder = sessions_->find(request.responder);
  responder->outlet.control().plain(bus::Kind::cancelled, request.number);
}

void Calls::forget(const PendingRequest& request) {
  if (Session* requester = sessions_->find(request.requester)) --requester->requests_asked;
  if (Session* responder = sessions_->find(request.responder)) --responder->requests_held;
  pending_.remove(request.number);
}

void Calls::expire(const Moment& now) {
  while (const PendingRequest* request = pending_.first_expired(now.steady)) {
    fail_request(*sessions_->find(request->requester), request->correlation, request->name,
                 {bus::Code::timeout, "no reply came within the deadline"});
    tell_cancelled(*request);
    forget(*request);
  }
}

void Calls::end(Session& session) {
  for (const std::string& pattern : session.served) served_.remove(pattern, &session);
  session.served.clear();
  if (session.requests_asked == 0 && session.requests_held == 0) return;
  for (const std::uint64_t number : pending_.numbers_of(session.id)) {
    const PendingRequest& request = *pending_.find(number);
    // A session may have asked itself; then nobody is left to tell.
    if (request.requester != session.id)
      fail_request(*sessions_->find(request.requester), request.correlation, request.name,
                   {bus::Code::responder_gone, "the responder's session ended"});
    else if (request.responder != session.id)
      tell_cancelled(request);
    forget(request);
  }
}

}  // namespace guild::broker
