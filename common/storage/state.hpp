// What a Connection holds: the open file, its cached statements, and what the current try of a
// transaction met. Private to this room. opening.cpp opens and closes, connection.cpp runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/storage/connection.hpp"
#include "common/storage/failure.hpp"

namespace guild::storage {

/// SQL texts are constants of the program, so this bounds a mistake, not the work.
inline constexpr std::size_t cached_statements_max = 512;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

struct Connection::State {
  explicit State(OpenOptions with) : options(std::move(with)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { close(); }

  using Work = std::function<Result<void>(Connection&)>;

  // opening.cpp
  enum class Create { yes, no };
  Result<void> open(Create create);
  /// Keeps the WAL as it is: what a handle that failed must not touch.
  void close_untouched();
  void close();

  // connection.cpp
  /// A usable handle: reopens when the last one failed. Not in a transaction.
  Result<void> ready();
  Result<void> run(Connection& self, const char* begin, const Work& work);
  Result<void> try_once(Connection& self, const char* begin, const Work& work, Duration left);
  Result<void> work_through(Connection& self, const char* begin, const Work& work);
  Result<void> finish(Connection& self, const char* begin);
  Result<void> commit(Connection& self);
  void roll_back(Connection& self);
  Result<void> settle_key(const Secret32& key);
  /// The error for `code`, and a note of what may help against it.
  Error failure(int code, std::string_view action, Words words);

  /// Whether what failed in the current transaction is the file's, and not the work's own.
  bool is_at_fault() const;

  OpenOptions options;
  sqlite3* handle = nullptr;
  std::uint64_t generation = 0;  ///< Counts opens; statements of an earlier one are stale.
  std::unordered_map<std::string, sqlite3_stmt*, TextHash, std::equal_to<>> statements;
  Counters counters;
  bool in_transaction = false;
  bool is_suspect = false;    ///< The handle failed in a way that only a reopen mends.
  std::optional<Error> lost;  ///< Set for good when a COMMIT's outcome is unknown.

  /// What the current try met.
  struct Met {
    bool busy = false;
    std::optional<Error> unreadable;  ///< The first; what follows it is an echo.
    int last_code = 0;
  } met;
};

}  // namespace guild::storage
