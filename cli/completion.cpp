#include <fmt/format.h>

#include "cli/context.hpp"
#include "cli/nouns.hpp"
#include "cli/parse.hpp"

namespace guild::cli {
namespace {

/// The words that may follow `command`.
std::string words_after(const Command& command) {
  std::string words;
  for (const auto& child : command.children()) {
    if (!child->is_hidden()) words += child->name() + ' ';
  }
  for (const Argument& argument : command.arguments()) {
    if (argument.is_option()) words += argument.name.substr(argument.name.find("--")) + ' ';
  }
  for (const GlobalOption& option : global_options) words += fmt::format("{} ", option.name);
  words.pop_back();
  return words;
}

/// One case a command: its words by the words that led to it.
void append_cases(const Command& command, const std::string& path, std::string& cases) {
  cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", path, words_after(command));
  for (const auto& child : command.children()) {
    if (!child->is_hidden())
      append_cases(*child, path.empty() ? child->name() : path + ' ' + child->name(), cases);
  }
}

}  // namespace

std::string bash_completion(const Command& root) {
  std::string cases;
  append_cases(root, "", cases);
  return fmt::format(R"(# Completion of the guild command for bash: source <(guild completion bash)
_guild() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} path= word words= i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${{COMP_WORDS[i]}}
    case $word in
      --) return ;;
      --home | --as | --timeout) ((++i)) ;;
      -*) ;;
      *) path=${{path:+$path }}$word ;;
    esac
  done
  case $path in
{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _guild guild
)",
                     cases);
}

void add_completion(Command& root) {
  root.add("completion", "completion for a shell")
      .add("bash", "for bash: source <(guild completion bash)")
      .runs([&root](Context& context) -> Result<Exit> {
        context.out.raw(bash_completion(root));
        return Exit::ok;
      });
}

}  // namespace guild::cli
