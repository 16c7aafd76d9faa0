// The migrations of ledger.db, compiled in from migrations/ by scripts/embed_migrations. A file
// that is newer than the last of them is refused at start (schema_newer).
#pragma once

#include <span>

#include "common/storage/migrations.hpp"

namespace guild::ledgerd {

std::span<const storage::Migration> schema();

}  // namespace guild::ledgerd
