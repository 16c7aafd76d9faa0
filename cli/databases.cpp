#include "cli/databases.hpp"

#include <algorithm>

#include "common/base/assert.hpp"
#include "keys/keyring.hpp"

namespace guild::cli {

bool exists(const host::Home& home, const Database& database) {
  std::error_code ignored;
  return std::filesystem::exists(home.database(database.file), ignored);
}

const Database& database_in(std::string_view file) {
  const auto* const found = std::ranges::find(databases, file, &Database::file);
  GUILD_ASSERT(found != std::end(databases));
  return *found;
}

Result<std::unique_ptr<storage::Connection>> open_to_read(const host::Home& home,
                                                          const host::Settings& settings,
                                                          const Database& database) {
  GUILD_TRY(const Secret32 key, keys::load_database_key(home.keys(), database.daemon));
  storage::OpenOptions options;
  options.path = home.database(database.file);
  options.key = key;
  options.mode = storage::Mode::read_only;
  options.cache_kib = settings.storage.cache_kib;
  options.busy_timeout_ms = static_cast<int>(settings.storage.busy_timeout_ms.value);
  return storage::Connection::open(std::move(options));
}

}  // namespace guild::cli
