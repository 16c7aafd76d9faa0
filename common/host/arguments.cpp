#include "common/host/arguments.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace guild::host {
namespace {

constexpr std::string_view options[] = {"--home", "--check-config", "--version", "--help"};

std::unexpected<Error> usage(std::string message, std::string next_step = "see --help") {
  return fail(ErrorKind::invalid, "usage", std::move(message), std::move(next_step));
}

}  // namespace

Result<Arguments> parse_arguments(std::span<const std::string_view> words) {
  constexpr std::string_view home_option = "--home";
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--check-config") {
      arguments.action = Action::check_config;
    } else if (word == "--version") {
      arguments.action = Action::print_version;
    } else if (word == "--help" || word == "-h") {
      arguments.action = Action::print_help;
    } else if (word.starts_with("--home=")) {
      arguments.home = word.substr(home_option.size() + 1);
      if (arguments.home.empty()) return usage("--home names no folder");
    } else if (word == home_option) {
      ++i;
      if (i == words.size() || words[i].empty()) return usage("--home names no folder");
      arguments.home = words[i];
    } else {
      const std::string_view near = nearest(word, options);
      return usage(guild::quoted(word) + " is not an option",
                   near.empty() ? "see --help" : fmt::format("did you mean {}?", near));
    }
  }
  return arguments;
}

std::string help_text(std::string_view daemon) {
  return fmt::format(
      "{} [--home DIR] [--check-config] [--version] [--help]\n\n"
      "Runs the {} of the suite that lives in DIR ($GUILD_HOME when not given) until it is\n"
      "told to stop: by SIGTERM, or by the file DIR/run/{}.shutdown or DIR/run/system.shutdown.\n\n"
      "--check-config reads guild.toml, the environment and the key files' permissions, says what "
      "is\n"
      "wrong, and starts nothing.\n\n"
      "Exit codes: 0 stopped in order, 1 failed, 2 config or usage, 3 keys or home missing,\n"
      "4 secrets that others can read, 7 already running.\n",
      daemon, daemon, daemon);
}

std::string_view version() { return GUILD_VERSION; }

}  // namespace guild::host
