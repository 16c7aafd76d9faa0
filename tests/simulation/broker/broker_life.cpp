#include "tests/simulation/broker/broker_life.hpp"

#include <algorithm>

#include "tests/simulation/law.hpp"

namespace guild::simulation {

using namespace std::chrono_literals;
using broker::SessionId;
using bus::Kind;

namespace {

constexpr int frames_per_round = 64;
constexpr Duration cut_after = 200ms;

/// Frames whose records are given to the core one by one: where a record may end the session of
/// somebody else, the reference must know after which.
bool may_end_another(std::string_view frame) {
  bus::FrameReader reader(frame);
  std::size_t records = 0, publishes = 0;
  for (; const auto record = reader.next(); ++records)
    publishes += record->kind == Kind::publish ? 1U : 0U;
  return publishes > 0 && records > 1;
}

template <class Each>
void split(std::string_view frame, Each each) {
  bus::FrameReader reader(frame);
  while (const auto record = reader.next()) {
    const std::size_t size =
        bus::record_header_bytes + record->topic.size() + record->name.size() + record->body.size();
    each(frame.substr(0, size));
    frame.remove_prefix(size);
  }
}

}  // namespace

BrokerLife::BrokerLife(std::uint64_t number, const broker::CoreOptions& options,
                       std::vector<keys::AuthorizedClient> list, Timeline& timeline, Random& random,
                       Network& network)
    : number_(number),
      timeline_(&timeline),
      random_(&random),
      network_(&network),
      reference_(options, list),
      core_(options, std::move(list), *this) {
  reference_.queue_is_full = [this, limits = options.limits](SessionId session) {
    const auto told = core_.clients().clients;
    const auto& label = reference_.peer(session).identity.label;
    const auto client = std::ranges::find(told, label, &messages::BusClient::session);
    return client != told.end() &&
           (static_cast<std::size_t>(client->queued_messages) >
                limits.queue_messages_max + limits.windows_past_block * limits.window_messages ||
            static_cast<std::size_t>(client->queued_bytes) >
                limits.queue_bytes_max + limits.windows_past_block * limits.window_bytes);
  };
}

BrokerLife::~BrokerLife() {
  for (const auto& [session, link] : network_->links()) {
    if (link->broker_life != number_) continue;
    network_->cut(*link, random_->between(0ns, 50ms), 0ns);
  }
}

// ---- Rounds ------------------------------------------------------------------------------------

void BrokerLife::wake() {
  constexpr Duration soon = 300us;
  wake_at(std::max(timeline_->now() + random_->between(0ns, soon), stalled_until_));
}

void BrokerLife::wake_at(Time when) {
  // One that comes before is enough.
  if (!rounds_.empty() && *rounds_.begin() <= when) return;
  rounds_.insert(when);
  timeline_->at(when, [this, alive = std::weak_ptr<int>(alive_), when] {
    if (alive.expired() || rounds_.erase(when) == 0) return;
    if (timeline_->now() < stalled_until_) return wake_at(stalled_until_);
    round();
  });
}

void BrokerLife::round() {
  const broker::Moment now = timeline_->moment();
  if (new_list_) {
    reference_.replace_list(*new_list_);
    core_.replace_permissions(*std::exchange(new_list_, {}), now);
  }
  read_frames(now);
  end_closed(now);
  reference_.tick(now.steady);
  core_.tick(now);
  core_.flush();
  end_unreachable(now);
  if (draining_until_ && !drained_ && (core_.nothing_waits() || now.steady >= *draining_until_)) {
    core_.refuse_all(now);
    core_.flush();
    drained_ = true;
  }
  reference_.end_of_round(core_);
  if (random_->chance(10)) reference_.compare(core_, false);
  if (const auto deadline = core_.next_deadline()) wake_at(std::max(*deadline, now.steady + 1us));
}

/// In the order of their arrival at each link, links in turn.
void BrokerLife::read_frames(const broker::Moment& now) {
  int read = 0;
  for (bool more = true; more && read < frames_per_round;) {
    more = false;
    for (const auto& [session, link] : network_->links()) {
      if (link->broker_life != number_) continue;
      const auto frame = link->up.take(now.steady);
      if (!frame) continue;
      more = true;
      ++read;
      take_frame(*link, *frame, now);
    }
  }
  if (read >= frames_per_round) wake();
}

void BrokerLife::take_frame(Link& link, std::string_view frame, const broker::Moment& now) {
  if (frame.empty() || over_.contains(link.session)) return;
  if (!link.known_to_core) {
    link.known_to_core = true;
    reference_.connect(link.session, link.identity);
    core_.connect(link.session, link.identity, now);
  }
  reference_.frame_came(link.session, frame);
  if (may_end_another(frame))
    split(frame, [&](std::string_view record) { give(link.session, record, now); });
  else
    give(link.session, frame, now);
}

void BrokerLife::give(SessionId session, std::string_view frame, const broker::Moment& now) {
  if (over_.contains(session)) return;
  reference_.input(session, frame, now);
  core_.receive(session, frame, now);
}

void BrokerLife::end_closed(const broker::Moment& now) {
  std::vector<SessionId> closed;
  for (const auto& [session, link] : network_->links()) {
    const auto unread = link->up.next_arrival();
    if (link->broker_life == number_ && link->broker_knows && (!unread || *unread > now.steady))
      closed.push_back(session);
  }
  for (const SessionId session : closed) {
    const Link& link = *network_->find(session);
    if (link.known_to_core && !over_.contains(session)) core_.disconnect(session, now);
    if (link.client_knows) network_->forget(session);
  }
}

/// Who has not read for so long that its pipe is full.
void BrokerLife::end_unreachable(const broker::Moment& now) {
  for (const SessionId session : std::exchange(unreachable_, {}))
    if (!over_.contains(session)) core_.disconnect(session, now);
}

void BrokerLife::replace_list(std::vector<keys::AuthorizedClient> list) {
  new_list_ = std::move(list);
  wake();
}

void BrokerLife::drain(Duration limit) {
  draining_until_ = timeline_->now() + limit;
  reference_.start_draining();
  core_.start_draining();
  wake();
  timeline_->at(*draining_until_, [this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) wake();
  });
}

// ---- What the core says ------------------------------------------------------------------------

void BrokerLife::send(std::span<const SessionId> to, std::string_view frame) {
  for (const SessionId session : to) {
    reference_.output(session, frame);
    Link* link = network_->find(session);
    if (link == nullptr || link->broker_knows || unreachable_.contains(session)) continue;
    if (!network_->send_down(*link, frame)) unreachable_.insert(session);
  }
}

void BrokerLife::end(SessionId session) {
  reference_.end(session);
  over_.insert(session);
  timeline_->after(cut_after, [network = network_, session] {
    if (Link* link = network->find(session)) network->cut(*link, 0ns, 0ns);
  });
}

}  // namespace guild::simulation
