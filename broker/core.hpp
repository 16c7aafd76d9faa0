// Core: the whole of the broker that decides, without sockets, clock or threads (wire.hpp). It
// keeps sessions, permissions, subscriptions, queues, credit, requests and the statistics, and says
// what to send to whom. One thread. What it is given is any bytes from any listed client; a client
// can harm only its own session.
//
// The caller gives frames in the order of their arrival, calls `flush` at the end of each round and
// `tick` when `next_deadline` has come.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/calls.hpp"
#include "broker/denials.hpp"
#include "broker/limits.hpp"
#include "broker/overflow.hpp"
#include "broker/pace.hpp"
#include "broker/permissions.hpp"
#include "broker/routes.hpp"
#include "broker/session.hpp"
#include "broker/taps.hpp"
#include "broker/traffic.hpp"
#include "broker/wire.hpp"
#include "common/bus/frame.hpp"
#include "common/messages/broker.hpp"

namespace guild::broker {

struct CoreOptions {
  Limits limits;
  std::vector<OverflowRule> overflow = default_overflow_rules();
  std::array<std::uint8_t, 16> instance{};  ///< New for every life of the broker.
};

class Core {
 public:
  Core(CoreOptions options, std::vector<keys::AuthorizedClient> clients, Wire& wire);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// A connection whose key was proven. `id` is new.
  void connect(SessionId id, Identity identity, const Moment& now);
  /// A frame of it; ignored once its session is over.
  void receive(SessionId id, std::string_view frame, const Moment& now);
  /// The connection has ended, or nothing can be sent to it.
  void disconnect(SessionId id, const Moment& now);

  /// The end of a round: sends every frame in the making.
  void flush();
  /// Deadlines and denials that are due.
  void tick(const Moment& now);
  /// When `tick` is next needed.
  std::optional<Steady> next_deadline() const;

  /// A new list: the epoch rises, sessions whose key or rights are gone end at once.
  void replace_permissions(std::vector<keys::AuthorizedClient> clients, const Moment& now);
  /// A refusal that was made before there was a session.
  void note_denial(const Denial& denial, std::uint64_t count, const Moment& now) {
    denials_.note(denial, count, now);
  }

  /// From now on nobody new is welcome.
  void start_draining() { draining_ = true; }
  /// Nothing waits for a client's credit.
  bool nothing_waits() const;
  /// Ends every session with REFUSED shutting_down.
  void refuse_all(const Moment& now);

  /// Tells of what passes under `pattern` (valid), until `stop_monitor`. Nothing when there are too
  /// many already.
  std::optional<std::int64_t> start_monitor(std::string_view pattern);
  void stop_monitor(std::int64_t monitor);
  /// Whether anybody subscribes to the topic.
  bool is_heard(std::string_view topic) const { return routes_.is_heard(topic); }

  messages::BusStats stats() const;
  /// The sums; process figures and the time are the caller's to add.
  messages::BusStatus status() const;
  messages::BusClients clients() const;
  std::size_t sessions_open() const { return sessions_open_; }
  std::uint64_t denied() const { return denials_.total(); }
  std::uint64_t late_replies() const { return calls_.late_replies(); }
  std::uint32_t epoch() const { return permissions_.epoch(); }
  std::size_t requests_waiting() const { return calls_.waiting(); }
  std::uint64_t held_back() const { return pace_.held_back(); }
  std::uint64_t frames_in() const { return frames_in_; }
  std::uint64_t frames_out() const { return room_.frames_out; }

 private:
  using Handled = Result<void, Refusal>;
  using Handler = Handled (Core::*)(Session&, const bus::Record&, const Moment&);
  static Handler handler_of(bus::Kind kind);

  // By kind of record; an error ends the session.
  Handled on_hello(Session& session, const bus::Record& record, const Moment& now);
  Handled on_subscribe(Session& session, const bus::Record& record, const Moment& now);
  Handled on_unsubscribe(Session& session, const bus::Record& record, const Moment& now);
  Handled on_serve(Session& session, const bus::Record& record, const Moment& now);
  Handled on_unserve(Session& session, const bus::Record& record, const Moment& now);
  Handled on_publish(Session& session, const bus::Record& record, const Moment& now);
  Handled on_request(Session& session, const bus::Record& record, const Moment& now);
  Handled on_reply(Session& session, const bus::Record& record, const Moment& now);
  Handled on_credit(Session& session, const bus::Record& record, const Moment& now);
  Handled on_watch(Session& session, const bus::Record& record, const Moment& now);
  Handled on_goodbye(Session& session, const bus::Record& record, const Moment& now);
  Handled on_ping(Session& session, const bus::Record& record, const Moment& now);
  Handled on_cancel(Session& session, const bus::Record& record, const Moment& now);

  Handled apply(Session& session, const bus::Record& record, const Moment& now);
  bool find_publish_route(Session& session, std::string_view topic, std::uint32_t count,
                          std::uint64_t sequence, const Moment& now);
  static bool takes_more(const Topic& topic);
  std::uint64_t route(Session& publisher, const Run& run, const Moment& now);
  std::uint64_t route_shared(const Run& run, const Topic& topic);
  void queue_for(Session& publisher, const Target& target, const Run& run, SharedRun& kept,
                 const Moment& now);
  void deny(Session& session, std::uint64_t number, std::string_view topic, bus::Code code,
            std::uint32_t count, std::string_view reason, std::string_view operation,
            const Moment& now);
  /// What the session said has cost so much.
  void charge(Session& session, std::uint64_t work_bytes, const Moment& now);
  /// Gives credit back once enough is owed, and as much as the session's pace allows.
  void grant(Session& session, const Moment& now);
  void grant_to_paced(const Moment& now);
  void relieve(Session& session, const Moment& now);

  void refuse(Session& session, const Refusal& refusal, const Moment& now);
  void end(Session& session, messages::BusClientChange change, Loss queued, const Moment& now);
  void reap();
  bool still_permitted(const Session& session) const;

  CoreOptions options_;
  Wire& wire_;
  std::uint64_t generation_ = 1;  // Of everything that a Topic or a Row pointer rests on.
  Permissions permissions_;
  Denials denials_;
  Traffic traffic_;
  OutletRoom room_;
  Sessions sessions_;
  Routes routes_;
  Calls calls_;
  Taps taps_;
  Pace pace_;
  std::vector<SessionId> over_;            // To be erased when the current call is done.
  bus::FrameWriter shared_;                // A run for several subscribers.
  std::vector<SessionId> shared_targets_;  // Kept for its capacity.
  std::size_t sessions_open_ = 0;
  std::uint64_t frames_in_ = 0;
  bool draining_ = false;
};

}  // namespace guild::broker
