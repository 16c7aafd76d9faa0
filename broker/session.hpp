// Session: what the broker knows of one connection. Plain state that the parts of the core share;
// each part keeps its own fields. A session that is over stays in memory until the core's current
// call is done, so that no pointer of that call dangles.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/denials.hpp"
#include "broker/inlet.hpp"
#include "broker/outlet.hpp"
#include "broker/pace.hpp"
#include "broker/taps.hpp"
#include "broker/traffic.hpp"
#include "broker/wire.hpp"

namespace guild::broker {

struct Topic;

/// Why a session ends.
struct Refusal {
  bus::Code code{};
  std::string reason;
};

/// Where records of one topic go, while nothing that decides it has changed.
struct PublishRoute {
  std::uint64_t generation = 0;
  std::uint32_t epoch = 0;
  Topic* topic = nullptr;
  Row* row = nullptr;
  Taps::Mask taps = 0;
};

/// The routes of a session that publishes on several topics in turn: one place for each of a few
/// hundred topics, so that a busy publisher does not look its topics up twice with every record. A
/// session that keeps to one topic has none of it.
class RecentRoutes {
 public:
  PublishRoute& place_of(std::string_view topic) {
    if (!routes_) routes_ = std::make_unique<Routes>();
    return (*routes_)[place(topic)];
  }

 private:
  static constexpr unsigned place_bits = 8;
  using Routes = std::array<PublishRoute, std::size_t{1} << place_bits>;

  /// By its end, where topics of one publisher differ.
  static std::size_t place(std::string_view topic) {
    std::uint64_t end = topic.size();
    const std::size_t tail = std::min(topic.size(), sizeof end);
    std::memcpy(&end, topic.data() + topic.size() - tail, tail);
    return static_cast<std::size_t>(end * 0x9E3779B97F4A7C15U >> (64U - place_bits));
  }

  std::unique_ptr<Routes> routes_;
};

struct Session {
  enum class State { greeting, open, over };

  Session(SessionId session_id, Identity who, OutletRoom& room)
      : id(session_id), identity(std::move(who)), inlet(room.limits), outlet(session_id, room) {}

  const std::string& name() const { return identity.name; }
  bool over() const { return state == State::over; }

  SessionId id;
  Identity identity;
  State state = State::greeting;
  Instant opened_at;
  Inlet inlet;
  Outlet outlet;
  Pace::Account pace;
  ClientTraffic* traffic = nullptr;  ///< Once open.

  // Routes.
  std::vector<std::string> subscriptions, watched;
  // Calls.
  std::vector<std::string> served;
  std::uint64_t last_picked = 0;  ///< When it was last given a request; requests go in turn.
  std::size_t requests_asked = 0, requests_held = 0;

  // Publishing.
  std::uint64_t last_sequence = 0;
  PublishRoute last_publish;
  RecentRoutes recent_routes;
  /// Publishers whose credit is held back because of this subscriber.
  std::unordered_set<SessionId> crowded_by;
};

class Sessions {
 public:
  Session* find(SessionId id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : found->second.get();
  }
  Session& add(std::unique_ptr<Session> session) {
    Session& added = *session;
    sessions_.emplace(added.id, std::move(session));
    return added;
  }
  void erase(SessionId id) { sessions_.erase(id); }
  std::size_t size() const { return sessions_.size(); }
  const auto& all() const { return sessions_; }

 private:
  std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;
};

/// Counts a refusal of something that `session` tried.
void note_denial(Denials& denials, const Session& session, bus::Code code,
                 std::string_view operation, std::string_view topic, std::uint64_t count,
                 const Moment& now);

}  // namespace guild::broker
