// Migrations: numbered SQL files compiled in, recorded with a SHA-256 checksum, run in one
// transaction at start. An older file upgrades; a newer one is refused (schema_newer); a recorded
// migration whose text changed is refused (migration_changed). Nothing else ever changes a schema.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/storage/connection.hpp"

namespace guild::storage {

struct Migration {
  std::int64_t number;    ///< From 1, without gaps.
  std::string_view name;  ///< "0001_accounts"
  std::string_view sql;
};

/// Brings the file to the last of `migrations`, or leaves it as it was. Answers how many ran.
/// Writes nothing when there is nothing to do. Code read_only on a read-only connection.
Result<int> migrate(Connection& connection, std::span<const Migration> migrations);
/// The number of the last migration the file has; 0 for an empty one. Works read-only.
Result<std::int64_t> schema_version(Connection& connection);

/// For readers, which never migrate: ok when the file has exactly `migrations`, else schema_older,
/// schema_newer or migration_changed.
Result<void> require_schema(Connection& connection, std::span<const Migration> migrations);

}  // namespace guild::storage
