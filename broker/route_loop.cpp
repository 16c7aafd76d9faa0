#include "broker/route_loop.hpp"

#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "broker/endpoint.hpp"
#include "broker/self_test.hpp"
#include "common/base/bytes.hpp"

namespace guild::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t message_bytes_max = 2 << 20;
constexpr std::chrono::milliseconds handshake_limit = 2s;
constexpr std::chrono::milliseconds heartbeat_every = 5s;
constexpr std::chrono::milliseconds heartbeat_limit = 15s;
constexpr std::chrono::milliseconds linger = 500ms;
constexpr int router_zap_enforce_domain = 93;  // Not in the public header of a stable build.
/// Frames of one round: few enough that a burst of one client does not delay what others wait for.
constexpr int frames_per_round = 256;
/// What a closed connection had sent is read first, but not for ever while others keep us busy.
constexpr auto unread_limit = 500ms;
/// Time for REFUSED to leave before the connection is cut.
constexpr auto cut_after = 200ms;
constexpr auto probe_after = 200ms;
constexpr auto sleep_max = 1s;

// Descriptors come and go; handshakes fail. More than this is not asked for, and cannot fill it.
constexpr int watched = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED |
                        ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

Moment now() { return {guild::now(), std::chrono::steady_clock::now()}; }

/// Why a handshake failed, as far as libzmq tells a server; "" when the gatekeeper told already.
std::string_view reason_of(const MonitorEvent& event) {
  if (event.event == ZMQ_EVENT_ACCEPT_FAILED) return "too_many";
  if (event.event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) return "handshake_failed";
  if ((event.event & (ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                      ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED)) != 0)
    return {};
  switch (event.value) {
    case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
      return "mechanism_refused";
    case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
    case ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE:
      return "wrong_server_key";
    default:
      return "handshake_malformed";
  }
}

}  // namespace

RouteLoop::RouteLoop(RouterOptions options, std::vector<keys::AuthorizedClient> clients,
                     Router::Events events, ZmqContext context, Inbox inbox)
    : options_(std::move(options)),
      clients_(clients),
      events_(std::move(events)),
      context_(std::make_unique<ZmqContext>(std::move(context))),
      inbox_(std::move(inbox)),
      core_(options_.core, std::move(clients), *this) {}

RouteLoop::~RouteLoop() { stop(); }

// ---- Start and stop ----------------------------------------------------------------------------

Result<void> RouteLoop::open() {
  GUILD_TRY(gatekeeper_, Gatekeeper::start(*context_, [this] { inbox_.wake(); }));
  gatekeeper_->replace(std::exchange(clients_, {}));
  GUILD_TRY(ZmqSocket router, ZmqSocket::make(*context_, ZMQ_ROUTER));
  router_ = std::make_unique<ZmqSocket>(std::move(router));
  GUILD_CHECK(set_options());
  GUILD_TRY(ZmqSocket monitor, monitor_of(*context_, *router_, watched));
  monitor_ = std::make_unique<ZmqSocket>(std::move(monitor));

  GUILD_CHECK(check_listen_endpoint(options_.endpoint));
  GUILD_CHECK(listen(*router_, self_test_endpoint(options_.endpoint)));
  const std::string tested = router_->last_endpoint();
  const auto proven = prove_door_is_shut(tested, options_.keys.public_key);
  remove_socket_file(tested);
  GUILD_CHECK(proven);
  GUILD_CHECK(router_->unbind(tested));
  gatekeeper_->take_refused();
  while (const auto event = read_monitor(*monitor_)) count_at_door(*event);
  GUILD_CHECK(listen(*router_, options_.endpoint));
  listening_ = true;
  return {};
}

