// What the programs under bench/ share: how they parse, fail and speak. One says what it saw as
// JSON lines on stdout, for whoever started it; an error is a line on stderr and exit 1, wrong
// arguments are exit 2. It dies with its parent.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "common/base/result.hpp"

namespace guild::bench {

/// Parses, runs, and tells an error on stderr. Answers main's exit code.
int run_program(CLI::App& app, int argc, char** argv, const std::function<Result<void>()>& work);
std::unexpected<Error> failed(std::string_view code, std::string message);

/// Of the machine's steady clock, which all processes share.
std::int64_t now_ns();
void say(std::string_view line);

}  // namespace guild::bench
