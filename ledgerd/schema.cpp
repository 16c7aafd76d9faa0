#include "ledgerd/schema.hpp"

#include "ledgerd/migrations.hpp"

namespace guild::ledgerd {

std::span<const storage::Migration> schema() { return migrations; }

}  // namespace guild::ledgerd
