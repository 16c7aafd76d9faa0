#include "scheduler/schema.hpp"

#include "scheduler/migrations.hpp"

namespace guild::scheduler {

std::span<const storage::Migration> schema() { return migrations; }

}  // namespace guild::scheduler
