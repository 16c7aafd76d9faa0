// Result: what a function answers that can fail. Two kinds, never mixed: a Check says why something
// that was read is not sound, in words for a person; an Error is what ends a run otherwise (a file
// that is missing, wrong usage, a refusal by the witness), with its code and the next step.
// No exception is thrown but by the standard library when memory is short.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace guild::verifier {

/// A value, or why what was read is not one.
template <class Value>
using Parsed = std::expected<Value, std::string>;
/// Sound, or why not.
using Check = Parsed<void>;

enum class Failure {
  refused,  ///< What was checked is not sound.
  usage,    ///< What was asked for is not possible.
  missing,  ///< A file that was named is not there.
  machine,  ///< A disk, a permission, a lock.
};

struct Error {
  Failure failure{};
  std::string code;  ///< For scripts, e.g. `rollback`; never changes.
  std::string message;
  std::string next_step;
};

template <class Value>
using Result = std::expected<Value, Error>;

namespace detail {
inline void append(std::string& text, std::string_view part) { text += part; }
inline void append(std::string& text, char part) { text += part; }
template <class Number>
  requires std::is_integral_v<Number>
void append(std::string& text, Number number) {
  text += std::to_string(number);
}
}  // namespace detail

/// The parts one after the other; numbers in decimal.
template <class... Parts>
std::string joined(const Parts&... parts) {
  std::string text;
  (detail::append(text, parts), ...);
  return text;
}

/// A Check that fails, or a Parsed that has none.
template <class... Parts>
std::unexpected<std::string> because(const Parts&... parts) {
  return std::unexpected(joined(parts...));
}

inline std::unexpected<Error> fail(Failure failure, std::string code, std::string message,
                                   std::string next_step) {
  return std::unexpected(Error{.failure = failure,
                               .code = std::move(code),
                               .message = std::move(message),
                               .next_step = std::move(next_step)});
}

}  // namespace guild::verifier

/// Hands on what a Check or a Result of nothing says when it failed.
#define VERIFIER_CHECK(expression) \
  if (auto checked = (expression); !checked) return std::unexpected(std::move(checked).error())
