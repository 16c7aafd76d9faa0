// Command: the tree of nouns and verbs, said once where each verb is written. Reading argv, help,
// usage lines and shell completion all come from it (parse.hpp, help.hpp, completion.cpp).
// A leaf has arguments and `runs`; a branch has children. Places that arguments are read into must
// outlive the parse; a verb keeps them in a shared struct that its Run holds too.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit.hpp"
#include "cli/value.hpp"
#include "common/base/result.hpp"

namespace guild::cli {

class Context;
using Run = std::function<Result<Exit>(Context&)>;

struct Argument {
  std::string name;   ///< "FROM", or "--id" for an option.
  std::string value;  ///< What an option's value is called; empty for a flag.
  std::string help;
  bool required = false;
  bool* flag = nullptr;
  std::function<Result<void>(std::string_view)> read;

  bool is_option() const { return name.starts_with('-'); }
};

class Command {
 public:
  Command(std::string name, std::string help) : name_(std::move(name)), help_(std::move(help)) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Command& add(std::string name, std::string help);

  /// A positional that must be there.
  template <class T>
  Command& takes(std::string name, T& into, std::string help) {
    return argument({std::move(name), "", std::move(help), true, nullptr, reader(into)});
  }
  /// A positional that may be left out; after those that may not.
  template <class T>
  Command& may_take(std::string name, T& into, std::string help) {
    return argument({std::move(name), "", std::move(help), false, nullptr, reader(into)});
  }
  template <class T>
  Command& option(std::string name, std::string value, T& into, std::string help) {
    return argument(
        {std::move(name), std::move(value), std::move(help), false, nullptr, reader(into)});
  }
  /// An option that must be there.
  template <class T>
  Command& needs(std::string name, std::string value, T& into, std::string help) {
    return argument(
        {std::move(name), std::move(value), std::move(help), true, nullptr, reader(into)});
  }
  Command& flag(std::string name, bool& into, std::string help) {
    return argument({std::move(name), "", std::move(help), false, &into, {}});
  }
  /// Everything after "--", as it stands; at least one word.
  Command& takes_words_after_dashes(std::string name, std::vector<std::string>& into);
  /// Works, but is left out of help and completion.
  Command& hidden();
  Command& runs(Run run);

  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  bool is_hidden() const { return hidden_; }
  const Command* parent() const { return parent_; }
  /// "guild ledger transfer"
  std::string path() const;
  bool is_leaf() const { return static_cast<bool>(run_); }
  const std::vector<std::unique_ptr<Command>>& children() const { return children_; }
  Command* child(std::string_view name) const;
  const std::vector<Argument>& arguments() const { return arguments_; }
  const std::string& words_name() const { return words_name_; }
  std::vector<std::string>* words() const { return words_; }
  const Run& run() const { return run_; }

 private:
  template <class T>
  static auto reader(T& into) {
    return [&into](std::string_view text) { return read_value(text, into); };
  }
  Command& argument(Argument argument);

  std::string name_, help_;
  const Command* parent_ = nullptr;
  bool hidden_ = false;
  std::vector<std::unique_ptr<Command>> children_;
  std::vector<Argument> arguments_;
  std::string words_name_;
  std::vector<std::string>* words_ = nullptr;
  Run run_;
};

}  // namespace guild::cli
