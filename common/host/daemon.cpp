#include "common/host/daemon.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstdlib>

#include "common/base/complain.hpp"
#include "common/host/arguments.hpp"
#include "common/host/metrics.hpp"
#include "common/host/notify.hpp"
#include "common/host/process.hpp"
#include "common/messages/suite.hpp"

namespace guild::host {
namespace {

using namespace std::chrono_literals;

constexpr auto ship_every = 1s;
/// A daemon that is not ready by then says on stderr what it waits for, and again.
constexpr auto waiting_told_after = 2s;
constexpr auto waiting_told_every = 10s;

std::string_view environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

Error shutting_down(std::string_view name) {
  return {ErrorKind::unavailable, "shutting_down", fmt::format("{} is stopping", name),
          "try again once it runs"};
}

Error named_otherwise(std::string_view known_as, std::string_view name) {
  return {ErrorKind::denied, "named_otherwise",
          fmt::format("the broker knows our key as {}, not as {}", known_as, name),
          fmt::format("restore the files of keys/{} from their backup", name)};
}

bool is_of_the_log(std::string_view topic) { return topic.starts_with("logs/"); }

}  // namespace

Daemon::Daemon(Prepared prepared)
    : name_(std::move(prepared.name)),
      home_(std::move(prepared.home)),
      settings_(std::move(prepared.settings)),
      endpoint_(std::move(prepared.endpoint)),
      keys_(std::move(prepared.keys)),
      lock_(std::move(prepared.lock)),
      reports_(std::move(prepared.reports)) {}

Daemon::~Daemon() = default;

Result<void> Daemon::open() {
  wait_for_signal();
  for (const std::string& report : reports_) GUILD_LOG(warn, "host", "{}", report);
  GUILD_CHECK(open_session());
  return watch_shutdown_files();
}

// ---- The session -------------------------------------------------------------------------------

Result<void> Daemon::open_session() {
  bus::ClientOptions options;
  options.endpoint = endpoint_;
  options.credentials = {.name = keys_.name,
                         .public_key = keys_.public_key,
                         .secret_key = keys_.secret_key,
                         .broker_public_key = keys_.broker_public_key};
  keys_ = {};
  GUILD_TRY(client_, bus::Client::make(std::move(options)));
  client_->on_session([this](const bus::SessionEvent& event) { session_changed(event); });
  client_->on_room([this] { room_rose(); });
  client_->on_denied([](std::string_view topic, std::uint64_t count, const Error& error) {
    // A log record about refused log records would be refused in turn; the shipper complains of
    // those.
    if (!is_of_the_log(topic))
      GUILD_LOG(error, "host", "{} items on {} were refused: {}", count, topic, error.text());
  });
  GUILD_TRY(shipper_, log::Shipper::attach(*client_, [this] { wake_shipper(); }));
  return client_->watch(
      fmt::format("logs/{}/host", name_), [this](const std::vector<std::string>& subscribers) {
        log_consumer_present_ = std::ranges::find(subscribers, "logconsumer") != subscribers.end();
      });
}

void Daemon::session_changed(const bus::SessionEvent& event) {
  if (event.state == bus::SessionState::connected) {
    if (event.own_name != name_) return stop(named_otherwise(event.own_name, name_));
    readiness_.session_up();
    complained_code_.clear();
    GUILD_LOG(info, "host", "{} with the broker as {} (instance {})",
              event.resubscribed ? "again in session" : "in session", event.own_name,
              event.broker_instance);
    if (event.error)
      GUILD_LOG(error, "host", "not everything was made again: {}", event.error->text());
    wake_shipper();
    check_ready();
  } else if (event.state != bus::SessionState::closed) {
    readiness_.session_down(event.error);
    log_consumer_present_ = false;
    if (event.error) complain_of_session(*event.error);
  }
  for (const auto& callback : session_callbacks_) callback(event);
}

/// Each cause once, until there is a session again: attempts go on, and would fill the disk.
void Daemon::complain_of_session(const Error& error) {
  if (draining_ || error.code == complained_code_) return;
  complained_code_ = error.code;
  GUILD_LOG(warn, "host", "no session with the broker: {}", error.text());
  // Waiting mends a broker that is not there yet; a key that is refused waits for a person.
  const bool needs_a_person = error.code == "not_authorized" || error.code == "wrong_server_key";
  if (needs_a_person) complain(name_, "cannot join the bus: " + error.text());
}

void Daemon::on_session(std::function<void(const bus::SessionEvent&)> callback) {
  session_callbacks_.push_back(std::move(callback));
}

void Daemon::on_room(std::function<void()> callback) {
  room_callbacks_.push_back(std::move(callback));
}

void Daemon::room_rose() {
  if (shipper_) shipper_->pump();
  for (const auto& callback : room_callbacks_) callback();
}

void Daemon::wake_shipper() {
  if (shipper_woken_.exchange(true)) return;
  boost::asio::post(loop_, [this] {
    shipper_woken_ = false;
    if (shipper_) shipper_->pump();
  });
}

void Daemon::pump_shipper_every_second() {
  ship_timer_.expires_after(ship_every);
  ship_timer_.async_wait([this](const boost::system::error_code& problem) {
    if (problem) return;
    shipper_->pump();
    pump_shipper_every_second();
  });
}

void Daemon::post(std::function<void()> work) { boost::asio::post(loop_, std::move(work)); }

// ---- Start and readiness -----------------------------------------------------------------------

Result<void> Daemon::start(const Start& start) {
  GUILD_TRY(service_, start(*this));
  serve_own_names();
  readiness_.started();
  bus_readable_ = std::make_unique<Readable>(loop_, client_->fd(), [this] { client_->pump(); });
  pump_shipper_every_second();
  tell_what_is_waited_for();
  keep_watchdog_quiet();
  return {};
}

void Daemon::serve_raw(std::string_view verb, bus::OnRequest handle) {
  serve_at_all_times(
      verb, [this, handle = std::move(handle)](std::string_view payload, bus::Responder responder) {
        if (draining_) return responder.reply_error(shutting_down(name_));
        handle(payload, std::move(responder));
      });
}

void Daemon::serve_at_all_times(std::string_view verb, bus::OnRequest handle) {
  const std::string full_name = fmt::format("{}/{}", name_, verb);
  readiness_.expect(full_name);
  const auto asked =
      client_->serve(full_name, std::move(handle),
                     [this, full_name](const Result<void>& result) { served(full_name, result); });
  if (!asked) served(full_name, asked);
}

void Daemon::served(const std::string& served_name, const Result<void>& result) {
  if (!result) return stop(Error(result.error()).while_doing("serve " + served_name));
  readiness_.confirmed(served_name);
  check_ready();
}

/// Last, so that their confirmation means that of everything the service asked for (readiness.hpp).
void Daemon::serve_own_names() {
  serve_at_all_times("health", [this](std::string_view payload, bus::Responder responder) {
    answer_health(payload, std::move(responder));
  });
  serve_at_all_times("metrics", [this](std::string_view, bus::Responder responder) {
    responder.reply(metrics_page(registry_, {.daemon = name_,
                                             .ready = readiness_.ready(),
                                             .uptime = Clock::now() - started_at_,
                                             .process = process_figures(),
                                             .bus = client_->counters(),
                                             .log = log::counters(),
                                             .service = service_->counters()}));
  });
}

void Daemon::answer_health(std::string_view payload, bus::Responder responder) {
  if (const auto request = messages::decode<messages::Nothing>(payload); !request)
    return responder.reply_error(request.error());
  messages::Health health;
  health.daemon = name_;
  health.pid = ::getpid();
  health.ready = readiness_.ready();
  health.state = readiness_.state();
  health.uptime_s =
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_at_).count();
  health.rss_bytes = process_figures().rss_bytes;
  health.version = version();
  health.counters = service_->counters();
  responder.reply(messages::encode(health));
}

