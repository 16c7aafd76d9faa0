// env_keys: bots' keys in a file of shell assignments (`.env.bots`): parsed, never run. Lines are
// empty, a comment, or `[export ]NAME=VALUE` with the value bare, in '…' or in "…"; nothing in it
// is expanded. Of the names only HANDLE_API_KEY and HANDLE_API_SECRET count. Errors name the line
// and never show what is in it: env_format, env_duplicate, env_too_many. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/messages/authority.hpp"

namespace guild::cli {

inline constexpr std::size_t env_keys_max = 100'000;

/// By name. A key whose secret is missing, or the other way round, has an empty one.
Result<std::vector<messages::BotKey>> parse_env_keys(std::string_view text);

}  // namespace guild::cli
