// The command line of a daemon: --home DIR, --check-config, --version, --help. Pure.
// By hand, because four options and a precise refusal are less than a library's header.
// Error code usage (kind invalid), with the nearest option.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild::host {

enum class Action { run, check_config, print_version, print_help };

struct Arguments {
  Action action = Action::run;
  std::string home;  ///< Empty when not given.
};

/// `words` without the program's name. Code usage (kind invalid).
Result<Arguments> parse_arguments(std::span<const std::string_view> words);
std::string help_text(std::string_view daemon);
/// "0.1.0", from the build.
std::string_view version();

}  // namespace guild::host
