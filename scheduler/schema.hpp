// The schema of scheduler.db: its migrations, in order, for whoever opens the file (the daemon; the
// `guild` command when the daemon is down). Compiled in, recorded by checksum.
// An older file is upgraded by them, a newer one refused (common/storage/migrations.hpp).
#pragma once

#include <span>

#include "common/storage/migrations.hpp"

namespace guild::scheduler {

std::span<const storage::Migration> schema();

}  // namespace guild::scheduler
