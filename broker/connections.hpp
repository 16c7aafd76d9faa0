// Connections: routing ids, User-Ids and descriptors of the ROUTER's peers, and which session each
// is. Pure book-keeping; the route thread's own. It is told of descriptors in the monitor's order,
// which is the order in which they were opened and closed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/traffic.hpp"
#include "broker/wire.hpp"

namespace guild::broker {

struct Connection {
  SessionId session{};
  std::string routing_id;  ///< Only a return address.
  std::string user_id;     ///< "name#serial", stamped by the gatekeeper.
  int fd = -1;             ///< -1 once it is closed.
  bool over = false;       ///< Its session has ended; what still comes is not read.
  bool doubtful = false;   ///< It may have been gone when its first frame was read.
};

class Connections {
 public:
  Connection* find(std::string_view routing_id) {
    // Frames come in bursts of one peer.
    if (last_ != nullptr && last_->routing_id == routing_id) return last_;
    const auto found = by_routing_id_.find(routing_id);
    if (found == by_routing_id_.end()) return nullptr;
    return last_ = &connections_.at(found->second);
  }
  Connection* find(SessionId session) {
    const auto found = connections_.find(session);
    return found == connections_.end() ? nullptr : &found->second;
  }

  bool owns(int fd) const { return by_fd_.contains(fd); }
  /// What the connection sent before its end may still be unread.
  void fd_closed(int fd, Steady now) {
    if (const auto owner = by_fd_.find(fd); owner != by_fd_.end())
      close(owner->second, now);
    else
      closed_unclaimed_.insert(fd);
  }

  /// The first frame of a routing id has come. Every event of the monitor before it was told.
  Connection& add(std::string_view routing_id, std::string_view user_id, int fd, Steady now) {
    // Another's descriptor is used again, so that other has ended.
    if (const auto owner = by_fd_.find(fd); owner != by_fd_.end()) close(owner->second, now);
    const auto session = static_cast<SessionId>(++last_session_);
    Connection& made = connections_[session];
    made.session = session;
    made.routing_id = routing_id;
    made.user_id = user_id;
    made.fd = fd;
    by_routing_id_.emplace(made.routing_id, session);
    by_fd_[fd] = session;
    made.doubtful = closed_unclaimed_.erase(fd) != 0;
    return made;
  }

  /// It is gone, however we know. False when that was known.
  bool close(SessionId session, Steady now) {
    Connection* connection = find(session);
    if (connection == nullptr || connection->fd < 0) return false;
    by_fd_.erase(connection->fd);
    connection->fd = -1;
    closed_.push_back({session, now});
    return true;
  }

  struct Closed {
    SessionId session{};
    Steady at;
  };
  /// In the order of their ends.
  const std::vector<Closed>& closed() const { return closed_; }
  /// All that they sent has been read.
  void forget_closed() {
    for (const Closed& closed : closed_) {
      by_routing_id_.erase(connections_.at(closed.session).routing_id);
      connections_.erase(closed.session);
    }
    closed_.clear();
    last_ = nullptr;
  }

 private:
  std::unordered_map<SessionId, Connection> connections_;
  TextMap<SessionId> by_routing_id_;
  std::unordered_map<int, SessionId> by_fd_;
  std::unordered_set<int> closed_unclaimed_;  // At most as many as there are descriptors.
  std::vector<Closed> closed_;
  Connection* last_ = nullptr;
  std::uint64_t last_session_ = 0;
};

}  // namespace guild::broker
