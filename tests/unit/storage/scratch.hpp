// What the storage tests share: a folder that goes away, a key, a file opened in it, a clock that
// only the test moves, bytes on disk read and written behind SQLite's back.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "common/storage/connection.hpp"

namespace guild::storage::test {

/// Removed, with all in it, at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path path(std::string_view name = "") const { return path_ / name; }
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

Secret32 test_key();
Secret32 other_key();

/// Time that passes only when someone sleeps.
struct FakeTime {
  std::chrono::steady_clock::time_point now{};
  std::vector<Duration> pauses;
  double chance = 0.0;
  std::function<void(std::size_t)> on_pause = [](std::size_t) {
  };  ///< Gets the pause's number, from 1.

  Retry retry();
  Duration slept() const;
};

/// Never waits for a lock inside SQLite, so that every wait is ours to see.
OpenOptions options_for(const std::filesystem::path& path, Mode mode = Mode::read_write);
/// Opened, or the test ends with the error's text.
std::unique_ptr<Connection> opened(OpenOptions options);
std::unique_ptr<Connection> opened(const std::filesystem::path& path, Mode mode = Mode::read_write);
/// The error of an open that must fail.
Error refused(OpenOptions options);

/// The value, or the test ends with the error's text.
template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().code + ": " + result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::string bytes_of(const std::filesystem::path& path);
/// Overwrites bytes from another process: a descriptor closed in this one would drop SQLite's
/// locks.
void scribble(const std::filesystem::path& path, std::int64_t offset, std::string_view bytes);

/// t(id, body) with `rows` rows that fill many pages; `body` of row N is row_body(N).
void fill(Connection& connection, int rows);
std::string row_body(int row);
std::int64_t count_rows(Connection& connection);

inline constexpr std::int64_t page_bytes = 4096;

}  // namespace guild::storage::test