void Daemon::check_ready() {
  if (!readiness_.became_ready()) return;
  waiting_timer_.cancel();
  const std::string text = fmt::format("{} {}\n", ::getpid(), to_rfc3339(now()));
  if (const auto written = replace_file(home_.ready(name_), text); !written)
    return stop(Error(written.error()).while_doing("write the ready file"));
  notify_manager("READY=1\nSTATUS=ready");
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_at_);
  GUILD_LOG(info, "host", "ready after {} ms, version {}", took.count(), version());
}

void Daemon::tell_what_is_waited_for() {
  waiting_timer_.expires_after(Clock::now() - started_at_ < waiting_told_after
                                   ? Clock::duration(waiting_told_after)
                                   : Clock::duration(waiting_told_every));
  waiting_timer_.async_wait([this](const boost::system::error_code& problem) {
    if (problem || draining_ || readiness_.ready()) return;
    complain(name_, "cannot become ready yet: waits for " + readiness_.waiting_for());
    tell_what_is_waited_for();
  });
}

void Daemon::notify_manager(std::string_view state) {
  if (const auto told = notify(environment("NOTIFY_SOCKET"), state); !told)
    GUILD_LOG(warn, "host", "{}", told.error().text());
}

void Daemon::keep_watchdog_quiet() {
  const auto interval =
      watchdog_interval(environment("WATCHDOG_USEC"), environment("WATCHDOG_PID"), ::getpid());
  if (!interval) return;
  notify_manager("WATCHDOG=1");
  watchdog_timer_.expires_after(std::chrono::duration_cast<Clock::duration>(*interval));
  watchdog_timer_.async_wait([this](const boost::system::error_code& problem) {
    if (!problem) keep_watchdog_quiet();
  });
}

// ---- The store ---------------------------------------------------------------------------------

Result<std::unique_ptr<storage::Connection>> Daemon::open_store(std::string_view file,
                                                                storage::Mode mode) {
  storage::OpenOptions options;
  options.path = home_.database(file);
  GUILD_TRY(options.key, keys::load_database_key(home_.keys(), name_));
  options.mode = mode;
  options.cache_kib = settings_.storage.cache_kib;
  options.busy_timeout_ms = static_cast<int>(settings_.storage.busy_timeout_ms.value);
  return storage::Connection::open(std::move(options));
}

Result<std::unique_ptr<storage::Connection>> Daemon::open_database(
    std::string_view file, std::span<const storage::Migration> migrations) {
  auto connection = open_store(file, storage::Mode::read_write);
  if (!connection) return fail(std::move(connection).error().while_doing("open the store"));
  const auto migrated = storage::migrate(**connection, migrations);
  if (!migrated) return fail(Error(migrated.error()).while_doing("migrate the store"));
  if (*migrated > 0) GUILD_LOG(info, "host", "{}: {} migrations ran", file, *migrated);
  return connection;
}

Result<std::unique_ptr<storage::Connection>> Daemon::open_reader(std::string_view file) {
  auto connection = open_store(file, storage::Mode::read_only);
  if (!connection) return fail(std::move(connection).error().while_doing("open the store"));
  return connection;
}

}  // namespace guild::host
