// Home: where a suite lives, `$GUILD_HOME` or --home, and the path of everything in it. Several
// homes live side by side on one machine and share nothing. Error code home_missing when none is
// named. The order of daemon_names is the order of starting; stopping goes the other way.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild::host {

inline constexpr std::string_view daemon_names[] = {"broker", "logconsumer", "ledgerd", "scheduler",
                                                    "gateway"};

struct Home {
  std::filesystem::path root;  ///< Absolute.

  /// `given`, else $GUILD_HOME, else /var/lib/guildhall when installed there; code home_missing.
  static Result<Home> find(std::string_view given);

  std::filesystem::path config() const { return root / "guild.toml"; }
  std::filesystem::path keys() const { return root / "keys"; }
  std::filesystem::path data() const { return root / "data"; }
  std::filesystem::path run() const { return root / "run"; }
  std::filesystem::path lock(std::string_view daemon) const {
    return run() / (std::string(daemon) + ".lock");
  }
  std::filesystem::path ready(std::string_view daemon) const {
    return run() / (std::string(daemon) + ".ready");
  }
  std::filesystem::path shutdown(std::string_view daemon) const {
    return run() / (std::string(daemon) + ".shutdown");
  }
  std::filesystem::path system_shutdown() const { return run() / "system.shutdown"; }
  std::filesystem::path bus_socket() const { return run() / "bus.sock"; }
  std::filesystem::path database(std::string_view file) const { return data() / file; }
};

}  // namespace guild::host
