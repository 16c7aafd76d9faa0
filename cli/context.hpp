// Context: what a verb works with: the global options, the output, and the home with its settings,
// read when first asked for.
#pragma once

#include <string>
#include <string_view>

#include "cli/output.hpp"
#include "cli/parse.hpp"
#include "common/host/config.hpp"
#include "common/host/home.hpp"

namespace guild::cli {

class Context {
 public:
  Context(const Globals& globals, Output& output) : globals_(globals), out(output) {}

  /// --as, or whose key the verb takes when it was not given.
  std::string client_name_or(std::string_view verbs_own) const {
    return globals_.as.value_or(std::string(verbs_own));
  }
  std::string client_name() const { return client_name_or("operator"); }
  const std::string& home_as_given() const { return globals_.home; }
  bool json() const { return out.json(); }
  /// --timeout, or what the verb takes when it was not given.
  Duration timeout_or(Duration verbs_own) const { return globals_.timeout.value_or(verbs_own); }
  bool has_timeout() const { return globals_.timeout.has_value(); }

  Result<host::Home> home() const { return host::Home::find(globals_.home); }
  Result<host::Settings> settings(const host::Home& home) const {
    return host::load_settings(home, host::process_environment());
  }

 private:
  const Globals& globals_;

 public:
  Output& out;
};

}  // namespace guild::cli
