#include "logconsumer/store.hpp"

#include <algorithm>

#include "common/messages/codec.hpp"
#include "logconsumer/migrations.hpp"

namespace guild::logconsumer {
namespace {

using storage::Connection;
using storage::Statement;

/// Leaves room in a payload of 1 MiB for the record that passes it and for what the bus adds.
constexpr std::size_t page_bytes_max = 900'000;

Result<Uuid> boot_of(BytesView blob) {
  Uuid boot;
  if (blob.size() != boot.bytes.size()) {
    return fail(ErrorKind::failed, "corrupt", "a boot id is not 16 bytes", "run guild db check");
  }
  std::copy(blob.begin(), blob.end(), boot.bytes.begin());
  return boot;
}

// ---- writing

/// A stream as the batch goes on.
struct StreamRow {
  std::int64_t id = 0, last_seq = 0;
  std::int64_t last_id = 0, records = 0, lost = 0;  // Of this batch.
  bool ended = false;
};

Result<StreamRow> find_stream(Connection& connection, const StreamName& name) {
  GUILD_TRY(Statement find, connection.prepare("SELECT id, last_seq FROM streams "
                                               "WHERE producer = ? AND boot = ?"));
  find.bind_all(name.producer, BytesView(name.boot.bytes));
  GUILD_TRY(const bool found, find.step());
  StreamRow row;
  if (found) row = {find.integer(0), find.integer(1)};
  return row;
}

Result<StreamRow> add_stream(Connection& connection, const StreamName& name,
                             std::int64_t first_id) {
  GUILD_CHECK(connection.execute(
      "INSERT INTO streams (producer, boot, first_id, last_id, last_seq, records, lost, ended) "
      "VALUES (?1, ?2, ?3, ?3, 0, 0, 0, 0)",
      name.producer, BytesView(name.boot.bytes), first_id));
  StreamRow row;
  row.id = connection.last_insert_rowid();
  return row;
}

Result<void> update_stream(Connection& connection, const StreamRow& row) {
  if (row.records == 0) return {};
  return connection.execute(
      "UPDATE streams SET last_id = ?, last_seq = ?, records = records + ?, lost = lost + ?, "
      "ended = ? WHERE id = ?",
      row.last_id, row.last_seq, row.records, row.lost, row.ended ? 1 : 0, row.id);
}

void bind_record(Statement& insert, std::int64_t id, const StreamRow& stream,
                 const StreamName& name, const messages::LogRecord& record,
                 std::int64_t lost_before) {
  insert.bind_all(id, stream.id, record.seq, record.time.ns, static_cast<int>(record.level));
  if (record.daemon.value == name.producer) {
    insert.bind(6, nullptr);
  } else {
    insert.bind(6, record.daemon.view());
  }
  insert.bind(7, record.module.view()).bind(8, record.function.view()).bind(9, record.file.view());
  insert.bind(10, record.line).bind(11, record.message.view()).bind(12, record.trace.view());
  if (record.extra.text == "{}") {
    insert.bind(13, nullptr);
  } else {
    insert.bind(13, std::string_view(record.extra.text));
  }
  insert.bind(14, lost_before);
}

class BatchWriter {
 public:
  BatchWriter(Connection& connection, const Batch& batch, std::int64_t first_id)
      : connection_(connection),
        batch_(batch),
        streams_(batch.streams.size()),
        next_id_(first_id) {}

