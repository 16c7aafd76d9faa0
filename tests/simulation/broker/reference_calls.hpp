// ReferenceCalls: what must become of every request. Whom the broker picks is its own choice, so a
// request's responder is known once REQUEST is seen; until then it is one of those who served the
// name when it came.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "broker/wire.hpp"
#include "common/bus/frame.hpp"
#include "tests/simulation/broker/timeline.hpp"

namespace guild::simulation {

class ReferenceCalls {
 public:
  struct Asked {
    broker::SessionId requester{};
    std::uint64_t correlation = 0;
    std::string name, sender, payload;
    Time deadline;
    std::set<broker::SessionId> candidates;
    /// What must come at once.
    std::optional<bus::Code> failure;
  };

  void request(Asked asked);
  void reply(broker::SessionId responder, std::uint64_t number, std::string responder_name,
             const bus::Reply& reply);
  void cancel(broker::SessionId requester, std::uint64_t correlation);
  void expire(Time now);
  void end(broker::SessionId session);

  void sent_request(broker::SessionId to, const bus::Record& record);
  void sent_reply(broker::SessionId to, const bus::Record& record);
  void sent_failed(broker::SessionId to, const bus::Record& record);
  void sent_cancelled(broker::SessionId to, const bus::Record& record);

  /// Answers that are free have been sent, and whoever must know that nobody waits does.
  void end_of_round();
  /// Requests and replies of `session` that wait for credit, at most.
  std::size_t waiting_for(broker::SessionId session) const;
  /// Names of the requests among them.
  std::set<std::string> names_waiting_for(broker::SessionId session) const;

  std::uint64_t late = 0, replies = 0, failed = 0, cancelled = 0;

 private:
  enum class State { open, reply_due, failure_due, settled };
  struct Call {
    Asked asked;
    State state = State::open;
    broker::SessionId responder{};  ///< Once it was sent there.
    std::uint64_t number = 0;
    std::string responder_name, reply;
    bool is_error = false;
    bool requester_over = false, responder_over = false;
    bool cancel_due = false;
    std::uint64_t came_in = 0;     ///< Rounds.
    std::uint64_t settled_in = 0;  ///< No answer is wanted since.
    std::uint64_t candidate_ended_in = 0;
  };
  using Key = std::pair<broker::SessionId, std::uint64_t>;

  Call& of_requester(broker::SessionId session, std::uint64_t correlation);
  void unwanted(Call& call);

  std::map<Key, Call> calls_;
  std::map<std::string, Key, std::less<>> by_payload_;
  std::map<std::uint64_t, Key> by_number_;
  std::uint64_t round_ = 1;
};

}  // namespace guild::simulation
