// Result and Error: how everything that can fail answers.
// An Error keeps its story: each layer prepends what it was doing, so the reader sees
// `open the journal: run/data/ledger.db: permission denied`, then the next step to take.
// `code` is stable snake_case and part of the contract with callers; `message` is for people and
// may change. Nothing here throws. Bugs of ours are GUILD_ASSERT (assert.hpp), never an Error.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace guild {

/// What kind of failure, as coarse as a caller can act on. Maps to exit codes and HTTP statuses.
enum class ErrorKind {
  failed,       ///< The machine failed: disk, network, a daemon that is down. Exit 1, HTTP 500/503.
  invalid,      ///< The input is wrong. Exit 2, HTTP 400.
  not_found,    ///< The named thing does not exist. Exit 3, HTTP 404.
  denied,       ///< The caller may not do this. Exit 4, HTTP 401/403.
  timeout,      ///< No answer within the deadline. Exit 5, HTTP 504.
  funds,        ///< Not enough available balance. Exit 6, HTTP 402.
  conflict,     ///< Already there, or used with other content. Exit 7, HTTP 409.
  exhausted,    ///< A bound is reached: queue full, disk full, too many. Exit 1, HTTP 429/507.
  unavailable,  ///< Whoever should answer is not there. Exit 1, HTTP 503.
};

std::string_view to_string(ErrorKind kind);
/// The kind whose to_string is `text`; `failed` for anything else.
ErrorKind error_kind_from(std::string_view text);

struct Error {
  ErrorKind kind = ErrorKind::failed;
  std::string code;       ///< Stable, snake_case: "wrong_key", "id_reused".
  std::string message;    ///< What happened, naming the cause.
  std::string next_step;  ///< What to do about it; may be empty.

  /// The same error with `action` in front: "ACTION: message".
  [[nodiscard]] Error while_doing(std::string_view action) const&;
  [[nodiscard]] Error while_doing(std::string_view action) &&;
  /// One line for people: the message, and the next step when there is one.
  [[nodiscard]] std::string text() const;

  bool operator==(const Error&) const = default;
};

template <class T, class E = Error>
using Result = std::expected<T, E>;

/// `return fail(ErrorKind::invalid, "amount_negative", "the amount is negative");`
[[nodiscard]] std::unexpected<Error> fail(ErrorKind kind, std::string code, std::string message,
                                          std::string next_step = {});
[[nodiscard]] std::unexpected<Error> fail(Error error);

/// The error of the system call that just failed: "ACTION: strerror(error_number)".
[[nodiscard]] Error system_error(std::string_view action, int error_number);

}  // namespace guild

/// Evaluates a Result; on failure returns its error from the enclosing function.
/// GUILD_TRY(auto file, open_file(path));  or  GUILD_CHECK(write(file));
#define GUILD_CONCAT_INNER(a, b) a##b
#define GUILD_CONCAT(a, b) GUILD_CONCAT_INNER(a, b)
#define GUILD_TRY_IMPL(result, declaration, expression)           \
  auto result = (expression);                                     \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = std::move(*result)
#define GUILD_TRY(declaration, ...) \
  GUILD_TRY_IMPL(GUILD_CONCAT(guild_result_, __LINE__), declaration, (__VA_ARGS__))
#define GUILD_CHECK(...)                                      \
  do {                                                        \
    if (auto guild_check = (__VA_ARGS__); !guild_check)       \
      return std::unexpected(std::move(guild_check).error()); \
  } while (false)