Result<void> RouteLoop::set_options() {
  GUILD_CHECK(router_->set(ZMQ_CURVE_SERVER, 1));
  const auto& secret = options_.keys.secret_key.reveal();
  GUILD_CHECK(router_->set_bytes(ZMQ_CURVE_SECRETKEY, secret.data(), secret.size()));
  GUILD_CHECK(router_->set_bytes(ZMQ_ZAP_DOMAIN, zap_domain.data(), zap_domain.size()));
  GUILD_CHECK(router_->set(router_zap_enforce_domain, 1));
  GUILD_CHECK(router_->set(ZMQ_ROUTER_MANDATORY, 1));
  GUILD_CHECK(router_->set(ZMQ_MAXMSGSIZE, message_bytes_max));
  GUILD_CHECK(router_->set(ZMQ_HANDSHAKE_IVL, handshake_limit));
  GUILD_CHECK(router_->set(ZMQ_HEARTBEAT_IVL, heartbeat_every));
  GUILD_CHECK(router_->set(ZMQ_HEARTBEAT_TIMEOUT, heartbeat_limit));
  GUILD_CHECK(router_->set(ZMQ_HEARTBEAT_TTL, heartbeat_limit));
  GUILD_CHECK(router_->set(ZMQ_LINGER, linger));
  GUILD_CHECK(router_->set(ZMQ_SNDHWM, options_.waiting_frames_max));
  return router_->set(ZMQ_RCVHWM, options_.waiting_frames_max);
}

void RouteLoop::start() {
  thread_ = std::thread([this] { run(); });
}

void RouteLoop::stop() {
  if (thread_.joinable()) {
    inbox_.post([this](Core&, const Moment&) { stopping_ = true; });
    thread_.join();
  }
  if (router_) zmq_socket_monitor(router_->handle(), nullptr, 0);
  router_.reset();
  if (std::exchange(listening_, false)) remove_socket_file(options_.endpoint);
  monitor_.reset();
  context_.reset();  // Waits for the linger; the gatekeeper's thread ends.
  gatekeeper_.reset();
}

void RouteLoop::start_draining(std::chrono::milliseconds limit, std::function<void()> done) {
  core_.start_draining();
  draining_ = Draining{std::chrono::steady_clock::now() + limit, std::move(done)};
}

// ---- Rounds ------------------------------------------------------------------------------------

void RouteLoop::run() {
  while (!stopping_) {
    const Moment moment = now();
    if (round(moment) || stopping_) continue;
    if (!spin()) sleep(now());
  }
}

/// Answers whether anything came.
bool RouteLoop::round(const Moment& moment) {
  now_ = moment.steady;
  const bool had_work = inbox_.woken();
  if (had_work) work_through_inbox(moment);
  read_monitor_events(moment);
  const bool all_was_read = read_frames(moment);
  end_closed(all_was_read, moment);
  core_.tick(moment);
  core_.flush();
  probe_doubtful(moment);
  const bool lost_some = !unsent_.empty();
  end_unreachable(moment);
  cut_ended(moment);
  if (draining_) finish_draining(moment);
  return had_work || lost_some || !all_was_read;
}

void RouteLoop::work_through_inbox(const Moment& moment) {
  for (const Router::Work& work : inbox_.take()) work(core_, moment);
  for (const auto& [key, count] : gatekeeper_->take_refused())
    core_.note_denial(
        {.reason = "key_unlisted", .client = {}, .key = key, .operation = "connect", .topic = {}},
        count, moment);
}

void RouteLoop::read_monitor_events(const Moment& moment) {
  while (const auto event = read_monitor(*monitor_)) {
    const bool unexplained = count_at_door(*event);
    if (event->event == ZMQ_EVENT_DISCONNECTED)
      connections_.fd_closed(static_cast<int>(event->value), moment.steady);
    if (const auto reason = unexplained ? "handshake_malformed" : reason_of(*event);
        !reason.empty())
      note_refused_handshake(reason, moment);
  }
}

