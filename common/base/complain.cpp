#include "common/base/complain.hpp"

#include <unistd.h>

#include <string>

#include "common/base/text.hpp"

namespace guild {
namespace {

constexpr std::size_t room_bytes_max = 64;
constexpr std::size_t text_bytes_max = 2000;

void write_line(std::string_view line) noexcept {
  // With stderr gone there is nobody left to tell.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

std::string escaped_and_cut(std::string_view text, std::size_t size_max) {
  std::string escaped = escape_to_ascii(text.substr(0, size_max));
  if (text.size() > size_max) escaped += "...";
  return escaped;
}

}  // namespace

void complain(std::string_view room, std::string_view text) noexcept {
  try {
    write_line(escaped_and_cut(room, room_bytes_max) + ": " +
               escaped_and_cut(text, text_bytes_max) + "\n");
  } catch (...) {
    write_line("complain: out of memory for a complaint\n");
  }
}

}  // namespace guild
