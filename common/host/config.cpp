#include "common/host/config.hpp"

#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/toml.hpp"
#include "common/host/setting_table.hpp"

namespace guild::host {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t config_bytes_max = 1U << 20U;
constexpr std::string_view prefix = "GUILD_";
constexpr std::string_view ipc_scheme = "ipc://";
/// The kernel's sun_path, less its closing NUL.
constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;

std::unexpected<Error> refuse(std::string code, std::string message, std::string next_step) {
  return fail(ErrorKind::invalid, std::move(code), std::move(message), std::move(next_step));
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known,
                         std::string_view what) {
  const std::string_view near = nearest(word, known);
  if (!near.empty()) return fmt::format("did you mean {}?", near);
  return fmt::format("{} are {}", what, fmt::join(known, ", "));
}

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names;
  for (const Setting& setting : all_settings())
    if (names.empty() || names.back() != setting.section) names.push_back(setting.section);
  return names;
}

std::vector<std::string_view> keys_of(std::string_view section) {
  std::vector<std::string_view> keys;
  for (const Setting& setting : all_settings())
    if (setting.section == section) keys.push_back(setting.key);
  return keys;
}

const Setting* find_setting(std::string_view section, std::string_view key) {
  const auto all = all_settings();
  const auto found = std::ranges::find_if(all, [&](const Setting& setting) {
    return setting.section == section && setting.key == key;
  });
  return found == all.end() ? nullptr : &*found;
}

/// The section that has `key`, when it was written into a wrong one; else "".
std::string_view section_with(std::string_view key) {
  for (const Setting& setting : all_settings())
    if (setting.key == key) return setting.section;
  return {};
}

std::unexpected<Error> unknown_key(std::string_view file, const toml::node& node,
                                   std::string_view section, std::string_view key) {
  const std::string_view home = section_with(key);
  return refuse("config_unknown_key",
                fmt::format("{}:{}: [{}] {}: unknown key", file, node.source().begin.line, section,
                            escape_to_ascii(key)),
                home.empty() ? did_you_mean(key, keys_of(section), "its keys")
                             : fmt::format("{} is a key of [{}]", key, home));
}

std::unexpected<Error> unknown_section(std::string_view file, const toml::node& node,
                                       std::string_view name) {
  const std::string_view home = section_with(name);
  return refuse("config_unknown_key",
                fmt::format("{}:{}: {}: unknown {}", file, node.source().begin.line,
                            guild::quoted(name), node.is_table() ? "section" : "key"),
                home.empty() || node.is_table() ? did_you_mean(name, section_names(), "sections")
                                                : fmt::format("{} is a key of [{}]", name, home));
}

Result<void> read_section(std::string_view file, std::string_view section, const toml::table& table,
                          Settings& settings) {
  for (const auto& [key, node] : table) {
    const Setting* setting = find_setting(section, key.str());
    if (setting == nullptr) return unknown_key(file, node, section, key.str());
    const std::string place =
        fmt::format("{}:{}: [{}] {}", file, node.source().begin.line, section, key.str());
    GUILD_CHECK(apply(*setting, {place, &node}, settings));
  }
  return {};
}

Result<void> read_file_text(std::string_view text, std::string_view file, Settings& settings) {
  auto parsed = parse_toml(text, file);
  if (!parsed) {
    return refuse("config_syntax", parsed.error().message, parsed.error().next_step);
  }
  const auto sections = section_names();
  for (const auto& [name, node] : *parsed) {
    if (std::ranges::find(sections, name.str()) == sections.end())
      return unknown_section(file, node, name.str());
    const toml::table* table = node.as_table();
    if (table == nullptr)
      return refuse("config_type",
                    fmt::format("{}:{}: {}: {}; expected a section", file, node.source().begin.line,
                                name.str(), toml_type_name(node)),
                    fmt::format("write [{}] on a line of its own", name.str()));
    GUILD_CHECK(read_section(file, name.str(), *table, settings));
  }
  return {};
}

