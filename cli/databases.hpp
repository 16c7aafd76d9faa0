// The database files of a home, and how the command reads them: with the owning daemon's key,
// query_only, never migrating or recovering, whether that daemon runs or not.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "cli/context.hpp"
#include "common/base/result.hpp"
#include "common/storage/connection.hpp"

namespace guild::cli {

struct Database {
  std::string_view file, daemon;
};
inline constexpr Database databases[] = {{"broker.db", "broker"},
                                         {"logs.db", "logconsumer"},
                                         {"ledger.db", "ledgerd"},
                                         {"scheduler.db", "scheduler"},
                                         {"gateway.db", "gateway"}};

bool exists(const host::Home& home, const Database& database);
/// The one in `file`, which must be of the list above.
const Database& database_in(std::string_view file);
Result<std::unique_ptr<storage::Connection>> open_to_read(const host::Home& home,
                                                          const host::Settings& settings,
                                                          const Database& database);

}  // namespace guild::cli