/// libzmq says nothing of a peer that breaks the framing before CURVE has begun (an HTTP client, an
/// old ZMTP): the connection ends without a handshake that failed or succeeded. Events bear no
/// descriptor but the last one's, so they are counted. Answers whether this is such an end.
bool RouteLoop::count_at_door(const MonitorEvent& event) {
  const int fd = static_cast<int>(event.value);
  if (event.event == ZMQ_EVENT_ACCEPTED) {
    left_early_.erase(fd);
  } else if (event.event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    ++shaken_;
  } else if (event.event == ZMQ_EVENT_ACCEPT_FAILED) {
    return false;  // There is no connection.
  } else if (event.event != ZMQ_EVENT_DISCONNECTED) {
    ++failed_;
  } else if (!connections_.owns(fd)) {
    if (failed_ != 0) {
      --failed_;
    } else if (shaken_ != 0) {
      --shaken_;
      left_early_.insert(fd);  // Before its first frame was read, which may still come.
    } else {
      return true;
    }
  }
  return false;
}

void RouteLoop::note_refused_handshake(std::string_view reason, const Moment& moment) {
  core_.note_denial(
      {.reason = reason, .client = {}, .key = {}, .operation = "connect", .topic = {}}, 1, moment);
}

/// Answers whether nothing more is there.
bool RouteLoop::read_frames(const Moment& moment) {
  for (int i = 0; i < frames_per_round; ++i) {
    if (!router_->receive(routing_id_)) return true;
    // Whole messages only: the second part is there too.
    if (!routing_id_.more() || !router_->receive(frame_)) continue;
    take_frame(moment);
  }
  return false;
}

void RouteLoop::take_frame(const Moment& moment) {
  Connection* connection = connection_of(moment);
  const bool several_parts = frame_.more();
  if (connection != nullptr && !connection->over)
    core_.receive(connection->session,
                  several_parts ? std::string_view("several parts") : frame_.bytes(), moment);
  while (frame_.more() && router_->receive(frame_)) {
  }
}

/// Whose frame this is; nullptr when it is not to be read.
Connection* RouteLoop::connection_of(const Moment& moment) {
  const std::string_view routing_id = routing_id_.bytes();
  const std::string_view user = frame_.property(user_property);
  Connection* connection = connections_.find(routing_id);
  if (connection == nullptr) return open_connection(routing_id, moment);
  if (connection->user_id == user) return connection;
  // A session belongs to the key it was opened with. libzmq does not change it; if it ever did,
  // this is not the client we know.
  note_refused_handshake("identity_changed", moment);
  core_.disconnect(connection->session, moment);
  connection->over = true;
  return nullptr;
}

Connection* RouteLoop::open_connection(std::string_view routing_id, const Moment& moment) {
  const std::string_view user = frame_.property(user_property);
  const auto key =
      from_hex_exactly<std::tuple_size_v<keys::PublicKey>>(frame_.property(key_property));
  const std::size_t mark = user.rfind('#');
  if (!key || mark == std::string_view::npos) {
    // Without the gatekeeper's stamp nobody may speak.
    note_refused_handshake("identity_missing", moment);
    return nullptr;
  }
  read_monitor_events(moment);
  Connection& connection = connections_.add(routing_id, user, frame_.source_fd(), moment.steady);
  if (left_early_.erase(connection.fd) == 0 && shaken_ != 0) --shaken_;
  core_.connect(
      connection.session,
      {.name = std::string(user.substr(0, mark)), .key = *key, .label = std::string(user)}, moment);
  if (connection.doubtful) doubted_.push_back({connection.session, moment.steady});
  return &connection;
}

/// Sends what means nothing (credit of 0) to connections that may be gone: libzmq says so if they
/// are, once its I/O thread has told our end of the pipe, which a first try may be too early for.
void RouteLoop::probe_doubtful(const Moment& moment) {
  static const std::string nothing = [] {
    bus::FrameWriter frame;
    frame.credit(bus::Kind::credit_grant, 0, 0);
    return std::string(frame.frame());
  }();
  const auto young = std::ranges::find_if(
      doubted_, [&](const Since& doubted) { return moment.steady - doubted.at < probe_after; });
  for (auto doubted = doubted_.begin(); doubted != young; ++doubted)
    send({&doubted->session, 1}, nothing);
  doubted_.erase(doubted_.begin(), young);
}

