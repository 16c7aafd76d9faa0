// parse: argv to a command of the tree with its arguments read. Words after a lone "--" are a
// verb's own when it takes a command, and plain positionals otherwise. Global options stand
// anywhere before it. Pure but for the clock ("--since 10m").
// Errors are kind invalid: command_unknown (with the nearest known one), command_incomplete,
// argument_invalid, and those of the values; the next step is the verb's usage line.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace guild::cli {

struct Globals {
  std::string home;               ///< Empty: $GUILD_HOME.
  std::optional<std::string> as;  ///< Whose key we act with, as given.
  bool json = false;
  std::optional<Duration> timeout;  ///< As given; each verb has its own default.
};

enum class Wanted { run, help, version };

struct Parsed {
  Wanted wanted = Wanted::run;
  const Command* command = nullptr;
  Globals globals{};
};

/// `arguments` without argv[0].
Result<Parsed> parse(const Command& root, std::vector<std::string> arguments);
/// Whether --json stands among them (before a lone "--").
bool asks_for_json(const std::vector<std::string>& arguments);

/// The options that every verb has.
struct GlobalOption {
  std::string_view name, value, help;
};
inline constexpr GlobalOption global_options[] = {
    {"--home", "DIR", "the suite's home (default: $GUILD_HOME)"},
    {"--as", "NAME", "act with this client's key (default: operator)"},
    {"--timeout", "TIME", "how long to wait for an answer, e.g. 5s"},
    {"--json", "", "machine-readable output; errors as one JSON object on stderr"},
    {"--help", "", "what this does"},
};

}  // namespace guild::cli
