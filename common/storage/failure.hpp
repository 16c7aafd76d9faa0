// What a SQLite result code means to us: the Error it becomes, and what may help against it.
// Private to this room.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

struct sqlite3;

namespace guild::storage {

enum class Remedy {
  none,
  wait,    ///< Someone else holds a lock: the same transaction, later.
  reopen,  ///< The handle is of no more use: SQLCipher answers "out of memory" to everything after
           ///< one page failed its check. The same transaction on a fresh handle, once.
};
Remedy remedy_for(int code);

/// Whose words may stand in the message. SQLite's own text may quote a bound value (a full-text
/// query, a JSON path), so with bound values only its fixed text for the code is used.
enum class Words { of_sqlite, fixed };

/// `handle` is where the call just failed; null when there is none.
Error describe(int code, sqlite3* handle, const std::filesystem::path& path,
               std::string_view action, Words words);

/// SQL on one line, cut, for a message.
std::string in_brief(std::string_view sql);

}  // namespace guild::storage