/// Ends the sessions of closed connections, once what they had sent was read.
void RouteLoop::end_closed(bool all_was_read, const Moment& moment) {
  const auto& closed = connections_.closed();
  for (const Connections::Closed& one : closed) {
    if (!all_was_read && moment.steady - one.at < unread_limit) break;
    Connection* connection = connections_.find(one.session);
    if (!connection->over) core_.disconnect(one.session, moment);
    connection->over = true;
  }
  if (all_was_read && !closed.empty()) connections_.forget_closed();
}

void RouteLoop::end_unreachable(const Moment& moment) {
  for (const Unsent& unsent : std::exchange(unsent_, {})) {
    if (unsent.problem == EAGAIN)
      core_.disconnect(unsent.session,
                       moment);  // It has not read for so long that its pipe is full.
    else if (connections_.close(unsent.session, moment.steady))
      ++shaken_;  // Gone; what it had sent is read first. The end of its connection is still to
                  // come.
  }
}

/// Cuts connections whose session has been over for a while, best effort: libzmq has no call for
/// it.
void RouteLoop::cut_ended(const Moment& moment) {
  const auto due = std::ranges::find_if(
      ended_, [&](const Since& ended) { return moment.steady - ended.at < cut_after; });
  for (auto ended = ended_.begin(); ended != due; ++ended) {
    const Connection* connection = connections_.find(ended->session);
    if (connection != nullptr && connection->fd >= 0) ::shutdown(connection->fd, SHUT_RDWR);
  }
  ended_.erase(ended_.begin(), due);
}

void RouteLoop::finish_draining(const Moment& moment) {
  if (!core_.nothing_waits() && moment.steady < draining_->until) return;
  core_.refuse_all(moment);
  core_.flush();
  stopping_ = true;
  draining_->done();
}

/// Looks for more work for a while before sleeping: waking up costs more than an echo. Answers
/// whether there is some.
bool RouteLoop::spin() {
  const auto end = now_ + options_.spin;
  while (std::chrono::steady_clock::now() < end) {
    if (router_->readable() || inbox_.woken()) return true;
    ::sched_yield();
  }
  return false;
}

void RouteLoop::sleep(const Moment& moment) {
  Steady until = moment.steady + sleep_max;
  if (const auto deadline = core_.next_deadline()) until = std::min(until, *deadline);
  if (!ended_.empty()) until = std::min(until, ended_.front().at + cut_after);
  if (!doubted_.empty()) until = std::min(until, doubted_.front().at + probe_after);
  if (draining_) until = std::min(until, draining_->until);
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - moment.steady);
  zmq_pollitem_t items[] = {{router_->handle(), 0, ZMQ_POLLIN, 0},
                            {monitor_->handle(), 0, ZMQ_POLLIN, 0},
                            {nullptr, inbox_.fd(), ZMQ_POLLIN, 0}};
  zmq_poll(items, std::ssize(items), std::max<std::int64_t>(wait.count(), 0));
}

// ---- What the core says ------------------------------------------------------------------------

void RouteLoop::send(std::span<const SessionId> to, std::string_view frame) {
  shared_.fill(frame);
  for (const SessionId session : to) {
    const Connection* connection = connections_.find(session);
    if (connection == nullptr || connection->fd < 0) continue;
    // Nothing after what could not be sent: it would be a hole without a GAP.
    if (std::ranges::find(unsent_, session, &Unsent::session) != unsent_.end()) continue;
    const int problem = router_->send(connection->routing_id, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (problem != 0) {
      unsent_.push_back({session, problem});
      continue;
    }
    ZmqMessage copy;
    copy.share(shared_);
    router_->send(copy, ZMQ_DONTWAIT);
  }
}

void RouteLoop::end(SessionId session) {
  Connection* connection = connections_.find(session);
  if (connection == nullptr) return;
  connection->over = true;
  ended_.push_back({session, now_});
}

}  // namespace guild::broker
