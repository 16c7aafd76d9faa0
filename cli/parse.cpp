#include "cli/parse.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/help.hpp"

namespace guild::cli {
namespace {

using Words = std::vector<std::string>;

std::unexpected<Error> usage_error(const Command& command, std::string code, std::string message) {
  return fail(ErrorKind::invalid, std::move(code), std::move(message),
              "usage: " + usage_line(command));
}

/// The names a person may have meant. Hidden ones are for ourselves.
std::vector<std::string_view> names_of(const Command& branch) {
  std::vector<std::string_view> names;
  for (const auto& child : branch.children()) {
    if (!child->is_hidden()) names.push_back(child->name());
  }
  return names;
}

std::unexpected<Error> command_unknown(const Command& branch, std::string_view word) {
  const std::vector<std::string_view> names = names_of(branch);
  const std::string_view meant = nearest(word, names);
  return fail(ErrorKind::invalid, "command_unknown",
              fmt::format("{} does not know {}{}", branch.path(), quoted(word),
                          meant.empty() ? "" : fmt::format("; did you mean {}?", meant)),
              fmt::format("{} knows: {}", branch.path(), fmt::join(names, ", ")));
}

std::unexpected<Error> command_incomplete(const Command& branch) {
  return fail(ErrorKind::invalid, "command_incomplete",
              fmt::format("{} needs one more word", branch.path()),
              fmt::format("{} knows: {}", branch.path(), fmt::join(names_of(branch), ", ")));
}

/// Whether the word after `word` is its value.
bool takes_next_word(std::string_view word) {
  return std::ranges::any_of(global_options, [word](const GlobalOption& option) {
    return word == option.name && !option.value.empty();
  });
}

/// Follows the words that name commands and takes them out of `words`.
Result<const Command*> resolve(const Command& root, Words& words) {
  const Command* command = &root;
  for (auto at = words.begin(); at != words.end() && *at != "--" && !command->is_leaf();) {
    if (at->starts_with('-')) {
      const bool has_value = takes_next_word(*at);
      ++at;
      if (has_value && at != words.end()) ++at;
      continue;
    }
    const Command* next = command->child(*at);
    if (next == nullptr) return command_unknown(*command, *at);
    command = next;
    at = words.erase(at);
  }
  return command;
}

/// Takes "--" and all after it out of `words`.
Words split_at_dashes(Words& words) {
  const auto dashes = std::ranges::find(words, "--");
  if (dashes == words.end()) return {};
  Words after(std::make_move_iterator(dashes + 1), std::make_move_iterator(words.end()));
  words.erase(dashes, words.end());
  return after;
}

bool contains_before_dashes(const Words& words, std::string_view wanted) {
  const auto dashes = std::ranges::find(words, "--");
  return std::find(words.begin(), dashes, wanted) != dashes;
}

/// CLI11 tells words from options; what they mean is read afterwards, so that an error is ours.
class Reader {
 public:
  explicit Reader(const Command& command) : command_(command), app_(command.help()) {
    app_.set_help_flag();
    app_.add_option("--home", globals_.home);
    app_.add_option("--as", as_);
    app_.add_flag("--json", globals_.json);
    for (const Argument& argument : command.arguments()) add(argument);
    // A verb's own --timeout means something else than ours.
    if (!texts_.contains("--timeout")) app_.add_option("--timeout", timeout_);
  }

  Result<Globals> read(Words words) {
    std::ranges::reverse(words);  // As CLI11 wants them.
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ExtrasError&) {
      return usage_error(command_, "argument_invalid", unexpected_words());
    } catch (const CLI::RequiredError& error) {
      return usage_error(command_, "argument_missing", error.what());
    } catch (const CLI::ParseError& error) {
      return usage_error(command_, "argument_invalid", error.what());
    }
    globals_.as = as_;
    GUILD_CHECK(read_arguments());
    return std::move(globals_);
  }

 private:
  void add(const Argument& argument) {
    if (argument.flag != nullptr) {
      app_.add_flag(argument.name, *argument.flag);
      return;
    }
    std::string& text = texts_[argument.name];
    options_[argument.name] = app_.add_option(argument.name, text)->required(argument.required);
  }

  Result<void> read_arguments() {
    for (const Argument& argument : command_.arguments()) {
      const auto option = options_.find(argument.name);
      if (option == options_.end() || option->second->count() == 0) continue;
      GUILD_CHECK(read_one(argument.name, argument.read, texts_[argument.name]));
    }
    if (timeout_) {
      GUILD_CHECK(read_one(
          "--timeout", [this](std::string_view text) { return read_value(text, globals_.timeout); },
          *timeout_));
    }
    return {};
  }

  Result<void> read_one(std::string_view name,
                        const std::function<Result<void>(std::string_view)>& read,
                        const std::string& text) {
    auto done = read(text);
    if (done) return {};
    const Error& error = done.error();
    return usage_error(command_, error.code, fmt::format("{}: {}", name, error.message));
  }

  std::string unexpected_words() const {
    const Words words = app_.remaining();
    return fmt::format("{} does not take {}", command_.path(),
                       words.empty() ? "that" : guild::quoted(words.front()));
  }

  const Command& command_;
  CLI::App app_;
  Globals globals_;
  std::optional<std::string> as_, timeout_;
  std::map<std::string, std::string, std::less<>> texts_;
  std::map<std::string, CLI::Option*, std::less<>> options_;
};

Result<void> take_words(const Command& command, Words words) {
  if (words.empty())
    return usage_error(command, "argument_missing",
                       fmt::format("{} is missing after \"--\"", command.words_name()));
  *command.words() = std::move(words);
  return {};
}

/// `guild help ledger transfer`
Result<Parsed> parse_help(const Command& root, const Words& words) {
  const Command* command = &root;
  for (const std::string& word : words) {
    if (word.starts_with('-')) continue;
    const Command* next = command->child(word);
    if (next == nullptr) return command_unknown(*command, word);
    command = next;
  }
  return Parsed{.wanted = Wanted::help, .command = command};
}

}  // namespace

bool asks_for_json(const std::vector<std::string>& arguments) {
  return contains_before_dashes(arguments, "--json");
}

Result<Parsed> parse(const Command& root, std::vector<std::string> arguments) {
  if (contains_before_dashes(arguments, "--version")) return Parsed{.wanted = Wanted::version};
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    return parse_help(root, arguments);
  }
  GUILD_TRY(const Command* const command, resolve(root, arguments));
  if (contains_before_dashes(arguments, "--help") || contains_before_dashes(arguments, "-h"))
    return Parsed{.wanted = Wanted::help, .command = command};
  if (!command->is_leaf()) return command_incomplete(*command);
  if (command->words() != nullptr) GUILD_CHECK(take_words(*command, split_at_dashes(arguments)));
  GUILD_TRY(Globals globals, Reader(*command).read(std::move(arguments)));
  return Parsed{.command = command, .globals = std::move(globals)};
}

}  // namespace guild::cli
