#include "cli/home_state.hpp"

#include <sys/stat.h>

#include <charconv>
#include <sstream>

#include "common/base/file.hpp"

namespace guild::cli {
namespace {

constexpr std::size_t locks_bytes_max = 16U << 20U;
constexpr std::size_t note_bytes_max = 4'096;

template <class Integer>
std::optional<Integer> whole_number(std::string_view text) {
  Integer value{};
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || rest != text.data() + text.size()) return {};
  return value;
}

/// proc(5): "1: FLOCK  ADVISORY  WRITE 708 08:01:2359305 0 EOF"; a line that waits has "->" second.
std::optional<std::int64_t> holder_in_line(const std::string& line, std::uint64_t inode) {
  std::istringstream words(line);
  std::string number, kind, advisory, access, pid, place;
  if (!(words >> number >> kind >> advisory >> access >> pid >> place) || kind != "FLOCK")
    return {};
  const std::size_t colon = place.rfind(':');
  if (colon == std::string::npos) return {};
  if (whole_number<std::uint64_t>(std::string_view(place).substr(colon + 1)) != inode) return {};
  return whole_number<std::int64_t>(pid);
}

}  // namespace

std::optional<std::int64_t> find_lock_holder(std::string_view proc_locks, std::uint64_t inode) {
  std::istringstream lines{std::string(proc_locks)};
  for (std::string line; std::getline(lines, line);) {
    if (const auto holder = holder_in_line(line, inode)) return holder;
  }
  return {};
}

std::optional<std::int64_t> running_pid(const host::Home& home, std::string_view daemon) {
  struct stat found{};
  if (::stat(home.lock(daemon).c_str(), &found) != 0) return {};
  const auto locks = read_file("/proc/locks", locks_bytes_max);
  return locks ? find_lock_holder(*locks, found.st_ino) : std::nullopt;
}

std::optional<std::string> gave_up(const host::Home& home, std::string_view daemon) {
  auto note = read_file(home.run() / (std::string(daemon) + ".gave-up"), note_bytes_max);
  if (!note) return {};
  while (note->ends_with('\n')) note->pop_back();
  return *std::move(note);
}

bool has_ready_file(const host::Home& home, std::string_view daemon) {
  std::error_code ignored;
  return std::filesystem::exists(home.ready(daemon), ignored);
}

}  // namespace guild::cli
