#include "tests/simulation/broker/network.hpp"

#include <fmt/format.h>

namespace guild::simulation {

using broker::SessionId;

std::shared_ptr<Link> Network::connect(std::size_t client, std::string name, keys::PublicKey key,
                                       std::uint64_t broker_life) {
  auto link = std::make_shared<Link>();
  link->session = static_cast<SessionId>(++last_session_);
  link->client = client;
  link->identity.label = fmt::format("{}#{}", name, last_session_);
  link->identity.name = std::move(name);
  link->identity.key = key;
  link->broker_life = broker_life;
  links_.emplace(link->session, link);
  return link;
}

Link* Network::find(SessionId session) {
  const auto found = links_.find(session);
  return found == links_.end() ? nullptr : found->second.get();
}

void Network::note(const Link& link, bool up, std::string_view frame) {
  ++frames_;
  const std::uint64_t parts[] = {
      static_cast<std::uint64_t>(link.session), up ? 1U : 0U,
      static_cast<std::uint64_t>(timeline_->now().time_since_epoch().count()),
      std::hash<std::string_view>{}(frame)};
  for (const std::uint64_t part : parts) digest_ = (digest_ ^ part) * 0x100000001B3U + 1;
}

bool Network::send_up(Link& link, std::string_view frame) {
  if (link.up.waiting() >= pipe_frames_max) return false;
  note(link, true, frame);
  if (link.cut) return true;
  const Time arrives = link.up.send(frame, timeline_->now() + latency());
  timeline_->at(arrives, [this] { wake_broker(); });
  return true;
}

bool Network::send_down(Link& link, std::string_view frame) {
  if (link.down.waiting() >= pipe_frames_max) return false;
  note(link, false, frame);
  if (link.cut) return true;
  const Time arrives = link.down.send(frame, timeline_->now() + latency());
  timeline_->at(arrives, [this, client = link.client] { wake_client(client); });
  return true;
}

void Network::cut(Link& link, Duration client_notice, Duration broker_notice) {
  if (link.cut) return;
  link.cut = true;
  link.up.lose_what_has_not_arrived(timeline_->now());
  link.down.lose_what_has_not_arrived(timeline_->now());
  const SessionId session = link.session;
  timeline_->after(client_notice, [this, session] {
    Link* gone = find(session);
    if (gone == nullptr) return;
    gone->client_knows = true;
    wake_client(gone->client);
  });
  timeline_->after(broker_notice, [this, session] {
    Link* gone = find(session);
    if (gone == nullptr) return;
    gone->broker_knows = true;
    wake_broker();
  });
}

void Network::close(Link& link) {
  link.client_knows = true;
  if (link.cut) return;
  link.cut = true;
  const Time arrives = link.up.send({}, timeline_->now() + latency());
  const SessionId session = link.session;
  timeline_->at(arrives, [this, session] {
    Link* gone = find(session);
    if (gone == nullptr) return;
    gone->broker_knows = true;
    wake_broker();
  });
}

void Network::hold(Link& link, Duration duration) {
  const Time until = timeline_->now() + duration;
  link.up.hold(until);
  link.down.hold(until);
  const SessionId session = link.session;
  timeline_->at(until, [this, session] {
    Link* held = find(session);
    if (held == nullptr) return;
    wake_broker();
    wake_client(held->client);
  });
}

}  // namespace guild::simulation
