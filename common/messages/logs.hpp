// The log consumer's messages. Records travel as items on `logs/<producer>/<module>`, one LogRecord
// each, as JSON. Acks come back on `logs-committed/<producer>`.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/messages/codec.hpp"
#include "common/messages/types.hpp"

namespace guild::messages {

enum class LogLevel { debug, info, warn, error, critical };
BOOST_DESCRIBE_ENUM(LogLevel, debug, info, warn, error, critical)

struct LogRecord {
  Instant time;
  LogLevel level = LogLevel::info;
  Text<64> daemon;  ///< The producer's own word; the stamped sender is what counts.
  Text<64> module;  ///< One topic level.
  Text<128> function;
  Text<256> file;
  std::int64_t line = 0;
  Text<10'000> message;
  Text<64> trace;        ///< Trace id, or empty.
  JsonObject extra;      ///< Redacted before it left the process.
  Uuid boot;             ///< One life of the producer.
  std::int64_t seq = 0;  ///< From 1, without gaps but for overflow.
  /// The oldest that the producer still holds: nothing before it will come again. The consumer
  /// takes only the record after the one it has, or this one; then what is missing between is lost
  /// for good.
  std::optional<bool> oldest{};
  std::optional<bool> last{};  ///< The producer's last word: nothing is missing after it.
};
BOOST_DESCRIBE_STRUCT(LogRecord, (),
                      (time, level, daemon, module, function, file, line, message, trace, extra,
                       boot, seq, oldest, last))

/// Event on `logs-committed/<producer>`: everything of `boot` up to `seq` is on disk.
struct LogsCommitted {
  Uuid boot;
  std::int64_t seq = 0;
  std::optional<bool> resend{};  ///< What was sent after `seq` was not taken: send it again.
};
BOOST_DESCRIBE_STRUCT(LogsCommitted, (), (boot, seq, resend))

/// Request `logconsumer/query`. Filters apply before the limit. The newest `limit` records that
/// match, oldest first; or from `after_id` on, oldest first, when that is given (paging, tail). A
/// page ends early where it would pass the payload's 1 MiB.
struct LogsQuery {
  std::optional<Instant> since, until;  ///< since <= time < until
  std::optional<LogLevel> level;        ///< This one and worse.
  std::optional<Text<64>> daemon;       ///< The stamped sender.
  std::optional<Text<64>> module;
  std::optional<Text<256>> grep;  ///< A substring of the message, letter by letter.
  std::optional<Text<64>> trace;
  std::optional<std::int64_t> after_id;
  Range<1, 1'000, 100> limit;
};
BOOST_DESCRIBE_STRUCT(LogsQuery, (),
                      (since, until, level, daemon, module, grep, trace, after_id, limit))
GUILD_OPTIONAL_FIELDS(LogsQuery, "limit")

struct StoredLogRecord {
  std::int64_t id = 0;   ///< Order of commit.
  std::string producer;  ///< The stamped sender.
  LogRecord record;
  std::int64_t lost_before =
      0;  ///< Records of this producer and boot that never arrived, just before.
  /// On the first record of a boot, when the producer's boot before it ended without its last word:
  /// whatever that one logged after this seq is unknown.
  std::optional<std::int64_t> unknown_after{};
};
BOOST_DESCRIBE_STRUCT(StoredLogRecord, (), (id, producer, record, lost_before, unknown_after))

struct LogsPage {
  List<StoredLogRecord, 1'000> records;
  std::int64_t last_id = 0;  ///< Ask again with after_id = this.
};
BOOST_DESCRIBE_STRUCT(LogsPage, (), (records, last_id))

/// Request `logconsumer/stats`: Nothing.
struct LogsProducer {
  std::string producer;
  Uuid boot;
  std::int64_t last_seq = 0, records = 0, lost = 0;
  bool ended = false;  ///< Its last word is stored: nothing is missing after last_seq.
};
BOOST_DESCRIBE_STRUCT(LogsProducer, (), (producer, boot, last_seq, records, lost, ended))
struct LogsStats {
  std::int64_t records = 0, lost = 0, duplicates = 0, refused = 0;
  List<LogsProducer, 1'000> producers;  ///< The most recent boots.
};
BOOST_DESCRIBE_STRUCT(LogsStats, (), (records, lost, duplicates, refused, producers))

}  // namespace guild::messages
