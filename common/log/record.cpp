#include "common/log/record.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/base/time.hpp"

namespace guild::log {
namespace {

constexpr std::size_t level_bytes_max = 64;

bool fits_in_level(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

std::string_view name_of(messages::LogLevel level) {
  switch (level) {
    case messages::LogLevel::debug:
      return "DEBUG";
    case messages::LogLevel::info:
      return "INFO";
    case messages::LogLevel::warn:
      return "WARN";
    case messages::LogLevel::error:
      return "ERROR";
    case messages::LogLevel::critical:
      return "CRITICAL";
  }
  return "";
}

}  // namespace

std::string module_level(std::string_view module) {
  std::string level(module.empty() ? "main" : module.substr(0, level_bytes_max));
  std::replace_if(level.begin(), level.end(), [](char c) { return !fits_in_level(c); }, '_');
  return level;
}

std::string_view source_file(std::string_view path) {
  const std::size_t name = path.rfind('/');
  if (name == std::string_view::npos || name == 0) return path;
  const std::size_t folder = path.rfind('/', name - 1);
  return folder == std::string_view::npos ? path : path.substr(folder + 1);
}

std::string bounded(std::string_view text, std::size_t size_max) {
  const bool whole = text.find('\0') == std::string_view::npos && is_utf8(text);
  if (whole) return std::string(utf8_prefix(text, size_max));
  std::string out(text.substr(0, size_max));
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return c == '\0' || static_cast<unsigned char>(c) >= 0x80; }, '?');
  return out;
}

std::string plain_line(const messages::LogRecord& record) {
  const bool has_extra = record.extra.text != "{}";
  return fmt::format("{} {} {}/{}: {}{}{} ({}:{})", to_rfc3339(record.time), name_of(record.level),
                     escape_to_ascii(record.daemon.value), escape_to_ascii(record.module.value),
                     escape_to_ascii(record.message.value), has_extra ? " " : "",
                     has_extra ? escape_to_ascii(record.extra.text) : "",
                     escape_to_ascii(record.file.value), record.line);
}

}  // namespace guild::log
