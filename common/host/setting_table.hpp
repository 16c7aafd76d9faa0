// The table of all settings, made from the described structs of settings.hpp: where each stands,
// how it is read, checked beyond its type, and written. Private to common/host.
// A setting is added in settings.hpp alone; only a bound that its type cannot say is added here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/host/setting_values.hpp"
#include "common/host/settings.hpp"

namespace guild::host {

struct Setting {
  std::string_view section, key;
  std::string variable;  ///< "GUILD_GATEWAY_PORT"
  Result<void> (*read)(const values::Source& source, Settings& settings);
  std::string (*write)(const Settings& settings);  ///< "" when absent.
};

std::span<const Setting> all_settings();
/// Reads and checks one; `settings` keeps its value when refused.
Result<void> apply(const Setting& setting, const values::Source& source, Settings& settings);

}  // namespace guild::host
