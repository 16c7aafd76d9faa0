// Opening a file in DESIGN §4's order, and closing it.
#include <fcntl.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include <fmt/format.h>

#include "common/base/file.hpp"
#include "common/storage/state.hpp"

namespace guild::storage {
namespace {

constexpr std::string_view plaintext_magic = "SQLite format 3";
constexpr const char* key_step =
    "use the master key this file was made with, or restore the file from a backup";

/// The file of an open handle, read through SQLite's own descriptor: closing a second descriptor
/// would drop every POSIX lock this process has on the file (sqlite.org/howtocorrupt.html, 2.2).
bool is_plaintext(sqlite3* handle) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (file == nullptr || file->pMethods == nullptr) return false;
  std::array<char, plaintext_magic.size()> head{};
  if (file->pMethods->xRead(file, head.data(), static_cast<int>(head.size()), 0) != SQLITE_OK)
    return false;
  return std::string_view(head.data(), head.size()) == plaintext_magic;
}

/// So that the file is never, not even for a moment, readable by others. -wal and -shm inherit it.
Result<void> create_private(const std::filesystem::path& path) {
  const Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd || errno == EEXIST) return {};
  Error error = system_error("create", errno).while_doing(path.string());
  if (error.code != "disk_full") error.code = "io_error";
  return fail(std::move(error));
}

/// One open in progress: each step answers an Error that names the file.
class Opening {
 public:
  Opening(sqlite3* handle, const OpenOptions& options) : handle_(handle), options_(options) {}

  Result<void> prove_cipher() {
    GUILD_TRY(const std::string version, ask("cipher_version"));
    if (!version.empty()) return {};
    return refuse("cipher_missing", "this SQLite was built without SQLCipher",
                  "build with subprojects/sqlcipher.wrap");
  }

  Result<void> prove_encrypted() {
    if (!is_plaintext(handle_)) return {};
    return refuse("not_encrypted",
                  "this is a plaintext SQLite file, not one of ours; left as it is",
                  "move it away, or import it into an encrypted one");
  }

  Result<void> give_key() {
    static constexpr std::string_view open = "PRAGMA key = \"x'";
    static constexpr std::string_view digits = "0123456789abcdef";
    static constexpr std::string_view shut = "'\"";
    std::array<char, open.size() + 64 + shut.size() + 1> sql{};
    char* at = std::ranges::copy(open, sql.data()).out;
    for (const std::uint8_t byte : options_.key.reveal()) {
      *at++ = digits[byte >> 4U];
      *at++ = digits[byte & 0x0fU];
    }
    std::ranges::copy(shut, at);
    const int code = sqlite3_exec(handle_, sql.data(), nullptr, nullptr, nullptr);
    wipe(sql.data(), sql.size());
    // Fixed words: SQLite's own would quote the text.
    if (code != SQLITE_OK) return failed(code, "PRAGMA key", Words::fixed);
    return {};
  }

  Result<void> read_schema() {
    const int code =
        sqlite3_exec(handle_, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    if ((code & 0xff) != SQLITE_NOTADB) return failed(code, "read the schema", Words::fixed);
    return refuse("wrong_key", "wrong key or damaged first page", key_step);
  }

  /// Sets, reads back, compares.
  Result<void> set(const char* pragma, std::string_view value, std::string_view expected) {
    GUILD_TRY([[maybe_unused]] const std::string answer, ask(fmt::format("{}={}", pragma, value)));
    GUILD_TRY(const std::string actual, ask(pragma));
    if (actual == expected) return {};
    return refuse("pragma_refused",
                  fmt::format("PRAGMA {} is {}, not {}", pragma, actual, expected),
                  "keep the file on a local file system that has shared memory and locks");
  }
  Result<void> set(const char* pragma, std::int64_t value) {
    const std::string text = fmt::to_string(value);
    return set(pragma, text, text);
  }

 private:
  /// The first column of the first row; "" when there is none.
  Result<std::string> ask(const std::string& pragma) {
    std::string answer;
    const auto keep = [](void* into, int count, char** values, char**) {
      if (count > 0 && values[0] != nullptr) *static_cast<std::string*>(into) = values[0];
      return 0;
    };
    const std::string sql = "PRAGMA " + pragma;
    const int code = sqlite3_exec(handle_, sql.c_str(), keep, &answer, nullptr);
    if (code != SQLITE_OK) return failed(code, sql, Words::of_sqlite);
    return answer;
  }
  std::unexpected<Error> refuse(std::string code, std::string_view what, std::string next_step) {
    return fail(ErrorKind::failed, std::move(code),
                fmt::format("{}: {}", options_.path.string(), what), std::move(next_step));
  }
  std::unexpected<Error> failed(int code, std::string_view action, Words words) {
    return fail(describe(code, handle_, options_.path, action, words));
  }

  sqlite3* handle_;
  const OpenOptions& options_;
};

Result<void> set_pragmas(Opening& opening, const OpenOptions& options) {
  GUILD_CHECK(opening.set("busy_timeout", options.busy_timeout_ms));
  // The first read: a wrong key is named here, before any pragma could fail for it.
  GUILD_CHECK(opening.read_schema());
  if (options.mode == Mode::read_write) {
    GUILD_CHECK(opening.set("journal_mode", "WAL", "wal"));
    GUILD_CHECK(opening.set("synchronous", "FULL", "2"));
  }
  GUILD_CHECK(opening.set("foreign_keys", "ON", "1"));
  GUILD_CHECK(opening.set("trusted_schema", "OFF", "0"));
  GUILD_CHECK(opening.set("cache_size", -options.cache_kib));
  GUILD_CHECK(opening.set("wal_autocheckpoint", options.wal_autocheckpoint_pages));
  if (options.mode == Mode::read_only) GUILD_CHECK(opening.set("query_only", "ON", "1"));
  return {};
}

Result<void> set_up(sqlite3* handle, const OpenOptions& options) {
  Opening opening(handle, options);
  GUILD_CHECK(opening.prove_cipher());
  GUILD_CHECK(opening.prove_encrypted());
  GUILD_CHECK(opening.give_key());
  GUILD_CHECK(set_pragmas(opening, options));
  return opening.prove_encrypted();
}

Error cannot_open(int code, sqlite3* handle, const OpenOptions& options) {
  Error error = describe(code, handle, options.path, "open", Words::fixed);
  if (handle != nullptr && sqlite3_system_errno(handle) == ENOENT) {
    error.kind = ErrorKind::not_found;
    error.code = "file_missing";
    error.next_step = "start the daemon that owns it once, or check the path";
  }
  return error;
}

int flags_for(Mode mode) {
  return SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
         (mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
}

}  // namespace

Result<void> Connection::State::open(Create create) {
  if (create == Create::yes && options.mode == Mode::read_write)
    GUILD_CHECK(create_private(options.path));
  const int code = sqlite3_open_v2(options.path.c_str(), &handle, flags_for(options.mode), nullptr);
  Result<void> outcome;
  if (code == SQLITE_OK) {
    outcome = set_up(handle, options);
  } else {
    outcome = fail(cannot_open(code, handle, options));
  }
  if (!outcome) {
    close_untouched();
    return outcome;
  }
  ++generation;
  is_suspect = false;
  return {};
}

void Connection::State::close_untouched() {
  if (handle != nullptr) sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  close();
}

void Connection::State::close() {
  for (const auto& [text, statement] : statements) sqlite3_finalize(statement);
  statements.clear();
  ++generation;
  // v2: waits for statements that someone still holds.
  sqlite3_close_v2(handle);
  handle = nullptr;
}

}  // namespace guild::storage
