#include "broker/service.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "broker/migrations.hpp"
#include "broker/page.hpp"
#include "common/base/secret.hpp"
#include "common/host/config.hpp"
#include "common/host/metrics.hpp"
#include "common/host/process.hpp"
#include "common/log/log.hpp"
#include "keys/keyring.hpp"

namespace guild::broker {
namespace {

using namespace std::chrono_literals;

/// For what waits in queues when the broker stops; everyone else has drained by then.
constexpr std::chrono::milliseconds drain_limit = 1s;
constexpr auto status_every = 1s;
/// A reply's payload, with room to spare.
constexpr std::size_t page_bytes_max = 900'000;

Overflow overflow_of(host::OverflowPolicy policy) {
  switch (policy) {
    case host::OverflowPolicy::block:
      return Overflow::block;
    case host::OverflowPolicy::drop_oldest:
      return Overflow::drop_oldest;
    case host::OverflowPolicy::disconnect:
      break;
  }
  return Overflow::disconnect;
}

/// The operator's rules come before the suite's own.
std::vector<OverflowRule> overflow_rules(const host::BrokerSettings& settings) {
  std::vector<OverflowRule> rules;
  for (const host::OverflowSetting& rule : settings.overflow)
    rules.push_back({rule.topics, rule.subscriber, overflow_of(rule.policy)});
  std::ranges::move(default_overflow_rules(), std::back_inserter(rules));
  return rules;
}

CoreOptions core_options(const host::BrokerSettings& settings) {
  CoreOptions options;
  Limits& limits = options.limits;
  limits.sessions_max = static_cast<std::size_t>(settings.sessions_max.value);
  limits.queue_messages_max = static_cast<std::size_t>(settings.queue_messages_max.value);
  limits.queue_bytes_max = static_cast<std::size_t>(settings.queue_bytes_max.value);
  limits.pace_bytes_per_s = static_cast<std::uint64_t>(settings.pace_bytes_per_s.value);
  // A queue may be set smaller than where `block` begins.
  limits.block_messages = std::min(limits.block_messages, limits.queue_messages_max);
  limits.block_bytes = std::min(limits.block_bytes, limits.queue_bytes_max);
  options.overflow = overflow_rules(settings);
  fill_random(options.instance.data(), options.instance.size());
  return options;
}

}  // namespace

Result<std::unique_ptr<host::Service>> Service::start(host::Host& host) {
  GUILD_TRY(auto database, host.open_database("broker.db", migrations));
  std::unique_ptr<Service> service(new Service(host, std::move(database)));
  GUILD_CHECK(service->open());
  return service;
}

Service::Service(host::Host& host, std::unique_ptr<storage::Connection> database)
    : host_(host), events_(std::move(database)), timer_(host.loop()) {}

/// Everybody waits for the broker, so it goes first where the machine is full: with two cores that
/// a flood keeps busy, an echo's p99 is a third of what it is without. Threads made later have it
/// too.
void Service::go_first() {
  const auto wanted = static_cast<int>(host_.settings().broker.nice.value);
  if (::setpriority(PRIO_PROCESS, 0, wanted) == 0) return;
  GUILD_LOG(info, "service", "runs at the usual priority: {} for nice {}",
            std::generic_category().message(errno), wanted);
}

Result<void> Service::open() {
  go_first();
  GUILD_TRY(ListWatch::Clients clients, keys::load_authorized_clients(host_.home().keys()));
  const std::size_t listed = clients.size();
  GUILD_CHECK(start_router(clients));
  GUILD_TRY(list_watch_,
            ListWatch::start(host_.loop(), host_.home().keys(), std::move(clients),
                             {.changed = [this](auto changed) { on_new_list(std::move(changed)); },
                              .invalid = [this](const Error& error) { on_invalid_list(error); }}));
  serve();
  look_every_second();
  GUILD_LOG(info, "broker", "listens; {} clients are on the list; a random key was refused",
            listed);
  return {};
}

Result<void> Service::start_router(ListWatch::Clients clients) {
  RouterOptions options;
  GUILD_TRY(options.endpoint, host::bus_endpoint(host_.home(), host_.settings()));
  GUILD_TRY(options.keys, keys::load_router(host_.home().keys()));
  const host::BrokerSettings& settings = host_.settings().broker;
  options.io_threads = static_cast<int>(settings.io_threads.value);
  options.spin = std::chrono::microseconds(settings.spin_us.value);
  options.core = core_options(settings);
  // Called on the route thread.
  Router::Events events{.denied =
                            [this](const messages::BusDenied& denied) {
                              host_.post([this, denied] { on_denied(denied); });
                            },
                        .client =
                            [this](const messages::BusClientEvent& event) {
                              host_.post([this, event] { on_client(event); });
                            },
                        .traffic =
                            [this](const messages::BusTraffic& traffic) {
                              host_.post([this, traffic] {
                                publish(Monitors::topic_of(traffic.monitor),
                                        messages::encode(traffic));
                              });
                            }};
  GUILD_TRY(router_, Router::start(std::move(options), std::move(clients), std::move(events)));
  monitors_ = std::make_unique<Monitors>(
      host_, *router_, [this](const messages::BusAudit& audit) { on_audit(audit); });
  return {};
}

// ---- Answers -----------------------------------------------------------------------------------

void Service::serve() {
  using messages::BusClients, messages::BusMonitor, messages::BusMonitorStarted, messages::BusStats,
      messages::Nothing;
  host_.serve<BusMonitor, BusMonitorStarted>(
      "monitor", [this](const BusMonitor& wanted, const host::Answer<BusMonitorStarted>& answer) {
        monitors_->start(wanted, answer);
      });
  host_.serve<Nothing, BusStats>("stats", [this](Nothing, const host::Answer<BusStats>& answer) {
    router_->post([this, answer](Core& core, const Moment&) {
      host_.post([answer, stats = core.stats()]() mutable {
        fit(stats, page_bytes_max);
        answer(std::move(stats));
      });
    });
  });
  host_.serve<Nothing, BusClients>("clients",
                                   [this](Nothing, const host::Answer<BusClients>& answer) {
                                     router_->post([this, answer](Core& core, const Moment&) {
                                       host_.post([answer, clients = core.clients()]() mutable {
                                         fit(clients, page_bytes_max);
                                         answer(std::move(clients));
                                       });
                                     });
                                   });
}

void Service::look_every_second() {
  router_->post([this](Core& core, const Moment& now) {
    host_.post([this, status = core.status(), time = now.wall]() mutable {
      status.time = time;
      on_status(std::move(status));
    });
  });
  monitors_->look();
  timer_.expires_after(status_every);
  timer_.async_wait([this](const boost::system::error_code& problem) {
    if (!problem) look_every_second();
  });
}

std::map<std::string, std::int64_t> Service::counters() const {
  std::map<std::string, std::int64_t> counters = {
      {"sessions", status_.sessions},
      {"published", status_.published},
      {"routed", status_.routed},
      {"delivered", status_.delivered},
      {"waiting", status_.waiting},
      {"frames_in", status_.frames_in},
      {"frames_out", status_.frames_out},
      {"denied", status_.denied},
      {"late_replies", status_.late_replies},
      {"requests_waiting", status_.requests_waiting},
      {"monitors", status_.monitors},
      {"permission_epoch", status_.epoch},
      {"lists_refused", lists_refused_},
      {"events_unpublished", events_unpublished_},
      {"events_lost", static_cast<std::int64_t>(events_.lost())},
  };
  for (std::size_t i = 0; i < loss_kinds; ++i) {
    const std::string reason(bus::to_string(code_of(static_cast<Loss>(i))));
    const auto lost = status_.dropped.find(reason);
    counters["dropped_" + reason] = lost == status_.dropped.end() ? 0 : lost->second;
  }
  host::add_storage_counters(counters, events_.counters());
  return counters;
}

// ---- Events ------------------------------------------------------------------------------------

void Service::on_denied(const messages::BusDenied& denied) {
  events_.add(denied);
  publish("bus/denied", messages::encode(denied));
  // A refused log line of our own must not make the next one.
  if (denied.client == host_.name()) return;
  const std::string_view who = !denied.client.empty() ? std::string_view(denied.client)
                               : !denied.key.empty()  ? std::string_view(denied.key)
                                                      : std::string_view("a client without a name");
  GUILD_LOG_WITH(warn, "broker", (log::Extra{{"client", denied.client}, {"topic", denied.topic}}),
                 "refused {}: {} ({}{}{}), {} times", who, denied.reason, denied.operation,
                 denied.topic.empty() ? "" : " ", denied.topic, denied.count);
}

void Service::on_client(const messages::BusClientEvent& event) {
  publish("bus/clients", messages::encode(event));
  const std::string_view what = event.event == messages::BusClientChange::connected ? "connected"
                                : event.event == messages::BusClientChange::left    ? "left"
                                                                                    : "was revoked";
  GUILD_LOG(info, "broker", "{} {}", event.client, what);
}

void Service::on_audit(const messages::BusAudit& audit) {
  events_.add(audit);
  publish("bus/audit", messages::encode(audit));
  GUILD_LOG(
      info, "broker", "{} {} of {}", audit.client,
      audit.action == messages::BusAction::monitor_started ? "starts a monitor" : "ended a monitor",
      audit.pattern);
}

void Service::on_status(messages::BusStatus status) {
  status.rss_bytes = host::process_figures().rss_bytes;
  publish("bus/status", messages::encode(status));
  status_ = std::move(status);
}

void Service::publish(std::string_view topic, const std::string& event) {
  if (!host_.bus().publish(topic, event)) ++events_unpublished_;
}

void Service::on_new_list(ListWatch::Clients clients) {
  GUILD_LOG(info, "broker", "took up a changed list: {} clients", clients.size());
  router_->replace_clients(std::move(clients));
}

void Service::on_invalid_list(const Error& error) {
  ++lists_refused_;
  GUILD_LOG(error, "broker", "the changed list is refused, the earlier one stays: {}",
            error.text());
  router_->post([](Core& core, const Moment& now) {
    core.note_denial(
        {.reason = "list_invalid", .client = {}, .key = {}, .operation = "reload", .topic = {}}, 1,
        now);
  });
}

void Service::drain(std::function<void()> done) {
  timer_.cancel();
  list_watch_.reset();
  router_->drain(drain_limit, [this, done = std::move(done)] {
    // Posted after the last events, so that they are stored.
    host_.post([this, done] {
      events_.drain();
      done();
    });
  });
}

}  // namespace guild::broker
