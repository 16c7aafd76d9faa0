// Reads guild.toml and the environment into Settings. A missing file means all defaults.
// Codes (kind invalid): config_syntax, config_unknown_key (with the nearest known one),
// config_type, config_range, config_environment. Messages name file, line and key.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/host/home.hpp"
#include "common/host/settings.hpp"

namespace guild::host {

/// `environment` is "NAME=value" strings; only GUILD_ ones are looked at (GUILD_HOME and
/// GUILD_TASK_* are reserved, not settings).
Result<Settings> load_settings(const Home& home, std::span<const std::string_view> environment);
Result<Settings> parse_settings(std::string_view toml, std::string_view file_name,
                                std::span<const std::string_view> environment);
/// This process's environment.
std::vector<std::string_view> process_environment();
/// The endpoint to connect to or bind; code socket_path_too_long with the length and the limit.
Result<std::string> bus_endpoint(const Home& home, const Settings& settings);
/// All settings as TOML with their values, defaults included: `guild config show`.
std::string format_settings(const Settings& settings);

}  // namespace guild::host
