// The migrations of ledger.db, compiled in from migrations/.
#pragma once

#include <span>

#include "common/storage/migrations.hpp"

namespace guild::ledgerd {

std::span<const storage::Migration> schema();

}  // namespace guild::ledgerd
