#include "common/host/home.hpp"

#include <cstdlib>

namespace guild::host {
namespace {

constexpr std::string_view installed_home = "/var/lib/guildhall";

Result<Home> home_at(const std::filesystem::path& root) {
  std::error_code problem;
  std::filesystem::path whole = std::filesystem::absolute(root, problem).lexically_normal();
  if (problem) return fail(system_error(root.string(), problem.value()));
  if (!whole.has_filename()) whole = whole.parent_path();
  return Home{whole};
}

}  // namespace

Result<Home> Home::find(std::string_view given) {
  if (!given.empty()) return home_at(given);
  const char* from_environment = std::getenv("GUILD_HOME");
  if (from_environment != nullptr && *from_environment != '\0') return home_at(from_environment);
  std::error_code ignored;
  if (std::filesystem::is_directory(installed_home, ignored)) return home_at(installed_home);
  return fail(ErrorKind::not_found, "home_missing", "no home is named",
              "give --home DIR, or set GUILD_HOME");
}

}  // namespace guild::host
