#include "broker/core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"
#include "common/bus/topic.hpp"

namespace guild::broker {
namespace {

std::unexpected<Refusal> refusal(bus::Code code, std::string reason) {
  return std::unexpected(Refusal{code, std::move(reason)});
}

bool has_no_body(bus::Kind kind) {
  using enum bus::Kind;
  static constexpr bus::Kind kinds[] = {subscribe, unsubscribe, serve, unserve,
                                        watch,     goodbye,     ping,  cancel};
  return std::ranges::find(kinds, kind) != std::end(kinds);
}

}  // namespace

Core::Core(CoreOptions options, std::vector<keys::AuthorizedClient> clients, Wire& wire)
    : options_(std::move(options)),
      wire_(wire),
      denials_(options_.limits.denial_kinds_max),
      traffic_(options_.limits.clients_max, options_.limits.rows_max, generation_),
      room_{wire, options_.limits, 0, {}, {}},
      routes_(options_.limits, options_.overflow, generation_),
      calls_(options_.limits, sessions_, permissions_, denials_),
      pace_(options_.limits) {
  permissions_.replace(std::move(clients));
}

Core::~Core() {
  for (const auto& [id, session] : sessions_.all())
    if (!session->over()) session->outlet.end(Loss::session_ended, Loss::session_ended);
}

// ---- Connections -------------------------------------------------------------------------------

void Core::connect(SessionId id, Identity identity, const Moment& now) {
  GUILD_ASSERT(sessions_.find(id) == nullptr);
  Session& session = sessions_.add(std::make_unique<Session>(id, std::move(identity), room_));
  session.opened_at = now.wall;
}

void Core::receive(SessionId id, std::string_view frame, const Moment& now) {
  Session* session = sessions_.find(id);
  if (session == nullptr) return;
  ++frames_in_;
  if (frame.size() > bus::frame_bytes_max) {
    refuse(*session,
           {bus::Code::malformed_frame,
            fmt::format("a frame of {} bytes; at most {}", frame.size(), bus::frame_bytes_max)},
           now);
    return reap();
  }
  pace_.charge(session->pace, Pace::frame_work, now.steady);
  bus::FrameReader reader(frame);
  while (const auto record = reader.next()) {
    const auto handled = apply(*session, *record, now);
    if (!handled && !session->over()) refuse(*session, handled.error(), now);
    if (session->over()) return reap();
  }
  if (!reader.ok())
    refuse(*session, {bus::Code::malformed_frame, "the frame does not end at a record's end"}, now);
  reap();
}

Core::Handler Core::handler_of(bus::Kind kind) {
  static constexpr Handler handlers[] = {
      nullptr,         &Core::on_hello,   &Core::on_subscribe, &Core::on_unsubscribe,
      &Core::on_serve, &Core::on_unserve, &Core::on_publish,   &Core::on_request,
      &Core::on_reply, &Core::on_credit,  &Core::on_watch,     &Core::on_goodbye,
      &Core::on_ping,  &Core::on_cancel,
  };
  const auto index = static_cast<std::size_t>(kind);
  return index < std::size(handlers) ? handlers[index] : nullptr;
}

Core::Handled Core::apply(Session& session, const bus::Record& record, const Moment& now) {
  if (session.state == Session::State::greeting && record.kind != bus::Kind::hello)
    return refusal(bus::Code::hello_expected, "the first record must be HELLO");
  if (!record.body.empty() && has_no_body(record.kind))
    return refusal(bus::Code::malformed_frame,
                   fmt::format("kind {} has no body", static_cast<unsigned>(record.kind)));
  const Handler handler = handler_of(record.kind);
  if (handler == nullptr)
    return refusal(bus::Code::malformed_frame, fmt::format("a client does not send kind {}",
                                                           static_cast<unsigned>(record.kind)));
  return (this->*handler)(session, record, now);
}

Core::Handled Core::on_hello(Session& session, const bus::Record& record, const Moment& now) {
  const auto hello = bus::read_hello(record.body);
  if (!hello) return refusal(bus::Code::malformed_frame, "a HELLO's body has 16 bytes");
  if (session.state != Session::State::greeting)
    return refusal(bus::Code::malformed_frame, "a second HELLO");
  if (hello->version != bus::protocol_version)
    return refusal(
        bus::Code::version_unsupported,
        fmt::format("version {}; this broker speaks {}", hello->version, bus::protocol_version));
  // The list may have changed between the handshake and now.
  if (!permissions_.knows(session.identity))
    return refusal(bus::Code::revoked, "the key is not on the list");
  if (draining_) return refusal(bus::Code::shutting_down, "the broker is shutting down");
  if (sessions_open_ >= options_.limits.sessions_max)
    return refusal(bus::Code::too_many, fmt::format("{} sessions are open", sessions_open_));

  session.state = Session::State::open;
  session.traffic = &traffic_.client(session.name());
  ++session.traffic->sessions;
  ++sessions_open_;
  session.pace.is_exempt = permissions_.is_daemon(session.name());
  session.outlet.open(hello->credit_messages, hello->credit_bytes);
  session.outlet.control().welcome(session.name(),
                                   {.epoch = permissions_.epoch(),
                                    .instance = options_.instance,
                                    .credit_messages = session.inlet.window().messages,
                                    .credit_bytes = session.inlet.window().bytes});
  wire_.client_event(
      {.client = session.name(), .event = messages::BusClientChange::connected, .time = now.wall});
  return {};
}

Core::Handled Core::on_goodbye(Session& session, const bus::Record&, const Moment& now) {
  end(session, messages::BusClientChange::left, Loss::session_ended, now);
  return {};
}

Core::Handled Core::on_ping(Session& session, const bus::Record& record, const Moment& now) {
  pace_.note_speech(session.id, session.pace, now.steady);
  session.outlet.control().plain(bus::Kind::pong, record.number);
  return {};
}

void Core::disconnect(SessionId id, const Moment& now) {
  if (Session* session = sessions_.find(id))
    end(*session, messages::BusClientChange::left, Loss::session_ended, now);
  reap();
}

/// Tells the client why, and ends its session.
void Core::refuse(Session& session, const Refusal& refusal, const Moment& now) {
  session.outlet.refused(refusal.code, refusal.reason);
  if (refusal.code != bus::Code::shutting_down)
    broker::note_denial(denials_, session, refusal.code,
                        session.state == Session::State::greeting ? "connect" : "frame", {}, 1,
                        now);
  const auto change = refusal.code == bus::Code::revoked ? messages::BusClientChange::revoked
                                                         : messages::BusClientChange::left;
  end(session, change,
      refusal.code == bus::Code::slow_consumer ? Loss::slow_consumer : Loss::session_ended, now);
}

void Core::end(Session& session, messages::BusClientChange change, Loss queued, const Moment& now) {
  if (session.over()) return;
  const bool was_open = session.state == Session::State::open;
  session.state = Session::State::over;
  session.outlet.end(Loss::session_ended, queued);
  over_.push_back(session.id);
  wire_.end(session.id);
  if (!was_open) return;
  routes_.end(session);
  calls_.end(session);
  relieve(session, now);
  --session.traffic->sessions;
  --sessions_open_;
  wire_.client_event({.client = session.name(), .event = change, .time = now.wall});
}

void Core::reap() {
  for (const SessionId id : over_) sessions_.erase(id);
  over_.clear();
}

// ---- Rounds ------------------------------------------------------------------------------------

void Core::flush() {
  for (Outlet* outlet : room_.unflushed) outlet->flush();
  room_.unflushed.clear();
}

void Core::tick(const Moment& now) {
  grant_to_paced(now);
  calls_.expire(now);
  denials_.tell(now, [this](const messages::BusDenied& denied) { wire_.denied(denied); });
  taps_.tell(now, [this](const messages::BusTraffic& traffic) { wire_.traffic(traffic); });
}

std::optional<Steady> Core::next_deadline() const {
  std::optional<Steady> next;
  for (const auto due :
       {calls_.next_deadline(), denials_.next_due(), taps_.next_due(), pace_.next_due()})
    if (due && (!next || *due < *next)) next = due;
  return next;
}

bool Core::nothing_waits() const {
  return std::ranges::all_of(sessions_.all(), [](const auto& entry) {
    return entry.second->over() || entry.second->outlet.nothing_waits();
  });
}

void Core::refuse_all(const Moment& now) {
  for (const auto& [id, session] : sessions_.all())
    if (!session->over())
      refuse(*session, {bus::Code::shutting_down, "the broker is shutting down"}, now);
  denials_.tell_rest([this](const messages::BusDenied& denied) { wire_.denied(denied); });
  reap();
}

// ---- Monitors ----------------------------------------------------------------------------------

std::optional<std::int64_t> Core::start_monitor(std::string_view pattern) {
  const auto monitor = taps_.add(pattern);
  ++generation_;  // Each session finds its topic's taps again.
  return monitor;
}

void Core::stop_monitor(std::int64_t monitor) {
  taps_.remove(monitor);
  ++generation_;
}

// ---- Permissions -------------------------------------------------------------------------------

void Core::replace_permissions(std::vector<keys::AuthorizedClient> clients, const Moment& now) {
  permissions_.replace(std::move(clients));
  for (const auto& [id, session] : sessions_.all()) {
    if (session->over()) continue;
    if (!permissions_.knows(session->identity))
      refuse(*session, {bus::Code::revoked, "the key was taken off the list"}, now);
    else if (!still_permitted(*session))
      refuse(
          *session,
          {bus::Code::revoked, "the list no longer allows what this session holds; connect again"},
          now);
  }
  reap();
}

bool Core::still_permitted(const Session& session) const {
  const std::string& name = session.name();
  return std::ranges::all_of(
             session.subscriptions,
             [&](const std::string& held) { return permissions_.may_subscribe(name, held); }) &&
         std::ranges::all_of(
             session.served,
             [&](const std::string& held) { return permissions_.may_serve(name, held); }) &&
         std::ranges::all_of(
             session.watched,
             [&](const std::string& held) { return permissions_.may_watch(name, held); }) &&
         // What it has given up may still wait for its credit.
         session.outlet.queue().all_of(
             [&](std::string_view topic) { return permissions_.may_subscribe(name, topic); }) &&
         session.outlet.calls().all_requests_of(
             [&](std::string_view served) { return permissions_.may_serve(name, served); });
}

void Core::deny(Session& session, std::uint64_t number, std::string_view topic, bus::Code code,
                std::uint32_t count, std::string_view reason, std::string_view operation,
                const Moment& now) {
  session.outlet.denied(number, topic, code, count, reason);
  broker::note_denial(denials_, session, code, operation, topic, std::max(count, 1U), now);
}

}  // namespace guild::broker
