// World: a broker's core with clients around it, in one process, with a clock that only a test
// moves. What the core sends is parsed as a client would parse it and kept in the client's inbox.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core.hpp"
#include "common/bus/frame.hpp"
#include "keys/keyring.hpp"

namespace guild::broker {

struct Got {
  bus::Kind kind{};
  std::uint64_t number = 0;
  std::string topic, name, body;
};

/// Items of a DELIVER, or of several.
inline std::vector<std::string> items_of(std::string_view items) {
  std::vector<std::string> list;
  bus::ItemReader reader(items);
  while (const auto item = reader.next()) list.emplace_back(*item);
  REQUIRE(reader.ok());
  return list;
}

class World : public Wire {
 public:
  struct Client {
    SessionId id{};
    std::string name, label;
    std::vector<Got> inbox;
    std::vector<std::size_t> frame_sizes;
    bool ended = false;
    std::uint64_t next_sequence = 1;

    std::vector<Got> all(bus::Kind kind) const {
      std::vector<Got> found;
      for (const Got& got : inbox)
        if (got.kind == kind) found.push_back(got);
      return found;
    }
    const Got& only(bus::Kind kind) const {
      const Got* found = nullptr;
      for (const Got& got : inbox) {
        if (got.kind != kind) continue;
        REQUIRE(found == nullptr);
        found = &got;
      }
      REQUIRE(found != nullptr);
      return *found;
    }
    /// Every delivered payload, in order.
    std::vector<std::string> payloads() const {
      std::vector<std::string> list;
      for (const Got& got : all(bus::Kind::deliver)) {
        const auto deliver = bus::read_deliver(got.body);
        REQUIRE(deliver);
        for (std::string& item : items_of(deliver->items)) list.push_back(std::move(item));
      }
      return list;
    }
  };

  explicit World(Limits limits = {},
                 std::vector<OverflowRule> overflow = default_overflow_rules()) {
    CoreOptions options;
    options.limits = limits;
    options.overflow = std::move(overflow);
    options.instance.fill(7);
    core_ = std::make_unique<Core>(std::move(options), list_, *this);
  }

  Core& core() { return *core_; }
  const Core& core() const { return *core_; }
  const Moment& now() const { return now_; }
  void advance(Duration by) {
    now_.wall = now_.wall + by;
    now_.steady += by;
    core_->tick(now_);
    core_->flush();
  }

  // ---- The list

  static keys::AuthorizedClient line(std::string name, std::vector<std::string> patterns) {
    keys::AuthorizedClient client;
    client.public_key.fill(static_cast<std::uint8_t>(name.empty() ? 0 : name.back()));
    client.public_key[0] = static_cast<std::uint8_t>(name.size());
    client.name = std::move(name);
    client.role = "client";
    client.publish = client.subscribe = client.request = client.serve = std::move(patterns);
    return client;
  }
  void allow(keys::AuthorizedClient client) {
    std::erase_if(list_, [&](const auto& held) { return held.name == client.name; });
    list_.push_back(std::move(client));
    core_->replace_permissions(list_, now_);
    core_->flush();
  }
  void allow(const std::string& name, std::vector<std::string> patterns = {"**"}) {
    allow(line(name, std::move(patterns)));
  }
  void revoke(const std::string& name) {
    std::erase_if(list_, [&](const auto& held) { return held.name == name; });
    core_->replace_permissions(list_, now_);
    core_->flush();
  }
  const keys::AuthorizedClient& line_of(const std::string& name) const {
    for (const auto& client : list_)
      if (client.name == name) return client;
    FAIL(name << " is not on the list");
    std::abort();
  }

  // ---- Clients

  /// A connection, without HELLO.
  Client& connect(const std::string& name) {
    const auto id = static_cast<SessionId>(++last_id_);
    auto client = std::make_unique<Client>();
    client->id = id;
    client->name = name;
    client->label = name + "#" + std::to_string(last_id_);
    Client& made = *clients_.emplace(id, std::move(client)).first->second;
    core_->connect(id, {name, line_of(name).public_key, made.label}, now_);
    return made;
  }
  /// One that is open; its name may publish and so on under every topic unless it was listed
  /// before.
  Client& join(const std::string& name, std::uint32_t credit_messages = 1'000'000,
               std::uint64_t credit_bytes = 1U << 30U) {
    bool listed = false;
    for (const auto& client : list_) listed = listed || client.name == name;
    if (!listed) allow(name);
    Client& client = connect(name);
    send(client, [&](bus::FrameWriter& frame) {
      frame.hello({.version = bus::protocol_version,
                   .flags = 0,
                   .credit_messages = credit_messages,
                   .credit_bytes = credit_bytes});
    });
    client.only(bus::Kind::welcome);
    client.inbox.clear();
    return client;
  }
  void leave(Client& client) {
    core_->disconnect(client.id, now_);
    core_->flush();
  }

