#include "bench/program.hpp"

#include <chrono>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "cli/child.hpp"

namespace guild::bench {
namespace {

void complain(std::string_view line) { fmt::print(stderr, "{}\n", line); }

}  // namespace

int run_program(CLI::App& app, int argc, char** argv, const std::function<Result<void>()>& work) {
  cli::die_with_parent();
  try {
    app.parse(argc, argv);
    if (const auto done = work(); !done) {
      complain(done.error().message);
      return 1;
    }
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  } catch (const std::exception& problem) {
    complain(problem.what());
    return 1;
  }
  return 0;
}

std::unexpected<Error> failed(std::string_view code, std::string message) {
  return fail(ErrorKind::failed, std::string(code), std::move(message));
}

std::int64_t now_ns() {
  using std::chrono::steady_clock;
  const auto since = steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

void say(std::string_view line) {
  fmt::print("{}\n", line);
  (void)std::fflush(stdout);  // Whoever would read it is gone, and we end with them.
}

}  // namespace guild::bench
