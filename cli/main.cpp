// The `guild` command: reads argv by the tree of nouns and verbs, runs the verb, answers its exit
// code. What each verb does is in the file of its noun.
#include <sys/stat.h>

#include <cstdio>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "cli/help.hpp"
#include "cli/nouns.hpp"
#include "cli/output.hpp"
#include "cli/parse.hpp"

namespace guild::cli {
namespace {

int fail_with(Output& output, const Error& error) {
  output.error(error);
  return static_cast<int>(exit_for(error.kind));
}

Result<Exit> run(const Command& root, Output& output, std::vector<std::string> arguments) {
  GUILD_TRY(const Parsed parsed, parse(root, std::move(arguments)));
  switch (parsed.wanted) {
    case Wanted::version:
      output.line("guild " GUILD_VERSION);
      return Exit::ok;
    case Wanted::help:
      output.raw(help_text(*parsed.command));
      return Exit::ok;
    case Wanted::run:
      break;
  }
  Context context(parsed.globals, output);
  return parsed.command->run()(context);
}

int guild(std::vector<std::string> arguments) {
  Output output(stdout, stderr);
  output.set_json(asks_for_json(arguments));
  const auto root = guild_command();
  if (arguments.empty()) {
    output.say(help_text(*root));
    return static_cast<int>(Exit::usage);
  }
  const Result<Exit> exit = run(*root, output, std::move(arguments));
  const Result<void> written = output.finish();
  if (!exit) return fail_with(output, exit.error());
  if (!written) return fail_with(output, written.error());
  return static_cast<int>(*exit);
}

}  // namespace
}  // namespace guild::cli

int main(int argc, char** argv) {
  ::umask(077);  // What a verb makes (keys, database copies) is for its owner alone.
  return guild::cli::guild({argv + 1, argv + argc});
}
