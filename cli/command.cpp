#include "cli/command.hpp"

#include <algorithm>

#include "common/base/assert.hpp"

namespace guild::cli {

Command& Command::add(std::string name, std::string help) {
  GUILD_ASSERT(!is_leaf() && child(name) == nullptr);
  children_.push_back(std::make_unique<Command>(std::move(name), std::move(help)));
  children_.back()->parent_ = this;
  return *children_.back();
}

Command& Command::argument(Argument argument) {
  GUILD_ASSERT(children_.empty());
  arguments_.push_back(std::move(argument));
  return *this;
}

Command& Command::takes_words_after_dashes(std::string name, std::vector<std::string>& into) {
  words_name_ = std::move(name);
  words_ = &into;
  return *this;
}

Command& Command::hidden() {
  hidden_ = true;
  return *this;
}

Command& Command::runs(Run run) {
  GUILD_ASSERT(children_.empty());
  run_ = std::move(run);
  return *this;
}

std::string Command::path() const {
  return parent_ == nullptr ? name_ : parent_->path() + ' ' + name_;
}

Command* Command::child(std::string_view name) const {
  const auto found = std::ranges::find(
      children_, name, [](const auto& each) -> std::string_view { return each->name(); });
  return found == children_.end() ? nullptr : found->get();
}

}  // namespace guild::cli
