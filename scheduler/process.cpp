#include "scheduler/process.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>

#include "common/base/file.hpp"

namespace guild::scheduler {
namespace {

/// A file of /proc: its size is not known before it is read.
std::string read_proc(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<ProcessStat> parse_stat(const std::string& line) {
  const std::size_t after_name = line.rfind(')');  // The name itself may hold anything.
  if (after_name == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(after_name + 1));
  ProcessStat stat;
  char state = 0;
  std::string skipped;
  fields >> state >> stat.parent >> stat.group >> stat.session;
  for (int field = 7; field < 22; ++field) fields >> skipped;
  fields >> stat.mark.start_ticks;
  if (!fields) return std::nullopt;
  stat.is_zombie = state == 'Z' || state == 'X';
  return stat;
}

}  // namespace

std::optional<ProcessStat> read_stat(pid_t pid) {
  auto stat = parse_stat(read_proc(fmt::format("/proc/{}/stat", pid)));
  if (stat) stat->mark.pid = pid;
  return stat;
}

std::string read_environment(pid_t pid) { return read_proc(fmt::format("/proc/{}/environ", pid)); }

void for_each_process(const std::function<void(const ProcessStat&)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder.get())) {
    const auto pid = parse_number<pid_t>(entry->d_name);
    if (!pid) continue;
    if (const auto stat = read_stat(*pid)) visit(*stat);
  }
}

Result<std::string> read_boot_id() {
  std::string id = read_proc("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  if (id.empty()) {
    return fail(ErrorKind::failed, "boot_id_unreadable",
                "/proc/sys/kernel/random/boot_id cannot be read",
                "mount /proc; without it, tasks cannot be matched to their processes");
  }
  return id;
}

}  // namespace guild::scheduler
