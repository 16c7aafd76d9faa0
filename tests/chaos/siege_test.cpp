// The broker under siege: strangers without keys, with made-up keys and with broken words, a crowd
// that never finishes its handshake, and a listed client that lies in every field. Whoever behaves
// must not notice more than that it is a busy day.
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>

#include <catch2/catch.hpp>

#include "tests/chaos/bus_load.hpp"
#include "tests/support/json.hpp"
#include "tests/support/scale.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t memory_growth_max_kib = std::uint64_t{64} * 1'024;
/// Two events a second are told of each kind of refusal; strangers' keys are told apart up to a
/// few, the rest is summed.
constexpr long events_per_second_max = 20;

/// Hears bus/denied until it is stopped: counts and events, by reason, client and operation.
class DenialLedger {
 public:
  explicit DenialLedger(const BusHome& home) {
    std::shared_ptr<RawClient> watcher = home.watch_denials();
    hearing_.emplace([this, watcher] { hear(*watcher); });
  }
  ~DenialLedger() { stopped_ = true; }

  /// Waits until exactly these counts were told.
  bool hears(const std::map<std::string, long>& counts, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return heard_.wait_for(lock, limit, [&] { return counts_ == counts; });
  }
  std::map<std::string, long> counts_by_reason() {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  std::map<std::string, long> events_by_kind() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  void finish() {
    stopped_ = true;
    hearing_->finish();
  }

 private:
  void hear(RawClient& watcher) {
    while (!stopped_) {
      const auto record = watcher.next(100ms);
      if (!record) continue;
      if (record->kind == gap || record->kind == refused)
        throw std::runtime_error("denials were lost on their way");
      if (record->kind != deliver) continue;
      const auto items = record->items();
      watcher.return_credit(*record, static_cast<std::uint32_t>(items.size()));
      for (const std::string& item : items) note(Json::parse(item));
    }
  }
  void note(const Json& denied) {
    const std::string reason = denied.at("reason"), client = denied.at("client"),
                      operation = denied.at("operation");
    const std::lock_guard lock(mutex_);
    counts_[reason] += denied.at("count").get<long>();
    std::string kind = reason;
    for (const std::string& part : {client, operation}) kind.append(" ").append(part);
    ++events_[kind];
    heard_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable heard_;
  std::map<std::string, long> counts_, events_;
  std::atomic<bool> stopped_ = false;
  std::optional<OtherEnd> hearing_;  // Last: it writes to the rest.
};

/// The program of the broker, from now on, may open so many descriptors.
class FewDescriptors {
 public:
  FewDescriptors(const TempFolder& folder, int limit) : program_(program_path("broker")) {
    const auto wrapper = folder.path() / "broker";
    write_text(wrapper, "#!/bin/sh\nulimit -n " + std::to_string(limit) + "\nexec '" + program_ +
                            "' \"$@\"\n");
    ::chmod(wrapper.c_str(), 0700);
    ::setenv(variable, wrapper.c_str(), 1);
  }
  ~FewDescriptors() { ::setenv(variable, program_.c_str(), 1); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  static constexpr const char* variable = "GUILD_BIN_BROKER";
  std::string program_;
};

Process attack(BusHome& home, seconds duration, int crowd) {
  home.add_key("liar", "bot");
  return Process::start(
      home.command({program_path("siege_attacker"), home.bus_endpoint(), home.keys().string(),
                    std::to_string(duration.count()), std::to_string(crowd)}),
      home.capture("attacker"));
}

std::map<std::string, long> denied_by_reason(const BusHome& home) {
  const RawRecord stats = home.join("operator")->call("broker/stats", "{}");
  REQUIRE(stats.kind == reply_delivery);
  return Json::parse(stats.body.substr(1))
      .at("denied_by_reason")
      .get<std::map<std::string, long>>();
}

std::string text_of(const std::map<std::string, long>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) text += "\n  " + name + ": " + std::to_string(count);
  return text;
}

/// What honest clients saw, and what the broker grew to, while `attacker` ran.
struct Besieged {
  Latencies quiet, during;
  std::uint64_t published = 0, resident_before_kib = 0, resident_most_kib = 0;
};

/// Round trips and acknowledged messages, until it has ended.
Besieged live_through(BusHome& home, const std::function<Process()>& start_attack,
                      std::string& attacks) {
  Echo echo(home, "app-a", "app-b", "apps/echo");
  AckedFlow flow(home, "app-a", "app-b", "apps/flow");
  const int pid = home.daemon("broker").pid();
  const auto day = [&](Latencies& latencies, Besieged& seen) {
    echo.ask(latencies);
    flow.publish(10);
    if (latencies.count() % 64 == 0)
      seen.resident_most_kib = std::max(seen.resident_most_kib, resident_kib(pid));
  };
  Besieged seen;
  for (int i = 0; i < 2'000; ++i) day(seen.quiet, seen);
  seen.resident_before_kib = resident_kib(pid);
  Process attacker = start_attack();
  while (attacker.running()) day(seen.during, seen);
  const Outcome outcome = attacker.wait();
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  attacks = outcome.out;
  flow.finish();
  echo.finish();
  seen.published = flow.published();
  return seen;
}

/// A new client is welcomed within a second, and served.
void require_open_door(BusHome& home) {
  const auto before = Clock::now();
  const auto newcomer = home.join("app-a");
  CHECK(Clock::now() - before < 1s);
  CHECK(newcomer->ask(subscribe, "apps/**").kind == done);
}

}  // namespace

TEST_CASE("a siege costs honest clients nothing, the broker little, and every blow is counted") {
  const seconds duration = scaled(5s, 30s);
  BusHome home;
  DenialLedger denials(home);
  std::string attacks;
  const Besieged seen = live_through(home, [&] { return attack(home, duration, 400); }, attacks);

  // Nobody noticed, and it was an attack.
  CHECK(home.daemon("broker").running());
  const Json blows = Json::parse(attacks);
  for (const auto& [name, count] : blows.items()) {
    INFO(name);
    if (name == "turned_away")
      CHECK(count == 0);
    else
      CHECK(count > 0);
  }
  const auto growth =
      seen.resident_most_kib - std::min(seen.resident_most_kib, seen.resident_before_kib);
  CHECK(seen.resident_before_kib > 0);
  CHECK(growth <= memory_growth_max_kib);
  if (scaled(false, true)) CHECK(seen.during.percentile(0.99) < 10ms);

  // Every refusal is told on bus/denied, in few words.
  auto counted = denied_by_reason(home);
  // The last of the crowd may be counted after we asked; what is counted is told within a second.
  for (int i = 0; i < 5 && !denials.hears(counted, 1'500ms); ++i) counted = denied_by_reason(home);
  denials.finish();
  CHECK(denials.counts_by_reason() == counted);
  for (const char* reason : {"key_unlisted", "mechanism_refused", "handshake_malformed",
                             "wrong_server_key", "handshake_failed", "malformed_frame",
                             "no_permission", "credit_exceeded", "payload_too_large"}) {
    INFO(reason);
    CHECK(counted.contains(reason));
  }
  for (const auto& [kind, events] : denials.events_by_kind()) {
    INFO(kind);
    CHECK(events <= events_per_second_max * (duration.count() + 2));
  }
  require_open_door(home);
  WARN("attacks in " << duration.count() << " s: " << attacks << "honest, before: "
                     << seen.quiet.text() << "\nhonest, during: " << seen.during.text() << "\n"
                     << seen.published << " messages, all acknowledged and received\nresident "
                     << seen.resident_before_kib << " KiB, most " << seen.resident_most_kib
                     << " KiB\nrefusals:" << text_of(counted)
                     << "\nevents:" << text_of(denials.events_by_kind()));
  home.stop();
}

TEST_CASE("a broker without descriptors for the crowd goes on serving those it has") {
  constexpr int descriptors = 128, crowd = 400;
  const TempFolder folder;
  const FewDescriptors few(folder, descriptors);
  BusHome home;
  std::string attacks;
  const Besieged seen =
      live_through(home, [&] { return attack(home, scaled(5s, 30s), crowd); }, attacks);
  REQUIRE(home.daemon("broker").running());
  CHECK(Json::parse(attacks).at("crowd") > descriptors);  // It was crowded out.
  require_open_door(home);
  WARN("attacks: " << attacks << "honest, during: " << seen.during.text());
  home.stop();
}

}  // namespace guild::test
