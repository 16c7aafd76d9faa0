// How guild-verify speaks: the answer on stdout, talk on stderr; with --json one object a line. For
// exits see README.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "verifier/result.hpp"

namespace guild::verifier {

enum class Exit { ok = 0, failed = 1, usage = 2, missing = 3 };

Exit exit_for(Failure failure);

/// One JSON object, its fields in the order in which they were added.
class Json {
 public:
  Json& text(std::string_view name, std::string_view value);
  Json& number(std::string_view name, std::int64_t value);
  Json& boolean(std::string_view name, bool value);
  Json& null(std::string_view name);
  std::string line() const { return fields_ + "}"; }

 private:
  Json& add(std::string_view name, std::string_view value);
  std::string fields_ = "{";
};

class Output {
 public:
  explicit Output(bool json) : json_(json) {}
  bool json() const { return json_; }

  /// One line on stdout.
  static void line(std::string_view text);
  /// The one or the other, by --json.
  void answer(std::string_view text, const Json& json) const;
  /// One line on stderr.
  static void say(std::string_view text);
  /// A refusal is an answer; whatever else ended the run is said on stderr.
  Exit error(const Error& error) const;

 private:
  bool json_;
};

/// False when stdout did not take all.
bool flush_output();

}  // namespace guild::verifier