  Result<Written> run() {
    GUILD_TRY(
        Statement insert,
        connection_.prepare("INSERT INTO records (id, stream, seq, time, level, daemon, "
                            "module, function, file, line, message, trace, extra, "
                            "lost_before) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    for (const Batch::Row& row : batch_.rows) GUILD_CHECK(write(insert, row));
    for (const StreamRow& stream : streams_) GUILD_CHECK(update_stream(connection_, stream));
    return written_;
  }

 private:
  Result<void> write(Statement& insert, const Batch::Row& row) {
    StreamRow& stream = streams_[row.stream];
    const StreamName& name = batch_.streams[row.stream];
    if (stream.id == 0) GUILD_CHECK(open(stream, name));
    if (row.record.seq <= stream.last_seq) return ++written_.skipped, Result<void>{};
    const std::int64_t lost = row.record.seq - stream.last_seq - 1;
    bind_record(insert, next_id_, stream, name, row.record, lost);
    GUILD_CHECK(insert.run());
    insert.reset();
    stream.last_seq = row.record.seq;
    stream.last_id = next_id_++;
    stream.ended = row.record.last.value_or(false);
    ++stream.records;
    stream.lost += lost;
    ++written_.records;
    written_.lost += lost;
    return {};
  }

  Result<void> open(StreamRow& stream, const StreamName& name) {
    GUILD_TRY(stream, find_stream(connection_, name));
    if (stream.id != 0) return {};
    GUILD_TRY(stream, add_stream(connection_, name, next_id_));
    return {};
  }

  Connection& connection_;
  const Batch& batch_;
  std::vector<StreamRow> streams_;
  std::int64_t next_id_;
  Written written_;
};

// ---- reading

// CROSS JOIN keeps the records outermost, so that a page is read in order of id and ends at its
// limit. instr takes the text letter by letter, where LIKE would see wildcards in it.
#define GUILD_LOGS_SELECT                                                                        \
  "SELECT r.id, s.producer, s.boot, r.seq, r.time, r.level, coalesce(r.daemon, s.producer), "    \
  "r.module, r.function, r.file, r.line, r.message, r.trace, coalesce(r.extra, '{}'), "          \
  "r.lost_before, CASE WHEN r.id = s.first_id THEN "                                             \
  "  (SELECT CASE WHEN p.ended = 0 AND p.last_id < s.first_id THEN p.last_seq END "              \
  "   FROM streams p WHERE p.producer = s.producer AND p.id < s.id ORDER BY p.id DESC LIMIT 1) " \
  "END FROM records r CROSS JOIN streams s ON s.id = r.stream "                                  \
  "WHERE r.id > ?1 AND (?2 IS NULL OR r.time >= ?2) AND (?3 IS NULL OR r.time < ?3) "            \
  "AND (?4 IS NULL OR r.level >= ?4) AND (?5 IS NULL OR s.producer = ?5) "                       \
  "AND (?6 IS NULL OR r.module = ?6) AND (?7 IS NULL OR instr(r.message, ?7) > 0) "
#define GUILD_LOGS_ANY_TRACE "AND ?8 IS NULL "
#define GUILD_LOGS_ONE_TRACE "AND r.trace = ?8 AND r.trace <> '' "
#define GUILD_LOGS_NEWEST "ORDER BY r.id DESC LIMIT ?9"
#define GUILD_LOGS_ONWARD "ORDER BY r.id ASC LIMIT ?9"

std::string_view select_of(const messages::LogsQuery& query) {
  if (query.after_id) {
    return query.trace ? GUILD_LOGS_SELECT GUILD_LOGS_ONE_TRACE GUILD_LOGS_ONWARD
                       : GUILD_LOGS_SELECT GUILD_LOGS_ANY_TRACE GUILD_LOGS_ONWARD;
  }
  return query.trace ? GUILD_LOGS_SELECT GUILD_LOGS_ONE_TRACE GUILD_LOGS_NEWEST
                     : GUILD_LOGS_SELECT GUILD_LOGS_ANY_TRACE GUILD_LOGS_NEWEST;
}

template <std::size_t Max>
void bind_text(Statement& select, int index, const std::optional<Text<Max>>& text) {
  if (text) {
    select.bind(index, text->view());
  } else {
    select.bind(index, nullptr);
  }
}

void bind_time(Statement& select, int index, const std::optional<Instant>& time) {
  select.bind(index, time ? std::optional(time->ns) : std::nullopt);
}

void bind_query(Statement& select, const messages::LogsQuery& query) {
  select.bind(1, query.after_id.value_or(0));
  bind_time(select, 2, query.since);
  bind_time(select, 3, query.until);
  select.bind(4,
              query.level ? std::optional(static_cast<std::int64_t>(*query.level)) : std::nullopt);
  bind_text(select, 5, query.daemon);
  bind_text(select, 6, query.module);
  bind_text(select, 7, query.grep);
  bind_text(select, 8, query.trace);
  select.bind(9, query.limit.value);
}

Result<messages::StoredLogRecord> record_of(const Statement& row) {
  messages::StoredLogRecord stored;
  stored.id = row.integer(0);
  stored.producer = row.text(1);
  messages::LogRecord& record = stored.record;
  GUILD_TRY(record.boot, boot_of(row.blob(2)));
  record.seq = row.integer(3);
  record.time = {row.integer(4)};
  record.level = static_cast<messages::LogLevel>(std::clamp<std::int64_t>(row.integer(5), 0, 4));
  record.daemon.value = row.text(6);
  record.module.value = row.text(7);
  record.function.value = row.text(8);
  record.file.value = row.text(9);
  record.line = row.integer(10);
  record.message.value = row.text(11);
  record.trace.value = row.text(12);
  record.extra.text = row.text(13);
  stored.lost_before = row.integer(14);
  if (!row.is_null(15)) stored.unknown_after = row.integer(15);
  return stored;
}

struct Rows {
  messages::LogsPage page;
  bool cut = false;  ///< There may be more: the limit or the page's size ended it.
};

Result<Rows> read_rows(Connection& connection, const messages::LogsQuery& query) {
  GUILD_TRY(Statement select, connection.prepare(select_of(query)));
  bind_query(select, query);
  Rows rows;
  std::size_t bytes = 0;
  while (true) {
    GUILD_TRY(const bool there, select.step());
    if (!there) return rows;
    GUILD_TRY(messages::StoredLogRecord stored, record_of(select));
    bytes += messages::encode(stored).size() + 1;
    rows.cut = bytes > page_bytes_max && !rows.page.records.empty();
    if (rows.cut) return rows;
    rows.page.records.push_back(std::move(stored));
    rows.cut = rows.page.records.size() == static_cast<std::size_t>(query.limit.value);
    if (rows.cut) return rows;
  }
}

Result<messages::LogsPage> page_of(Connection& connection, const messages::LogsQuery& query) {
  GUILD_TRY(const auto newest, connection.query_integer("SELECT max(id) FROM records"));
  GUILD_TRY(Rows rows, read_rows(connection, query));
  const bool onward = query.after_id.has_value();
  if (!onward) std::reverse(rows.page.records.begin(), rows.page.records.end());
  // Whoever asks again from here misses nothing, and what did not match is not looked at twice.
  rows.page.last_id = onward && rows.cut ? rows.page.records.back().id
                                         : std::max(newest.value_or(0), query.after_id.value_or(0));
  return std::move(rows.page);
}

Result<messages::LogsStats> stats_of(Connection& connection) {
  messages::LogsStats stats;
  GUILD_TRY(Statement sums, connection.prepare("SELECT coalesce(sum(records), 0), "
                                               "coalesce(sum(lost), 0) FROM streams"));
  GUILD_CHECK(sums.step());
  stats.records = sums.integer(0);
  stats.lost = sums.integer(1);
  GUILD_TRY(Statement select,
            connection.prepare("SELECT producer, boot, last_seq, records, lost, ended FROM streams "
                               "ORDER BY id DESC LIMIT 1000"));
  while (true) {
    GUILD_TRY(const bool there, select.step());
    if (!there) return stats;
    GUILD_TRY(const Uuid boot, boot_of(select.blob(1)));
    stats.producers.push_back({std::string(select.text(0)), boot, select.integer(2),
                               select.integer(3), select.integer(4), select.integer(5) != 0});
  }
}

}  // namespace

std::span<const storage::Migration> schema() { return migrations; }

Result<void> load_streams(
    Connection& connection, std::int64_t count,
    const std::function<void(const StreamName&, std::int64_t last_seq)>& each) {
  GUILD_TRY(Statement select, connection.prepare("SELECT producer, boot, last_seq FROM streams "
                                                 "ORDER BY id DESC LIMIT ?"));
  select.bind_all(count);
  while (true) {
    GUILD_TRY(const bool there, select.step());
    if (!there) return {};
    GUILD_TRY(const Uuid boot, boot_of(select.blob(1)));
    each({std::string(select.text(0)), boot}, select.integer(2));
  }
}

Result<std::int64_t> load_last_id(Connection& connection) {
  // Of the streams, which stay when their records are cleaned away.
  GUILD_TRY(const auto last, connection.query_integer("SELECT max(last_id) FROM streams"));
  return last.value_or(0);
}

Result<Written> write_batch(Connection& connection, const Batch& batch, std::int64_t first_id) {
  return BatchWriter(connection, batch, first_id).run();
}

Result<messages::LogsPage> read_page(Connection& connection, const messages::LogsQuery& query) {
  messages::LogsPage page;
  GUILD_CHECK(connection.snapshot([&](Connection& snapshot) -> Result<void> {
    GUILD_TRY(page, page_of(snapshot, query));
    return {};
  }));
  return page;
}

Result<messages::LogsStats> read_stats(Connection& connection) {
  messages::LogsStats stats;
  GUILD_CHECK(connection.snapshot([&stats](Connection& snapshot) -> Result<void> {
    GUILD_TRY(stats, stats_of(snapshot));
    return {};
  }));
  return stats;
}

}  // namespace guild::logconsumer