  void send_bytes(Client& client, std::string_view frame) {
    core_->receive(client.id, frame, now_);
    core_->flush();
  }
  template <class Write>
  void send(Client& client, Write&& write) {
    bus::FrameWriter frame;
    write(frame);
    send_bytes(client, frame.frame());
  }
  void plain(Client& client, bus::Kind kind, std::uint64_t number, std::string_view topic = {}) {
    send(client, [&](bus::FrameWriter& frame) { frame.plain(kind, number, topic); });
  }
  void subscribe(Client& client, std::string_view pattern) {
    plain(client, bus::Kind::subscribe, 1, pattern);
  }
  void serve(Client& client, std::string_view pattern) {
    plain(client, bus::Kind::serve, 1, pattern);
  }
  void publish(Client& client, std::string_view topic, std::string_view payload,
               bool ack_wanted = false) {
    publish_run(client, topic, {std::string(payload)}, ack_wanted);
  }
  void publish_run(Client& client, std::string_view topic, const std::vector<std::string>& payloads,
                   bool ack_wanted = false) {
    send(client, [&](bus::FrameWriter& frame) {
      for (const std::string& payload : payloads)
        frame.publish_item(client.next_sequence++, topic, ack_wanted, payload);
    });
  }
  void credit(Client& client, std::uint64_t bytes, std::uint32_t messages) {
    send(client,
         [&](bus::FrameWriter& frame) { frame.credit(bus::Kind::credit, bytes, messages); });
  }
  void request(Client& client, std::uint64_t correlation, std::string_view name,
               std::string_view payload, std::uint32_t deadline_ms = 1'000) {
    send(client,
         [&](bus::FrameWriter& frame) { frame.request(correlation, name, deadline_ms, payload); });
  }
  void reply(Client& client, std::uint64_t number, std::string_view payload,
             bool is_error = false) {
    send(client, [&](bus::FrameWriter& frame) {
      frame.reply(bus::Kind::reply, number, {}, {}, is_error, payload);
    });
  }

  // ---- What the core said

  std::vector<messages::BusDenied> denials;
  std::vector<messages::BusClientEvent> events;
  std::vector<messages::BusTraffic> traffic_seen;

  /// The statistics of one client on one topic; all zero when there is no such row.
  messages::BusStatsRow row(std::string_view client, std::string_view topic) const {
    for (const auto& found : core_->stats().rows)
      if (found.client == client && found.topic == topic) return found;
    return {};
  }
  /// The law of traffic.hpp, for every row, and the totals as their sums.
  void check_law() const {
    messages::BusStatus sums;
    for (const auto& found : core_->stats().rows) {
      std::int64_t dropped = 0;
      for (const auto& [reason, count] : found.dropped) {
        dropped += count;
        sums.dropped[reason] += count;
      }
      sums.published += found.published;
      sums.routed += found.routed;
      sums.delivered += found.delivered;
      sums.waiting += found.queued + found.in_flight;
      if (found.routed == found.delivered + found.queued + found.in_flight + dropped) continue;
      FAIL(found.client << " on " << found.topic << ": routed " << found.routed << ", delivered "
                        << found.delivered << ", queued " << found.queued << ", in flight "
                        << found.in_flight << ", dropped " << dropped);
    }
    const messages::BusStatus status = core_->status();
    REQUIRE(status.published == sums.published);
    REQUIRE(status.routed == sums.routed);
    REQUIRE(status.delivered == sums.delivered);
    REQUIRE(status.waiting == sums.waiting);
    REQUIRE(status.dropped == sums.dropped);
  }

 private:
  void send(std::span<const SessionId> to, std::string_view frame) override {
    REQUIRE(!frame.empty());
    REQUIRE(frame.size() <= bus::frame_bytes_max);
    for (const SessionId id : to) {
      Client& client = *clients_.at(id);
      REQUIRE_FALSE(client.ended);
      client.frame_sizes.push_back(frame.size());
      bus::FrameReader reader(frame);
      while (const auto record = reader.next())
        client.inbox.push_back({record->kind, record->number, std::string(record->topic),
                                std::string(record->name), std::string(record->body)});
      REQUIRE(reader.ok());
    }
  }
  void end(SessionId session) override { clients_.at(session)->ended = true; }
  void denied(const messages::BusDenied& denied) override { denials.push_back(denied); }
  void client_event(const messages::BusClientEvent& event) override { events.push_back(event); }
  void traffic(const messages::BusTraffic& seen) override { traffic_seen.push_back(seen); }

  Moment now_{Instant{1'700'000'000'000'000'000}, Steady{} + std::chrono::hours(1)};
  std::vector<keys::AuthorizedClient> list_;
  std::uint64_t last_id_ = 0;
  std::map<SessionId, std::unique_ptr<Client>> clients_;
  std::unique_ptr<Core> core_;  // Last: its end speaks to the clients.
};

inline bus::Refused refused_of(const Got& got) {
  const auto refused = bus::read_refused(got.body);
  REQUIRE(refused);
  return *refused;
}
inline bus::Denied denied_of(const Got& got) {
  const auto denied = bus::read_denied(got.body);
  REQUIRE(denied);
  return *denied;
}

}  // namespace guild::broker
