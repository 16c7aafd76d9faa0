#include "common/storage/failure.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/base/text.hpp"

namespace guild::storage {
namespace {

struct Meaning {
  int code;  ///< The primary one.
  Remedy remedy;
  ErrorKind kind;
  const char* name;
  const char* what;  ///< Empty: SQLite's words for the code.
  const char* next_step;
};

constexpr const char* lock_step = "find who holds the file with `fuser`, and let it finish";
constexpr const char* damage_step = "run `guild db check`; restore the file from a backup";
constexpr const char* disk_step = "look at the disk and at the kernel's log (dmesg)";

constexpr std::array meanings{
    Meaning{SQLITE_BUSY, Remedy::wait, ErrorKind::unavailable, "busy",
            "another connection holds the lock", lock_step},
    Meaning{SQLITE_LOCKED, Remedy::wait, ErrorKind::unavailable, "busy",
            "a table is in use by another statement", lock_step},
    Meaning{SQLITE_PROTOCOL, Remedy::wait, ErrorKind::unavailable, "busy",
            "others kept changing the lock", lock_step},
    Meaning{SQLITE_FULL, Remedy::none, ErrorKind::exhausted, "disk_full",
            "no space left on its disk", "free space there; nothing of this transaction was kept"},
    Meaning{SQLITE_CORRUPT, Remedy::reopen, ErrorKind::failed, "corrupt",
            "a page is damaged or fails its authentication (HMAC)", damage_step},
    Meaning{SQLITE_NOTADB, Remedy::reopen, ErrorKind::failed, "not_a_database",
            "a page cannot be decrypted any more", damage_step},
    Meaning{SQLITE_IOERR, Remedy::reopen, ErrorKind::failed, "io_error", "", disk_step},
    Meaning{SQLITE_CANTOPEN, Remedy::reopen, ErrorKind::failed, "io_error", "",
            "look at the folder and its permissions"},
    Meaning{SQLITE_NOMEM, Remedy::reopen, ErrorKind::failed, "no_memory", "", ""},
    Meaning{SQLITE_READONLY, Remedy::none, ErrorKind::denied, "read_only", "", ""},
    Meaning{SQLITE_CONSTRAINT, Remedy::none, ErrorKind::conflict, "constraint", "", ""},
};
constexpr Meaning unknown{SQLITE_ERROR, Remedy::none, ErrorKind::failed, "sql", "", ""};

const Meaning& meaning_of(int code) {
  const int primary = code & 0xff;
  const auto* found = std::ranges::find(meanings, primary, &Meaning::code);
  return found == meanings.end() ? unknown : *found;
}

bool is_about_the_system(int code) {
  return (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
}

/// A constraint's text names tables, columns and our own RAISE texts, never a value.
bool may_quote_sqlite(int code, sqlite3* handle, Words words) {
  if (handle == nullptr) return false;
  return words == Words::of_sqlite || (code & 0xff) == SQLITE_CONSTRAINT;
}

std::string words_for(int code, sqlite3* handle, Words words) {
  std::string text =
      may_quote_sqlite(code, handle, words) ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  const int number = handle == nullptr ? 0 : sqlite3_system_errno(handle);
  if (!is_about_the_system(code)) return text;
  text += fmt::format(" (SQLite code {})", code);
  return number == 0 ? text : system_error(text, number).message;
}

}  // namespace

Remedy remedy_for(int code) { return meaning_of(code).remedy; }

Error describe(int code, sqlite3* handle, const std::filesystem::path& path,
               std::string_view action, Words words) {
  const Meaning& meaning = meaning_of(code);
  const std::string what = *meaning.what != '\0' ? meaning.what : words_for(code, handle, words);
  Error error{meaning.kind, meaning.name, what, meaning.next_step};
  if (!action.empty()) error = std::move(error).while_doing(action);
  return std::move(error).while_doing(path.string());
}

std::string in_brief(std::string_view sql) {
  constexpr std::size_t bytes_max = 100;
  const std::string_view shown = utf8_prefix(sql, bytes_max);
  std::string line;
  for (const char character : shown) {
    const bool is_space = character == ' ' || character == '\n' || character == '\t';
    if (!is_space) {
      line += character;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  return shown.size() < sql.size() ? line + "..." : line;
}

}  // namespace guild::storage
