// The log consumer's file, logs.db: the only place here that knows SQL. Functions on a connection,
// for the daemon and, when it is down, for the `guild` command's reads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "common/messages/logs.hpp"
#include "common/storage/connection.hpp"
#include "common/storage/migrations.hpp"
#include "logconsumer/batch.hpp"

namespace guild::logconsumer {

inline constexpr std::string_view database_file = "logs.db";
std::span<const storage::Migration> schema();

/// Tells `each` the high-water mark of the `count` youngest streams, youngest first.
Result<void> load_streams(
    storage::Connection& connection, std::int64_t count,
    const std::function<void(const StreamName&, std::int64_t last_seq)>& each);
/// The id of the newest record ever written; 0 when there is none.
Result<std::int64_t> load_last_id(storage::Connection& connection);

struct Written {
  std::int64_t records = 0;
  std::int64_t lost = 0;     ///< Found missing.
  std::int64_t skipped = 0;  ///< Were there already.
};
/// Writes the rows of `batch` whose numbers their streams have not passed yet, with ids from
/// `first_id` on. Inside a transaction, which may be run again.
Result<Written> write_batch(storage::Connection& connection, const Batch& batch,
                            std::int64_t first_id);

/// The page that `query` asks for, at most about 900 KB of it. A fixed number of statements.
Result<messages::LogsPage> read_page(storage::Connection& connection,
                                     const messages::LogsQuery& query);
/// What is on disk: records, lost, and the 1,000 youngest streams.
Result<messages::LogsStats> read_stats(storage::Connection& connection);

}  // namespace guild::logconsumer
