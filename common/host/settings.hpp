// Every setting of the suite, in one list: type, default, unit, range. guild.toml is checked
// against it at start by every program; `GUILD_<SECTION>_<KEY>` in the environment overrides the
// file. Zero means zero or is refused; a setting that is absent has the default written here.
// (docs/adr/0001 says why one list and not one per daemon: the file is one, and an unknown key can
// only be told from a typo by someone who knows all keys.)
#pragma once

#include <optional>
#include <string>

#include "common/messages/types.hpp"

namespace guild::host {

using messages::List;
using messages::Range;

struct BusSettings {
  std::optional<Text<200>> endpoint;  ///< Absent: ipc://<home>/run/bus.sock
};
BOOST_DESCRIBE_STRUCT(BusSettings, (), (endpoint))

enum class LogLevel { debug, info, warn, error, critical };
BOOST_DESCRIBE_ENUM(LogLevel, debug, info, warn, error, critical)
struct LogSettings {
  LogLevel level = LogLevel::info;
  Range<16, 10'000'000, 65'536> buffer_records_max;
  Range<65'536, 4'294'967'296, 67'108'864> buffer_bytes_max;
  Duration fallback_after = std::chrono::seconds(10);
};
BOOST_DESCRIBE_STRUCT(LogSettings, (),
                      (level, buffer_records_max, buffer_bytes_max, fallback_after))

struct StorageSettings {
  Range<1, 600'000, 10'000> busy_timeout_ms;
  Range<64, 4'194'304, 8'192> cache_kib;
};
BOOST_DESCRIBE_STRUCT(StorageSettings, (), (busy_timeout_ms, cache_kib))

/// What happens to a message for a subscriber whose queue is full.
enum class OverflowPolicy { block, drop_oldest, disconnect };
BOOST_DESCRIBE_ENUM(OverflowPolicy, block, drop_oldest, disconnect)
/// Written "TOPICS POLICY", or "TOPICS POLICY SUBSCRIBER" for one subscriber alone.
struct OverflowSetting {
  std::string topics;  ///< A pattern.
  OverflowPolicy policy = OverflowPolicy::drop_oldest;
  std::string subscriber;  ///< A client's name; empty for all.
};
BOOST_DESCRIBE_STRUCT(OverflowSetting, (), (topics, policy, subscriber))

struct BrokerSettings {
  Range<1, 100'000, 4'096> sessions_max;
  Range<1, 10'000'000, 1'048'576> queue_messages_max;         ///< Per subscriber.
  Range<65'536, 17'179'869'184, 67'108'864> queue_bytes_max;  ///< Per subscriber.
  Range<0, 10'000, 100> spin_us;                              ///< After work, before blocking.
  Range<1, 16, 2> io_threads;
  Range<-20, 19, -10> nice;  ///< Of its threads; what the kernel refuses is left.
  /// What a client that moves much more may move while others speak; 0: no limit.
  Range<0, 17'179'869'184, 1'048'576> pace_bytes_per_s;
  List<OverflowSetting, 256> overflow;  ///< The first that matches; then the suite's own.
};
BOOST_DESCRIBE_STRUCT(BrokerSettings, (),
                      (sessions_max, queue_messages_max, queue_bytes_max, spin_us, io_threads, nice,
                       pace_bytes_per_s, overflow))

struct LogconsumerSettings {
  Range<1, 65'536, 8'192> batch_records_max;
};
BOOST_DESCRIBE_STRUCT(LogconsumerSettings, (), (batch_records_max))

struct LedgerdSettings {
  Range<0, 10'000, 500>
      spin_us;  ///< After work, before it blocks: one transfer at a time is quicker.
  Duration token_lifetime = std::chrono::hours(1);  ///< Of what stands for a bot's key and secret.
};
BOOST_DESCRIBE_STRUCT(LedgerdSettings, (), (spin_us, token_lifetime))

/// `enforce` charges and liquidates; `observe` decides the same and writes it down as metrics.
enum class EconomyMode { observe, enforce };
BOOST_DESCRIBE_ENUM(EconomyMode, observe, enforce)
/// `units` hundredths.
constexpr Money hundredths(std::int64_t units) {
  return Money::of_units(units * (Money::units_per_one / 100));
}
/// Shares and confidences are decimals in quotes, as amounts are: "0.15".
struct EconomySettings {
  EconomyMode mode = EconomyMode::observe;
  Money genesis_grant = hundredths(100'000);
  Money treasury_grant = hundredths(100'000'000);
  Money entropy_base = hundredths(50);  ///< The fee of a tick…
  Money idle_penalty = hundredths(25);  ///< …grows by so much…
  Range<1, 1'000'000, 5> idle_every;    ///< …for each so many idle ticks just before it…
  Money fee_cap = hundredths(300);      ///< …up to here.
  Money research_stake = hundredths(100);
  Money lookup_fee = hundredths(50);
  Range<0, 32, 3> bets_max;                ///< In one tick.
  Money bet_min = hundredths(1);           ///< Of a bet and of a wager.
  Money confidence_min = hundredths(65);   ///< A bet needs more than this.
  Money bet_share = hundredths(15);        ///< Of the balance, times the confidence.
  Money bets_share_max = hundredths(20);   ///< All bets of a tick, of the balance less the fee.
  Money wager_share_max = hundredths(10);  ///< Likewise, of a wager.
  Money funds_min = hundredths(500);       ///< Who has less neither bets nor wagers.
  Duration wager_horizon = std::chrono::minutes(5);
  Duration observation_valid = std::chrono::seconds(5);  ///< So long a bot may act on it.
  Duration price_every = std::chrono::seconds(60);
  Range<1, 1'000, 3> price_stale_after;  ///< Intervals; an older price is stale.
  Money default_bounty = hundredths(1'000);
  Duration default_deadline = std::chrono::hours(24);  ///< Of a market.
  Duration deadline_max = std::chrono::hours(24 * 366);
  Range<1, 1'000'000, 10'000> markets_open_max;
  List<Text<160>, 64>
      models;  ///< "MODEL RATE_IN RATE_OUT", per million tokens; empty: no metering.
};
BOOST_DESCRIBE_STRUCT(EconomySettings, (),
                      (mode, genesis_grant, treasury_grant, entropy_base, idle_penalty, idle_every,
                       fee_cap, research_stake, lookup_fee, bets_max, bet_min, confidence_min,
                       bet_share, bets_share_max, wager_share_max, funds_min, wager_horizon,
                       observation_valid, price_every, price_stale_after, default_bounty,
                       default_deadline, deadline_max, markets_open_max, models))

/// Off unless it has questions.
struct MarketMakerSettings {
  std::optional<Text<1'024>> questions;  ///< A file of JSON lines that nobody else may read.
  Range<1, 1'000, 3> open_min;       ///< So many research markets are open, whoever opened them.
  std::optional<Money> bounty;       ///< Of a question that names none; [economy] default_bounty.
  std::optional<Duration> deadline;  ///< Likewise; [economy] default_deadline.
  Duration every = std::chrono::minutes(1);  ///< It looks; also whenever a market has ended.
};
BOOST_DESCRIBE_STRUCT(MarketMakerSettings, (), (questions, open_min, bounty, deadline, every))

struct SchedulerSettings {
  Range<1, 1'024, 4> workers_max;
  Range<1, 1'000'000, 1'000> queue_max;
  Duration cancel_grace =
      std::chrono::seconds(5);          ///< Between SIGTERM and SIGKILL of a worker's group.
  List<Text<1'024>, 64> allowed_roots;  ///< Working folders lie inside one; empty: <home>/work.
};
BOOST_DESCRIBE_STRUCT(SchedulerSettings, (), (workers_max, queue_max, cancel_grace, allowed_roots))

struct GatewaySettings {
  Text<64> address = "127.0.0.1";
  Range<0, 65'535, 8'787> port;         ///< 0 picks a free one, written to <home>/run/gateway.port
  List<Text<256>, 64> allowed_hosts;    ///< Besides localhost and the address itself.
  List<Text<256>, 64> allowed_origins;  ///< Besides the gateway's own.
  Range<1'024, 104'857'600, 1'048'576> body_bytes_max;
  Range<1, 100'000, 1'000> connections_max;
  Duration request_timeout = std::chrono::seconds(10);
};
BOOST_DESCRIBE_STRUCT(GatewaySettings, (),
                      (address, port, allowed_hosts, allowed_origins, body_bytes_max,
                       connections_max, request_timeout))

struct Settings {
  BusSettings bus;
  LogSettings log;
  StorageSettings storage;
  BrokerSettings broker;
  LogconsumerSettings logconsumer;
  LedgerdSettings ledgerd;
  EconomySettings economy;
  MarketMakerSettings market_maker;
  SchedulerSettings scheduler;
  GatewaySettings gateway;
};
BOOST_DESCRIBE_STRUCT(Settings, (),
                      (bus, log, storage, broker, logconsumer, ledgerd, economy, market_maker,
                       scheduler, gateway))

}  // namespace guild::host
