// Constants: the economic settings in force, as the pure core takes them: the config section
// [economy] itself, checked where it was read. They are recorded whole, as JSON, each time they
// change.
#pragma once

#include <string>

#include "common/host/settings.hpp"

namespace guild::ledgerd::economy {

using Constants = host::EconomySettings;
using Mode = host::EconomyMode;

std::string text_of(const Constants& constants);

}  // namespace guild::ledgerd::economy
