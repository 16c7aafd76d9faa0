// The schema of scheduler.db, in order.
#pragma once

#include <span>

#include "common/storage/migrations.hpp"

namespace guild::scheduler {

std::span<const storage::Migration> schema();

}  // namespace guild::scheduler
