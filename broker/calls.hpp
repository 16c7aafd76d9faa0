// Calls: requests and replies. A request goes to one session that serves the name, in turn, those
// with credit first; its deadline is kept here. Each request is answered exactly once, by REPLY or
// FAILED, unless its requester cancels or leaves. The responder is told when its answer is no
// longer wanted.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/denials.hpp"
#include "broker/limits.hpp"
#include "broker/pattern_tree.hpp"
#include "broker/pending_requests.hpp"
#include "broker/permissions.hpp"
#include "broker/session.hpp"
#include "common/base/result.hpp"
#include "common/bus/frame.hpp"

namespace guild::broker {

class Calls {
 public:
  Calls(const Limits& limits, Sessions& sessions, const Permissions& permissions, Denials& denials)
      : limits_(&limits), sessions_(&sessions), permissions_(&permissions), denials_(&denials) {}

  /// The pattern is valid and permitted.
  void serve(Session& session, std::string_view pattern);
  void unserve(Session& session, std::string_view pattern);

  /// Answers whether somebody serves it and may be asked; else it was FAILED.
  Result<bool, Refusal> request(Session& session, const bus::Record& record, const Moment& now);
  Result<void, Refusal> reply(Session& session, const bus::Record& record, const Moment& now);
  void cancel(Session& session, std::uint64_t correlation);

  /// A request that waited for its responder's credit.
  void send_waiting(Session& responder, const WaitingCall& call, const Moment& now);
  /// Fails what is past its deadline.
  void expire(const Moment& now);
  std::optional<Steady> next_deadline() const { return pending_.next_deadline(); }
  void end(Session& session);

  std::uint64_t late_replies() const { return late_replies_; }
  std::size_t waiting() const { return pending_.size(); }

 private:
  /// Why a request cannot be passed on.
  struct Failure {
    bus::Code code{};
    std::string_view reason;
  };
  std::optional<Failure> check(const Session& session, std::string_view name,
                               const bus::Request& request) const;
  Session* pick(std::string_view name);
  void pass_on(Session& responder, PendingRequest& request, std::string_view sender,
               std::string_view payload, const Moment& now);
  void answer(Session& requester, const PendingRequest& request, std::string_view responder,
              const bus::Reply& reply, const Moment& now);
  void fail_request(Session& requester, std::uint64_t correlation, std::string_view name,
                    const Failure& failure);
  void tell_cancelled(const PendingRequest& request);
  void forget(const PendingRequest& request);

  const Limits* limits_;
  Sessions* sessions_;
  const Permissions* permissions_;
  Denials* denials_;
  PatternTree<Session*> served_;
  PendingRequests pending_;
  std::uint64_t picks_ = 0;
  std::uint64_t late_replies_ = 0;
};

}  // namespace guild::broker
