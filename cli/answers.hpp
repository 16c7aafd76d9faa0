// What verbs print with --json beyond the messages of the daemons: described structs, so that their
// JSON comes from the same codec. Field names are part of the contract with tools that read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/host/settings.hpp"
#include "common/messages/codec.hpp"
#include "common/messages/scheduler.hpp"
#include "common/messages/types.hpp"

namespace guild::cli {

using messages::List;

struct MadeFile {
  std::string path;
};
BOOST_DESCRIBE_STRUCT(MadeFile, (), (path))

struct KeyLine {
  std::string name, role, public_key;
  List<std::string, 256> publish, subscribe, request, serve;
};
BOOST_DESCRIBE_STRUCT(KeyLine, (), (name, role, public_key, publish, subscribe, request, serve))

/// What a client's line was given, or lacks.
struct KeyPermission {
  std::string client, field, pattern;
};
BOOST_DESCRIBE_STRUCT(KeyPermission, (), (client, field, pattern))

struct ConfigVerdict {
  std::string path;
  bool ok = false;
  std::string endpoint;
};
BOOST_DESCRIBE_STRUCT(ConfigVerdict, (), (path, ok, endpoint))

/// One daemon, as `guild status` sees it. Without a reason it is ready.
struct DaemonStatus {
  std::string name;
  std::optional<std::int64_t> pid;
  bool ready = false;
  std::optional<std::int64_t> uptime_s, rss_bytes;
  std::string state;  ///< "starting", "ready", "draining", "down", "silent"
  std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(DaemonStatus, (), (name, pid, ready, uptime_s, rss_bytes, state, reason))

enum class Verdict { ok, warn, fail };
BOOST_DESCRIBE_ENUM(Verdict, ok, warn, fail)
struct Finding {
  std::string check;
  Verdict verdict{};
  std::string detail;
  std::optional<std::string> next_step;
};
BOOST_DESCRIBE_STRUCT(Finding, (), (check, verdict, detail, next_step))

struct DatabaseStatus {
  std::string file, daemon;
  bool encrypted = false;
  std::int64_t bytes = 0, wal_bytes = 0, schema_version = 0;
  std::string journal_mode;
  std::optional<std::string> problem;
};
BOOST_DESCRIBE_STRUCT(DatabaseStatus, (),
                      (file, daemon, encrypted, bytes, wal_bytes, schema_version, journal_mode,
                       problem))

struct DatabaseVerdict {
  std::string file;
  bool ok = false;
  List<std::string, 1'000> problems;
};
BOOST_DESCRIBE_STRUCT(DatabaseVerdict, (), (file, ok, problems))

/// One message of `guild bus sub`. The payload is a string when it is UTF-8, else hex.
struct BusMessage {
  std::string topic, sender;
  std::int64_t seq = 0;
  std::optional<std::string> payload, payload_hex;
};
BOOST_DESCRIBE_STRUCT(BusMessage, (), (topic, sender, seq, payload, payload_hex))

struct Pong {
  std::string daemon;
  std::int64_t us = 0;
};
BOOST_DESCRIBE_STRUCT(Pong, (), (daemon, us))

struct BusBench {
  std::int64_t messages_per_s = 0, p50_us = 0, p99_us = 0, published = 0, delivered = 0,
               dropped = 0, out_of_order = 0, size = 0, publishers = 0, subscribers = 0;
};
BOOST_DESCRIBE_STRUCT(BusBench, (),
                      (messages_per_s, p50_us, p99_us, published, delivered, dropped, out_of_order,
                       size, publishers, subscribers))

struct LedgerBench {
  std::int64_t transfers_per_s = 0;
  std::int64_t p50_us = 0, p99_us = 0;  ///< From a request to its answer.
  std::int64_t transfers = 0, batch = 0, clients = 0, accounts = 0, booked = 0, refused = 0;
  bool durable = false;  ///< All that was answered is in the file, read and recomputed.
  std::int64_t verify_ms = 0, start_ms = 0;
};
BOOST_DESCRIBE_STRUCT(LedgerBench, (),
                      (transfers_per_s, p50_us, p99_us, transfers, batch, clients, accounts, booked,
                       refused, durable, verify_ms, start_ms))

struct EchoBench {
  std::int64_t p50_us = 0, p99_us = 0, messages = 0;
};
BOOST_DESCRIBE_STRUCT(EchoBench, (), (p50_us, p99_us, messages))

struct Emitted {
  std::string name;
  Uuid boot;
  std::int64_t written = 0, acknowledged = 0, dropped = 0;
};
BOOST_DESCRIBE_STRUCT(Emitted, (), (name, boot, written, acknowledged, dropped))

/// A task that `guild task run` waited for.
struct TaskRun {
  messages::Task task;
  std::string output;
};
BOOST_DESCRIBE_STRUCT(TaskRun, (), (task, output))

}  // namespace guild::cli