bool is_reserved(std::string_view variable) {
  return variable == "GUILD_HOME" || variable.starts_with("GUILD_TASK_");
}

std::unexpected<Error> unknown_variable(std::string_view variable) {
  std::vector<std::string_view> known;
  for (const Setting& setting : all_settings()) known.push_back(setting.variable);
  const std::string_view near = nearest(variable, known);
  return refuse("config_environment",
                fmt::format("environment {}: there is no such setting", escape_to_ascii(variable)),
                near.empty() ? "GUILD_<SECTION>_<KEY> overrides a key of guild.toml; unset it"
                             : fmt::format("did you mean {}?", near));
}

Result<void> read_environment(std::span<const std::string_view> environment, Settings& settings) {
  for (const std::string_view entry : environment) {
    const std::string_view variable = entry.substr(0, entry.find('='));
    if (!variable.starts_with(prefix) || is_reserved(variable)) continue;
    const auto all = all_settings();
    const auto setting = std::ranges::find(all, variable, &Setting::variable);
    if (setting == all.end()) return unknown_variable(variable);
    const std::string_view value = entry.substr(std::min(variable.size() + 1, entry.size()));
    GUILD_CHECK(
        apply(*setting, {fmt::format("environment {}", variable), nullptr, value}, settings));
  }
  return {};
}

std::string resolved(const fs::path& folder, std::string_view path) {
  return (folder / path).lexically_normal().string();
}

/// Relative paths are meant from the folder of the file that holds them; a variable's from the
/// same.
void resolve_paths(const fs::path& folder, Settings& settings) {
  for (auto& root : settings.scheduler.allowed_roots) root.value = resolved(folder, root.value);
  if (auto& questions = settings.market_maker.questions)
    questions->value = resolved(folder, questions->value);
  if (auto& endpoint = settings.bus.endpoint; endpoint && endpoint->view().starts_with(ipc_scheme))
    endpoint->value =
        std::string(ipc_scheme) + resolved(folder, endpoint->view().substr(ipc_scheme.size()));
}

Result<std::string> config_text(const fs::path& path) {
  auto text = read_file(path, config_bytes_max);
  if (!text && text.error().code == "file_missing") return std::string();
  return text;
}

}  // namespace

Result<Settings> parse_settings(std::string_view toml, std::string_view file_name,
                                std::span<const std::string_view> environment) {
  Settings settings;
  GUILD_CHECK(read_file_text(toml, file_name, settings));
  GUILD_CHECK(read_environment(environment, settings));
  resolve_paths(fs::absolute(file_name).parent_path(), settings);
  return settings;
}

Result<Settings> load_settings(const Home& home, std::span<const std::string_view> environment) {
  GUILD_TRY(const std::string text, config_text(home.config()));
  return parse_settings(text, home.config().string(), environment);
}

std::vector<std::string_view> process_environment() {
  std::vector<std::string_view> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    entries.emplace_back(*entry);
  return entries;
}

Result<std::string> bus_endpoint(const Home& home, const Settings& settings) {
  std::string endpoint = settings.bus.endpoint
                             ? settings.bus.endpoint->value
                             : std::string(ipc_scheme) + home.bus_socket().string();
  if (!endpoint.starts_with(ipc_scheme)) return endpoint;
  const std::size_t size = endpoint.size() - ipc_scheme.size();
  if (size <= socket_path_max) return endpoint;
  return refuse("socket_path_too_long",
                fmt::format("{}: the socket's path has {} bytes, the kernel takes {}", endpoint,
                            size, socket_path_max),
                "use a home with a shorter path, or set [bus] endpoint to tcp://127.0.0.1:PORT");
}

std::string format_settings(const Settings& settings) {
  std::string text;
  std::string_view section;
  for (const Setting& setting : all_settings()) {
    if (setting.section != section)
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", setting.section);
    section = setting.section;
    const std::string value = setting.write(settings);
    text += value.empty() ? fmt::format("# {} is not set\n", setting.key)
                          : fmt::format("{} = {}\n", setting.key, value);
  }
  return text;
}

}  // namespace guild::host
