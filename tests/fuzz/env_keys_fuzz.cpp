// Any text as a file of bots' keys: what is read has names, and is within its bounds.
#include <cstdint>
#include <string_view>

#include "cli/env_keys.hpp"
#include "common/base/assert.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto keys =
      guild::cli::parse_env_keys({reinterpret_cast<const char*>(data), size});  // NOLINT
  if (!keys) return 0;
  for (const auto& key : *keys) {
    GUILD_ASSERT(!key.name.empty() && key.name.value.size() <= 64);
    GUILD_ASSERT(key.api_key.value.size() <= 128 && key.api_secret.value.size() <= 128);
    GUILD_ASSERT(!key.api_key.empty() || !key.api_secret.empty());
  }
  return 0;
}
