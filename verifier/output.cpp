#include "verifier/output.hpp"

#include <cstdio>

#include "verifier/text.hpp"

namespace guild::verifier {
namespace {

void write_line(std::FILE* stream, std::string_view text) {
  // What does not arrive is seen by flush_output().
  (void)std::fwrite(text.data(), 1, text.size(), stream);
  (void)std::fputc('\n', stream);
}

}  // namespace

Exit exit_for(Failure failure) {
  switch (failure) {
    case Failure::usage:
      return Exit::usage;
    case Failure::missing:
      return Exit::missing;
    case Failure::refused:
    case Failure::machine:
      return Exit::failed;
  }
  return Exit::failed;
}

Json& Json::add(std::string_view name, std::string_view value) {
  fields_ += joined(fields_.size() > 1 ? "," : "", json_string(name), ":", value);
  return *this;
}

Json& Json::text(std::string_view name, std::string_view value) {
  return add(name, json_string(value));
}
Json& Json::number(std::string_view name, std::int64_t value) {
  return add(name, std::to_string(value));
}
Json& Json::boolean(std::string_view name, bool value) {
  return add(name, value ? "true" : "false");
}
Json& Json::null(std::string_view name) { return add(name, "null"); }

void Output::line(std::string_view text) { write_line(stdout, text); }
void Output::say(std::string_view text) { write_line(stderr, joined("guild-verify: ", text)); }

void Output::answer(std::string_view text, const Json& json) const {
  line(json_ ? json.line() : text);
}

Exit Output::error(const Error& error) const {
  const bool is_answer = error.failure == Failure::refused;
  Json json;
  json.boolean("ok", false).text("code", error.code).text("problem", error.message);
  json.text("next_step", error.next_step);
  if (is_answer) {
    answer(joined("FAIL  ", error.code, ": ", error.message), json);
    if (!json_) say(joined("next: ", error.next_step));
  } else if (json_) {
    write_line(stderr, json.line());
  } else {
    say(joined(error.message, "; next: ", error.next_step));
  }
  return exit_for(error.failure);
}

bool flush_output() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace guild::verifier
