// Reference: what a broker must do, written as plainly as it can be, beside one life of the real
// one. It is told what every session sent, in the order in which the core got it, and reads every
// frame that the core sends. What a client is owed stands in queues; a frame that is not the next
// thing owed breaks a law, and so does a debt that a round leaves unpaid without cause.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core.hpp"
#include "tests/simulation/broker/reference_calls.hpp"
#include "tests/simulation/broker/timeline.hpp"

namespace guild::simulation {

/// An item that the broker accepted.
struct Item {
  broker::SessionId publisher{};
  std::uint64_t sequence = 0;
  std::string sender, topic, payload;
  std::int64_t time_ns = 0;
  std::uint32_t epoch = 0;
};

struct Peer {
  broker::Identity identity;
  bool open = false, over = false;
  std::vector<std::string> subscriptions, served;
  std::map<std::string, std::uint64_t> watched;  ///< Topic and correlation.

  // Owed to it, each in order.
  struct Due {
    std::shared_ptr<const Item> item;
    broker::Overflow overflow{};
  };
  std::deque<Due> due;
  struct Verdict {
    std::uint64_t sequence = 0;
    bool accepted = false;
  };
  std::deque<Verdict> verdicts;
  struct Answer {
    bool done = false;
    std::uint64_t number = 0;
    std::string pattern;
  };
  std::deque<Answer> answers;
  struct Presence {
    std::uint64_t correlation = 0;
    std::string topic, names;
  };
  std::deque<Presence> presence;

  // Credit: what it gave us, and what it has left of ours.
  std::int64_t credit_messages = 0, credit_bytes = 0;
  std::int64_t kept_messages = 0, kept_bytes = 0;  ///< Of it, for requests and replies.
  std::int64_t window_messages = 0, window_bytes = 0;
  std::int64_t spent_messages = 0, spent_bytes = 0, granted_messages = 0, granted_bytes = 0;
  std::int64_t largest_frame_messages = 0;
  struct InFlight {
    std::string topic;  ///< Empty for what no statistics count.
    std::uint64_t messages = 0;
  };
  std::deque<InFlight> in_flight;
  std::uint64_t delivered = 0;  ///< Items sent to it.

  const std::string& name() const { return identity.name; }
};

class Reference {
 public:
  Reference(const broker::CoreOptions& options, std::vector<keys::AuthorizedClient> list);

  // What the core is told, before it is.
  void connect(broker::SessionId id, broker::Identity identity);
  void frame_came(broker::SessionId id, std::string_view frame);
  /// Its records, all or one by one.
  void input(broker::SessionId id, std::string_view records, const broker::Moment& now);
  void replace_list(std::vector<keys::AuthorizedClient> list);
  void start_draining() { draining_ = true; }
  void tick(Time now) { calls_.expire(now); }

  /// Whether more waits for a session than its limits; asked before the core is told.
  std::function<bool(broker::SessionId)> queue_is_full;

  // What it says.
  void output(broker::SessionId id, std::string_view frame);
  void end(broker::SessionId id);
  /// All of this round was sent: what is free is paid, what takes credit waits only for that.
  void end_of_round(const broker::Core& core);
  /// Every figure of the statistics. `settled`: nothing waits or is in flight any more, so what was
  /// lost is what GAPs and the ends of sessions have told.
  void compare(const broker::Core& core, bool settled) const;

  const Peer& peer(broker::SessionId id) const { return peers_.at(id); }
  std::string names_at(std::string_view topic) const;
  bool accepted(std::string_view payload) const { return accepted_.contains(payload); }
  /// How much of each kind a history held: a law about nothing proves nothing.
  struct Seen {
    std::uint64_t delivered = 0, gaps = 0, refused_revoked = 0, refused_slow = 0, denied = 0,
                  replies = 0, failed = 0, cancelled = 0, late = 0, presence = 0;
    Seen& operator+=(const Seen& other);
  };
  Seen seen() const;

 private:
  struct Counts {
    std::int64_t published = 0, routed = 0, delivered = 0, in_flight = 0, lost = 0;
  };
  using Record = bus::Record;

  Peer& find(broker::SessionId id) { return peers_.at(id); }
  const keys::AuthorizedClient* line_of(const std::string& name) const;
  bool listed(const broker::Identity& identity) const;
  bool may_publish(const std::string& name, std::string_view topic) const;
  bool may_subscribe(const std::string& name, std::string_view pattern) const;
  bool may_watch(const std::string& name, std::string_view topic) const;
  bool may_serve(const std::string& name, std::string_view pattern) const;
  bool still_permitted(const Peer& peer) const;
  bool all_that_waits_is_permitted(broker::SessionId id, const Peer& peer) const;

  void on_record(broker::SessionId id, Peer& peer, const Record& record, const broker::Moment& now);
  void on_hello(Peer& peer, const Record& record);
  void on_standing(broker::SessionId id, Peer& peer, const Record& record);
  void hold(Peer& peer, const Record& record);
  void drop(Peer& peer, const Record& record);
  void on_publish(broker::SessionId id, Peer& peer, const Record& record,
                  const broker::Moment& now);
  bool takes_more(std::string_view topic) const;
  void accept(broker::SessionId id, Peer& peer, const Record& record, std::string_view items,
              const broker::Moment& now);
  void on_credit(Peer& peer, const Record& record);
  void on_request(broker::SessionId id, const Peer& peer, const Record& record, Time now);
  void tell_watchers();

  void on_sent(broker::SessionId id, Peer& peer, const Record& record);
  void sent_welcome(Peer& peer, const Record& record);
  void sent_refused(broker::SessionId id, Peer& peer, const Record& record);
  void sent_denied(Peer& peer, const Record& record);
  void sent_ack(Peer& peer, const Record& record);
  void sent_request(broker::SessionId id, Peer& peer, const Record& record);
  void sent_deliver(Peer& peer, const Record& record);
  void sent_gap(Peer& peer, const Record& record);
  void sent_presence(Peer& peer, const Record& record);
  void sent_grant(Peer& peer, const Record& record);
  void pay_verdicts(Peer& peer, std::uint64_t first, std::uint64_t count, bool accepted);
  void spend(Peer& peer, const Record& record, std::string topic, std::uint64_t messages);
  void check_slow(broker::SessionId id, const Peer& peer) const;
  void check_paid(const Peer& peer) const;
  void check_queue(const messages::BusClient& told, const Peer& peer) const;

  const broker::CoreOptions options_;
  std::vector<keys::AuthorizedClient> list_;
  std::uint32_t epoch_ = 1;
  bool draining_ = false;
  std::map<broker::SessionId, Peer> peers_;
  std::map<std::string, std::string> watches_;                    ///< Names as last told, by topic.
  std::map<std::pair<std::string, std::string>, Counts> counts_;  ///< By client and topic.
  std::set<std::string, std::less<>> accepted_;                   ///< Payloads; all differ.
  ReferenceCalls calls_;
  Seen seen_;
};

}  // namespace guild::simulation
